"""The dashboard: how the catalog, the models and the editors do; an admin has movies in quarantine tried again."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from catalog.dashboard import read_dashboard
from catalog.edits import note_request
from catalog.engine import transaction
from catalog.ledger.enqueue import Choice, choose, enqueue
from catalog.ledger.words import Priority
from review.charts import columns, round_up, span, stacked
from review.inputs import BIGINT
from review.services import ServicesDep
from review.views import render
from review.visit import AdminDep, VisitDep

router = APIRouter()


@router.get("/dashboard")
def page(request: Request, services: ServicesDep, visit: VisitDep, retried: int = -1) -> Response:  # noqa: ARG001
    """All of it on one page."""
    with transaction(services.engine) as connection:
        found = read_dashboard(connection)
    slowest = round_up(found.latency_p95 or 0)
    return render(
        request,
        "dashboard.html",
        data=found,
        retried=retried if retried >= 0 else None,
        total=sum(found.states.values()),
        waiting=sum(n for state, n in found.states.items() if state not in ("tagged", "quarantined")),
        throughput=columns([n for _, n in found.throughput]),
        hour=sum(n for _, n in found.throughput),
        slowest=slowest,
        latency=span(found.latency_p50 or 0, found.latency_p95 or 0, slowest),
        queue_spans=stacked(list(found.queue.values())),
        audited=[(p, span(p.lower, p.upper)) for p in found.precision],
    )


@router.post("/dashboard/retry")
def retry(
    services: ServicesDep, visit: AdminDep, movie: Annotated[int, Form(ge=-BIGINT, lt=BIGINT)]
) -> Response:
    """Take one movie out of quarantine."""
    known = enqueue(services.engine, [movie], Priority.INTERACTIVE)
    with transaction(services.engine) as connection:
        note_request(connection, movie, by=visit.editor.name, refetch=False)
    return RedirectResponse(f"/dashboard?retried={len(known)}", 303)


@router.post("/dashboard/retry-all")
def retry_all(services: ServicesDep, visit: AdminDep) -> Response:  # noqa: ARG001
    """Take every movie out of quarantine."""
    known = 0
    for ids in choose(services.engine, Choice(failed=True)):
        known += len(enqueue(services.engine, ids, Priority.BULK))
    return RedirectResponse(f"/dashboard?retried={known}", 303)
