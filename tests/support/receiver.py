"""A webhook's receiver: a web server that answers each POST as a test wants, and remembers what it was told."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]
TAKEN: Reply = (204, {}, b"")


@dataclass(frozen=True, slots=True)
class Told:
    """One POST."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def delivery(self) -> int:
        """The id that a receiver tells repetitions by."""
        return int(self.headers["Marquee-Delivery"])

    @property
    def json(self) -> Any:
        """The body's document."""
        return json.loads(self.body)


class Receiver:
    """Listens on a port of this machine; `reply` may be changed at any time."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.reply: Callable[[Told], Reply] = lambda _: TAKEN
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told = Told(self.path, dict(self.headers), body)
                with receiver._lock:
                    receiver.told.append(told)
                status, headers, answer = receiver.reply(told)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
