"""The review page over a test's database: the real application under the real server, in a thread of the test.

with running_review(engine, tmp_path) as site:
    browser.goto(site.link("ada"))      # a link that signs in once, as an editor who is made for it
    browser.goto(site.url + "/queue")
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import uvicorn
from sqlalchemy import Engine

from catalog.engine import transaction
from catalog.people.editors import add_editor, find_editor
from catalog.people.tokens import add_token
from marquee.settings import load_settings
from review.app import create_app
from tests.support.waiting import until
from worker.address import listen
from worker.links import one_time_link
from worker.posters import PosterStore
from worker.web import ReviewPosters, review_config


@dataclass(frozen=True, slots=True)
class Site:
    """A running review page: `url` has no slash at its end; `posters` is what it shows posters from."""

    url: str
    engine: Engine
    posters: PosterStore

    def link(self, name: str = "ada", role: Literal["editor", "admin"] = "editor") -> str:
        """A link that signs in once as this editor, who is made where there is none of this name."""
        with transaction(self.engine) as connection:
            found = find_editor(connection, name)
            editor = found[0] if found else add_editor(connection, name, None, role)
            return one_time_link(connection, editor, self.url)

    def token(self, *scopes: str, name: str = "pipeline") -> str:
        """A token for the HTTP API."""
        with transaction(self.engine) as connection:
            return add_token(connection, name, scopes)


@contextmanager
def running_review(engine: Engine, home: Path, **settings: Any) -> Iterator[Site]:
    """Serve the review page on a free port of loopback until the context ends; `home` holds posters and the key."""
    chosen = load_settings(**({"home": home, "review_port": 0} | settings))
    store = PosterStore(chosen.posters)
    with listen("127.0.0.1", 0) as bound:
        port = int(bound.getsockname()[1])
        app = create_app(engine, review_config(chosen, port), ReviewPosters(store))
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="review")
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive(), what="the review page starts")
            assert server.started, "the review page ended at once"
            yield Site(f"http://127.0.0.1:{port}", engine, store)
        finally:
            server.should_exit = True
            thread.join()
