import threading
from hashlib import sha256
from pathlib import Path

import pytest

from worker.errors import PosterDamagedError, PosterMissingError, PosterStoreError
from worker.posters import PosterStore

POSTER = b"\xff\xd8 a normalised poster \xff\xd9"
PLAIN = str.maketrans("[]", "--")
DIGEST = sha256(POSTER).hexdigest()


@pytest.fixture(params=["path", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> PosterStore:
    urls = {
        "path": str(tmp_path / "posters"),
        "file": (tmp_path / "posters").as_uri(),
        "memory": f"memory://{tmp_path.name.translate(PLAIN)}",
    }
    return PosterStore(urls[request.param])


def test_what_is_put_in_comes_out_by_its_hash(store: PosterStore) -> None:
    assert not store.exists(DIGEST)
    assert store.put(POSTER) == DIGEST
    assert store.exists(DIGEST)
    assert store.get(DIGEST) == POSTER


def test_putting_twice_is_putting_once(store: PosterStore) -> None:
    assert store.put(POSTER) == store.put(POSTER) == DIGEST


def test_what_is_not_there_is_named(store: PosterStore) -> None:
    with pytest.raises(PosterMissingError, match=DIGEST):
        store.get(DIGEST)


@pytest.mark.parametrize("digest", ["", "x", "../../etc/passwd", DIGEST.upper(), DIGEST + "0"])
def test_what_is_no_hash_never_becomes_a_path(store: PosterStore, digest: str) -> None:
    with pytest.raises(PosterMissingError):
        store.get(digest)
    assert not store.exists(digest)


def test_posters_lie_under_the_first_two_digits(tmp_path: Path) -> None:
    PosterStore(str(tmp_path)).put(POSTER)
    files = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [f"{DIGEST[:2]}/{DIGEST}.jpg"]


def test_damaged_bytes_are_never_returned(tmp_path: Path) -> None:
    store = PosterStore(str(tmp_path))
    store.put(POSTER)
    (tmp_path / DIGEST[:2] / f"{DIGEST}.jpg").write_bytes(POSTER[:-1])
    with pytest.raises(PosterDamagedError, match=DIGEST):
        store.get(DIGEST)


@pytest.mark.parametrize("left", [b"", POSTER[:7], bytes(len(POSTER))])
def test_what_a_crash_left_is_written_anew(tmp_path: Path, left: bytes) -> None:
    store = PosterStore(str(tmp_path))
    path = tmp_path / DIGEST[:2] / f"{DIGEST}.jpg"
    path.parent.mkdir()
    path.write_bytes(left)
    assert store.get(store.put(POSTER)) == POSTER


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    store = PosterStore(str(tmp_path))
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(PosterStoreError, match=r"No space left on device.*MARQUEE_POSTER_URL"):
        store.put(POSTER)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_threads_may_put_the_same_poster_at_once(tmp_path: Path) -> None:
    store = PosterStore(str(tmp_path))
    together = threading.Barrier(8)
    digests: list[str] = []

    def put() -> None:
        together.wait()
        digests.append(store.put(POSTER))

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert digests == [DIGEST] * 8
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{DIGEST}.jpg"]


def test_an_unknown_scheme_is_a_named_error_without_its_password() -> None:
    for url in ("nosuch://user:secret@host/posters", "s3://user:secret@[host/posters"):
        with pytest.raises(PosterStoreError, match="MARQUEE_POSTER_URL") as caught:
            PosterStore(url)
        assert "secret" not in str(caught.value)
