"""The Celery application.

People who know Celery start a part with its own command line:

    celery -A worker.app worker -Q fetch -P threads -c 8
    celery -A worker.app worker -Q tag   -P threads -c 1

Messages carry identifiers only and may be lost or doubled at any time: the ledger is the truth.
"""

from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue

from catalog.ledger.words import Priority
from marquee.errors import MarqueeError
from marquee.settings import load_settings
from worker.connections import Connections, locate

FETCH_QUEUE, TAG_QUEUE = "fetch", "tag"
FETCH, TAG, ENQUEUE, REFRESH = "marquee.fetch", "marquee.tag", "marquee.enqueue", "marquee.refresh"


def configuration() -> dict[str, Any]:
    """What differs from Celery's defaults, and why."""
    broker = _connections().broker_url
    redis = broker.startswith("redis")
    # One more attempt, and no silence of more than five seconds: the ledger waits better than a thread.
    options: dict[str, Any] = {"max_retries": 1, "interval_start": 0.2, "interval_step": 0.2}
    if redis:
        # Redis' lowest number goes first; a queue a priority, looked at in that order. RabbitMQ's classic queues
        # know no priorities, and quorum queues, or classic ones that do, are declared in another way.
        options |= {"socket_connect_timeout": 2.0, "socket_timeout": 5.0, "socket_keepalive": True}
        options |= {"priority_steps": [int(p) for p in Priority], "queue_order_strategy": "priority"}
    return {
        "broker_url": broker,
        "broker_transport_options": options,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "task_acks_late": False,  # the ledger's leases bring lost work back, and sooner
        "task_publish_retry": False,  # the relay gives the movies back and tries later
        "task_queues": [
            # As any Celery application would declare them, so that another one may send to them by name.
            Queue(FETCH_QUEUE, Exchange(FETCH_QUEUE), FETCH_QUEUE),
            Queue(TAG_QUEUE, Exchange(TAG_QUEUE), TAG_QUEUE),
        ],
        "task_default_queue": FETCH_QUEUE,
        "task_routes": {TAG: {"queue": TAG_QUEUE}},
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "beat_schedule": {
            "refresh what changed on TMDB": {"task": REFRESH, "schedule": 24 * 3600.0},
        },
    }


def _connections() -> Connections:
    """Where the broker is. Celery's own command line shows no traceback of an error that has a mend."""
    try:
        return locate(load_settings())
    except MarqueeError as error:
        import click
        from celery.bin.base import CLIContext

        context = click.get_current_context(silent=True)
        if context is None or context.find_object(CLIContext) is None:
            raise
        raise click.ClickException(str(error)) from None


app = Celery("marquee", include=["worker.tasks", "worker.parts"])
app.add_defaults(configuration)
