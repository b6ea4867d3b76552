"""The manual of the API at `/docs`: Swagger UI, from the files of a pinned package. No other host is asked."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse

router = APIRouter(include_in_schema=False)

OWN = Path(__file__).parent / "assets"
SWAGGER = Path(str(files("fastapi_swagger"))) / "resources"
# Its icons are data: URLs; scripts and styles come from this host alone.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
ASSETS = {
    "docs.js": OWN / "docs.js",
    "swagger-ui-bundle.js": SWAGGER / "swagger-ui-bundle.js",
    "swagger-ui.css": SWAGGER / "swagger-ui.css",
}


@router.get("/docs")
def manual() -> FileResponse:
    """The page."""
    return FileResponse(OWN / "docs.html", headers={"Content-Security-Policy": POLICY})


def asset(name: str, path: Path) -> None:
    """Serve one file of the manual."""

    def send() -> FileResponse:
        return FileResponse(path, headers={"Cache-Control": "public, max-age=3600"})

    router.get(f"/docs/{name}", name=f"docs {name}")(send)


for _name, _path in ASSETS.items():
    asset(_name, _path)
