"""`python -m worker.offline_tmdb FOLDER [--port N]`: serve a folder of movies as TMDB, on loopback.

When it is ready, it prints one line of JSON with its `url` and `image_url`.
"""

import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from worker.errors import LibraryError
from worker.offline_tmdb.app import OfflineApi
from worker.offline_tmdb.library import Library

HOST = "127.0.0.1"


def serve(
    folder: Annotated[Path, typer.Argument(help="The folder, or one *.jsonl file in it.")],
    port: Annotated[int, typer.Option(help="0: any that is free.")] = 0,
    token: Annotated[str | None, typer.Option(help="Accept this token alone.")] = None,
    with_parent: Annotated[bool, typer.Option(help="End when standard input is closed.")] = False,
) -> None:
    """Serve a folder of movies as TMDB, on loopback."""
    try:
        library = Library(folder)
    except LibraryError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    listening = _listen(port)
    url = f"http://{HOST}:{listening.getsockname()[1]}"
    config = uvicorn.Config(
        OfflineApi(library, f"{url}/t/p", token).app(),
        http="httptools",
        loop="asyncio",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    if with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    print(json.dumps({"url": f"{url}/3", "image_url": f"{url}/t/p"}), flush=True)
    uvicorn.Server(config).run(sockets=[listening])


def _listen(port: int) -> socket.socket:
    """A socket that names its protocol: only then does asyncio turn Nagle's 40 ms delays off."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((HOST, port))
    listening.listen(512)
    return listening


def _end_with_parent() -> None:
    """The parent holds the other end of standard input; however it dies, that end is closed."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    typer.run(serve)
