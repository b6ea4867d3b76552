"""Checking and shrinking posters, once, when they are fetched: untrusted bytes in, a small JPEG out.

The size in pixels is read from the header and checked before anything is decoded, and a JPEG is decoded
at a fraction of its size, so that memory stays bounded whatever the bytes say.
"""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from tagger.errors import PosterError

MAX_BYTES = 16 * 1024 * 1024
MAX_PIXELS = 24_000_000
WIDTH = 342
MAX_HEIGHT = 3 * WIDTH
QUALITY = 90
FORMATS = ("JPEG", "PNG", "WEBP")

BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, OverflowError,
    AttributeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow is known to raise on broken files."""


def normalise(data: bytes) -> bytes:
    """Check untrusted image bytes and return the small form that is stored and that the model reads.

    The result is an RGB JPEG (quality 90), upright, at most 342 px wide and never enlarged; the same bytes
    always give the same result. Of an animated image the first frame counts.

    Raises:
        PosterError: too many bytes or pixels, not a JPEG, PNG or WebP, or truncated.
    """
    if len(data) > MAX_BYTES:
        raise PosterError(f"The poster has {len(data)} bytes, over the limit of {MAX_BYTES}.")
    image = _open(data)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PosterError(f"The poster has {width} × {height} pixels, over the limit of {MAX_PIXELS}.")
    try:
        small = _shrink(image)
        out = BytesIO()
        small.save(out, "JPEG", quality=QUALITY)
    except BROKEN as error:
        raise PosterError(f"The poster is damaged or truncated ({_short(error)}).") from None
    return out.getvalue()


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PosterError(f"The poster has more than {MAX_PIXELS} pixels.") from None
    except BROKEN:
        head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<svg")):
            raise PosterError("The poster is a text document (HTML, SVG or XML), not an image.") from None
        if not data:
            raise PosterError("The poster has no bytes.") from None
        raise PosterError("The poster is not a JPEG, PNG or WebP image.") from None


def _shrink(image: Image.Image) -> Image.Image:
    turned = _orientation(image) >= 5
    width, height = (image.height, image.width) if turned else image.size
    scale = min(1.0, WIDTH / width, MAX_HEIGHT / height)
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    image.draft(None, (2 * target[1], 2 * target[0]) if turned else (2 * target[0], 2 * target[1]))
    image.load()
    upright = _rgb(image if _orientation(image) == 1 else ImageOps.exif_transpose(image))
    if upright.size == target:
        return upright
    return upright.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(0x0112, 1)
    except (*BROKEN, Warning):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel: Pillow's own conversion would clip, not scale
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        page = Image.new("RGBA", image.size, "white")
        page.alpha_composite(image)
        image = page
    return image.convert("RGB")


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
