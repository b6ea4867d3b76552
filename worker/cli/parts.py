"""`marquee worker …`: one part of Marquee in the foreground, for production."""

import os
import signal
from types import FrameType
from typing import Annotated

import typer

from marquee.log import configure_logging
from marquee.settings import load_settings
from worker.cli.options import catalog_of
from worker.connections import locate

app = typer.Typer(
    no_args_is_help=True,
    help="Run one part in the foreground, for production: `relay`, `fetch`, `tag` or `beat`. "
    "Celery's own command line works too: celery -A worker.app worker -Q fetch -P threads -c 8",
)

Name = Annotated[str | None, typer.Option("--name", help="The Celery node's name, for Flower.")]


def run_celery(queue: str, threads: int, name: str | None) -> None:
    """Run a Celery worker of one queue in this process."""
    from worker.app import app as celery

    settings = load_settings()
    locate(settings)  # where nothing runs, say so before Celery starts
    configure_logging(settings)
    node = name or f"{queue}-{os.getpid()}"
    celery.worker_main(
        [
            "worker", "--queues", queue, "--pool", "threads", "--concurrency", str(threads),
            "--hostname", f"{node}@%h", "--loglevel", settings.log_level, "--without-gossip", "--without-mingle",
        ]
    )  # fmt: skip


@app.command()
def relay() -> None:
    """Send due movies to the fetch workers. Several relays may run side by side.

    Example: marquee worker relay
    """
    from catalog.liveness import Presence
    from worker.app import app as celery
    from worker.parts import limits_of
    from worker.relay import Relay

    settings = load_settings()
    configure_logging(settings)
    with catalog_of(settings, name="relay") as engine:
        part = Relay(
            engine,
            celery,
            window=settings.relay_window,
            poll_seconds=settings.poll_seconds,
            limits=limits_of(settings),
        )

        def stop(_number: int, _frame: FrameType | None) -> None:
            part.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        with Presence(engine, "relay"):
            part.run()


@app.command()
def fetch(
    threads: Annotated[
        int | None, typer.Option(help="Movies fetched at once. Default: MARQUEE_FETCH_THREADS.")
    ] = None,
    name: Name = None,
) -> None:
    """Fetch plots and posters. Run as many as you like; they share one rate limit.

    Example: marquee worker fetch --threads 16
    """
    from worker.app import FETCH_QUEUE

    if threads is not None:
        os.environ["MARQUEE_FETCH_THREADS"] = str(threads)
    run_celery(FETCH_QUEUE, load_settings().fetch_threads, name)


@app.command()
def tag(
    device: Annotated[str, typer.Option(help="cpu, cuda:N, or auto.")] = "",
    name: Name = None,
) -> None:
    """Tag ready movies on one device. Run one a GPU.

    Example: marquee worker tag --device cuda:0
    """
    from worker.app import TAG_QUEUE

    if device:
        os.environ["MARQUEE_DEVICE"] = device
    run_celery(TAG_QUEUE, 1, name)


@app.command()
def beat() -> None:
    """Send the scheduled tasks, and tell the webhooks. Run exactly one.

    Example: marquee worker beat
    """
    from catalog.liveness import Presence
    from worker.app import app as celery
    from worker.webhooks import Sender, WebhookClient

    settings = load_settings()
    configure_logging(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    with (
        catalog_of(settings, name="beat", pool_size=16) as engine,
        Sender(engine, WebhookClient(settings.webhook_hosts), poll_seconds=settings.poll_seconds),
        Presence(engine, "beat"),
    ):
        celery.Beat(loglevel=settings.log_level, schedule=str(settings.home / "beat-schedule")).run()
