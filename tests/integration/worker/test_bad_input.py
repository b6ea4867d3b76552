"""Bad input, end to end through the fetcher: the movie goes on with a note, and memory stays bounded."""

import resource
import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import Engine

from tests.support import ledger
from tests.support.workbench import Bench, Host, insert
from worker.offline_tmdb import OfflineTmdb


def peak() -> int:
    """The most memory that this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def huge_png(width: int, height: int) -> bytes:
    """A small file that unfolds to a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    line = bytes(1 + width // 8)
    data = b"".join(rows.compress(line) for _ in range(height)) + rows.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def refused(engine: Engine, bench: Bench, host: Host, body: bytes, kind: str = "image/jpeg") -> str:
    """Serve the body as a movie's own poster; the note with which the movie is ready."""
    host.answer = (200, {"Content-Type": kind}, body)
    movie = insert(engine, title="Mine", plot="Mine.", poster_url=host.url)
    bench.fetch()
    row, found = ledger.row(engine, movie), ledger.content(engine, movie)
    assert (row.state, row.failures) == ("ready", 0)
    assert found.poster_hash is None
    assert found.plot == "Mine."
    return str(found.note)


def test_html_served_as_jpeg(engine: Engine, bench: Bench, host: Host) -> None:
    assert "poster refused" in refused(
        engine, bench, host, b"<!DOCTYPE html><html><body>Sign in</body></html>"
    )


def test_a_truncated_jpeg(engine: Engine, bench: Bench, host: Host, jpeg: bytes) -> None:
    assert "poster refused" in refused(engine, bench, host, jpeg[: len(jpeg) // 2])


def test_a_picture_of_30000_by_30000(engine: Engine, bench: Bench, host: Host) -> None:
    body = huge_png(30_000, 30_000)
    assert len(body) < 1_000_000
    before = peak()
    assert "poster refused" in refused(engine, bench, host, body, "image/png")
    assert peak() - before < 60


def test_an_empty_body(engine: Engine, bench: Bench, host: Host) -> None:
    assert "poster refused" in refused(engine, bench, host, b"")


def test_a_kind_of_picture_that_is_not_read(engine: Engine, bench: Bench, host: Host) -> None:
    out = BytesIO()
    Image.new("RGB", (60, 90)).save(out, "GIF")
    assert "poster refused" in refused(engine, bench, host, out.getvalue(), "image/gif")


def test_a_body_of_200_mb(engine: Engine, bench: Bench, tmdb: OfflineTmdb) -> None:
    tmdb.fail("huge", on="image")
    movie = insert(engine, tmdb_id=11)
    before = peak()
    bench.fetch()
    found = ledger.content(engine, movie)
    assert ledger.row(engine, movie).state == "ready"
    assert "bytes" in found.note
    assert (found.poster_hash, found.plot) == (None, "Nothing is missing.")
    assert peak() - before < 60


@pytest.mark.parametrize("kind", ["html", "truncated"])
def test_tmdbs_images_may_be_bad_as_well(engine: Engine, bench: Bench, tmdb: OfflineTmdb, kind: str) -> None:
    tmdb.fail(kind, on="image")
    movie = insert(engine, tmdb_id=11)
    bench.fetch()
    assert ledger.row(engine, movie).state == "ready"
    assert "poster refused" in ledger.content(engine, movie).note


def test_a_redirect_to_another_host(engine: Engine, bench: Bench, host: Host) -> None:
    host.answer = (302, {"Location": "http://169.254.169.254/latest/meta-data"}, b"")
    movie = insert(engine, title="Mine", plot="Mine.", poster_url=host.url)
    bench.fetch()
    assert ledger.row(engine, movie).state == "ready"
    assert "another host" in ledger.content(engine, movie).note
    assert host.requests == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x.jpg",
        "http://[::1]/x.jpg",
        "http://10.0.0.1/x.jpg",
        "http://user:pw@example.com/x",
    ],
)
def test_an_address_of_the_inside(engine: Engine, bench: Bench, url: str) -> None:
    movie = insert(engine, title="Mine", plot="Mine.", poster_url=url)
    bench.fetch()
    assert ledger.row(engine, movie).state == "ready"
    note = ledger.content(engine, movie).note
    assert "poster refused" in note
    assert "user:pw" not in note


@pytest.mark.parametrize("plot", ["", "   \n\t ", "\x01\x02"])
def test_an_empty_plot_is_a_missing_one(engine: Engine, bench: Bench, plot: str) -> None:
    movie = insert(engine, title="Mine", plot=plot)
    bench.fetch()
    found = ledger.content(engine, movie)
    assert (found.plot, found.plot_source) == (None, None)
    assert ledger.row(engine, movie).state == "ready"


def test_a_movie_with_nothing_at_all(engine: Engine, bench: Bench) -> None:
    movie = insert(engine, external_id="x")
    bench.fetch()
    found = ledger.content(engine, movie)
    assert ledger.row(engine, movie).state == "ready"
    assert (found.title, found.plot, found.poster_hash) == (None, None, None)
    assert found.note
