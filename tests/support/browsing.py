"""A browser without a screen: the review application, its cookies, and forms that are sent as its pages would."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from catalog.engine import transaction
from catalog.people.editors import EditorRecord, Role, add_editor
from catalog.people.invitations import invite
from catalog.people.keys import fingerprint, new_key

Answer = Any  # httpx's Response
JSON = {"Accept": "application/json"}


class KeptPosters:
    """Posters in memory; what does not begin as an image does is refused."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get(self, digest: str) -> bytes:
        return self.kept[digest]

    def put(self, data: bytes) -> str:
        if not data.startswith((b"\xff\xd8\xff", b"\x89PNG", b"RIFF")):
            raise ValueError("it is no image.")
        digest = hashlib.sha256(data).hexdigest()
        self.kept[digest] = data
        return digest


class Browser:
    """A browser at the application; redirects are not followed unless a test asks for it."""

    def __init__(self, app: FastAPI, engine: Engine, **options: Any) -> None:
        self.engine = engine
        self.client = TestClient(app, follow_redirects=False, **options)
        self.editor: EditorRecord | None = None

    def get(self, path: str, **options: Any) -> Answer:
        return self.client.get(path, **options)

    def ask(self, path: str) -> Any:
        """What the page's script gets."""
        answer = self.client.get(path, headers=JSON)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def token(self) -> str:
        """The CSRF token of this browser's pages."""
        found = re.search(r'<meta name="csrf" content="(\w+)">', self.get("/sign-in").text)
        assert found is not None
        return found[1]

    def submit(self, path: str, **fields: Any) -> Answer:
        """Send a form, as a page without a script does."""
        return self.client.post(path, data={"csrf": self.token(), **_plain(fields)})

    def send(self, path: str, **fields: Any) -> Answer:
        """Send what the page's script would."""
        return self.client.post(path, data=_plain(fields), headers={**JSON, "X-CSRF-Token": self.token()})

    def saved(self, path: str, **fields: Any) -> Any:
        """Send what the page's script would; it succeeds."""
        answer = self.send(path, **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def enter(self, name: str = "ann", role: Role = "editor") -> "Browser":
        """Sign in as a new editor, by a link."""
        key = new_key()
        with transaction(self.engine) as connection:
            self.editor = add_editor(connection, name, None, role)
            invite(connection, self.editor.id, fingerprint(key), 5)
        assert self.submit("/enter", token=key).status_code == 303
        return self


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: [str(one) for one in value]
        if isinstance(value, Sequence) and not isinstance(value, str)
        else value
        for name, value in fields.items()
        if value is not None
    }
