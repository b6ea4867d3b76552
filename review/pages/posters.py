"""The posters, by the hash of their bytes: what is under a name never changes."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from review.errors import PosterNotFoundError
from review.services import ServicesDep
from review.visit import VisitDep

router = APIRouter()

KINDS = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif"))


@router.get("/posters/{digest}")
def poster(
    services: ServicesDep,
    visit: VisitDep,  # noqa: ARG001
    digest: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
) -> Response:
    """The poster of this hash.

    Raises:
        PosterNotFoundError: there is none.
    """
    try:
        data = services.posters.get(digest)
    except KeyError:
        raise PosterNotFoundError from None
    return Response(
        data, media_type=kind_of(data), headers={"Cache-Control": "private, max-age=31536000, immutable"}
    )


def kind_of(data: bytes) -> str:
    """The media type that the first bytes show; none that a browser would run."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in KINDS if data.startswith(start)), "application/octet-stream")
