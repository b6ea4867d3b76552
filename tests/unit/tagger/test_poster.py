import struct
import tracemalloc
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tagger.errors import PosterError
from tagger.poster import MAX_BYTES, WIDTH, normalise
from tests.unit.tagger.small import poster


def saved(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def png_header(width: int, height: int) -> bytes:
    """A PNG that is all header: what it claims is decoded only by who believes it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats_become_a_small_jpeg(form: str) -> None:
    small = opened(normalise(poster(size=(600, 900), form=form)))
    assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (WIDTH, 513))


def test_nothing_is_enlarged_and_the_bytes_are_always_the_same() -> None:
    data = poster(size=(100, 150))
    assert opened(normalise(data)).size == (100, 150)
    assert normalise(data) == normalise(data)


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><title>No</title>", b"\n <html></html>", b"<?xml version='1.0'?><svg/>"]
)
def test_a_page_is_refused_by_name(page: bytes) -> None:
    with pytest.raises(PosterError, match="HTML"):
        normalise(page)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_file_is_refused(form: str) -> None:
    data = saved(
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 200, 3), dtype=np.uint8)), form
    )
    with pytest.raises(PosterError):
        normalise(data[: len(data) // 2])


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\x00" * 400, b"\xff\xd8\xff\xe0", b"RIFF\x00\x00\x00\x00WEBP"]
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(PosterError):
        normalise(data)


def test_a_gif_is_refused() -> None:
    with pytest.raises(PosterError, match="not a JPEG, PNG or WebP"):
        normalise(saved(Image.new("RGB", (50, 50)), "GIF"))


@pytest.mark.parametrize("size", [(30_000, 30_000), (12_000, 9_000), (5_000, 5_000)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    data = png_header(*size)
    tracemalloc.start()
    with pytest.raises(PosterError, match="pixels"):
        normalise(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


def test_a_body_that_is_too_large_is_refused() -> None:
    with pytest.raises(PosterError, match="bytes"):
        normalise(b"\xff" * (MAX_BYTES + 1))


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (30, 40), colour) for colour in ("red", "blue", "green")]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    red, _, blue = opened(normalise(data)).getpixel((15, 20))
    assert red > 200
    assert blue < 60


def test_exif_turns_the_poster_upright() -> None:
    image = Image.new("RGB", (90, 60), "black")
    image.paste("white", (0, 0, 45, 60))
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = opened(normalise(saved(image, "JPEG", exif=exif)))
    assert upright.size == (60, 90)
    assert upright.getpixel((30, 10)) > upright.getpixel((30, 80))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_ignored() -> None:
    data = saved(Image.new("RGB", (20, 30), "red"), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert opened(normalise(data)).size == (20, 30)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    source = Image.new("RGB", (40, 60), (200, 30, 30))
    if mode == "I;16":
        image = Image.fromarray(np.full((60, 40), 40_000, dtype=np.uint16))
    else:
        image = source.convert("L").convert(mode) if mode == "LA" else source.convert(mode)
    small = opened(normalise(saved(image, "JPEG" if mode == "CMYK" else "PNG")))
    assert (small.mode, small.size) == ("RGB", (40, 60))
    if mode == "I;16":
        assert abs(small.getpixel((20, 30))[0] - 40_000 // 256) <= 3
    if mode in ("RGBA", "CMYK", "P"):
        assert small.getpixel((20, 30))[0] > 150 > small.getpixel((20, 30))[1]


def test_a_strip_stays_bounded() -> None:
    assert opened(normalise(saved(Image.new("RGB", (2, 9_000))))).height <= 3 * WIDTH
