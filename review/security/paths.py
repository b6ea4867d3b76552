"""Where a sign-in may lead to: a path of this application, never another site."""

from urllib.parse import urlsplit


def local_path(given: str | None, default: str = "/") -> str:
    r"""The path if it is one of this application, else the default.

    Browsers take `//host`, `/\host` and control characters for ways to another host.
    """
    if not given or len(given) > 2000 or not given.startswith("/") or given.startswith(("//", "/\\")):
        return default
    if "\\" in given or any(ord(c) <= 32 or ord(c) == 127 for c in given):
        return default
    try:
        parts = urlsplit(given)
    except ValueError:
        return default
    return default if parts.scheme or parts.netloc else given
