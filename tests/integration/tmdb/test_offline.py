"""The offline TMDB says what the real one would."""

import json
import os
import signal
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from worker.errors import LibraryError
from worker.offline_tmdb import OfflineTmdb
from worker.offline_tmdb.library import Library


def get(tmdb: OfflineTmdb, path: str, **params: Any) -> requests.Response:
    return requests.get(f"{tmdb.url}/{path}", params={"api_key": tmdb.token, **params}, timeout=5)


def test_details_have_genres_and_keywords_to_be_ignored(tmdb: OfflineTmdb) -> None:
    body = get(tmdb, "movie/11", append_to_response="keywords,external_ids").json()
    assert body["genres"] == [{"id": 27, "name": "Horror"}, {"id": 37, "name": "Western"}]
    assert [keyword["name"] for keyword in body["keywords"]["keywords"]] == ["horror", "western"]
    assert body["external_ids"]["imdb_id"] == "tt0000011"


def test_nothing_is_appended_unasked(tmdb: OfflineTmdb) -> None:
    assert not {"translations", "images"} & get(tmdb, "movie/11").json().keys()


def test_a_plot_is_empty_in_other_languages(tmdb: OfflineTmdb) -> None:
    assert get(tmdb, "movie/14", language="de-DE").json()["overview"] == "Am Strand."
    assert get(tmdb, "movie/14", language="en-US").json()["overview"] == ""


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("movie/11", {"api_key": ""}, 401, 7),
        ("movie/404", {}, 404, 34),
        ("tv/1", {}, 404, 34),
        ("movie/changes", {"start_date": "2024-01-01", "end_date": "2024-02-01"}, 422, 20),
    ],
)
def test_errors_have_tmdbs_shape(
    tmdb: OfflineTmdb, path: str, params: dict[str, str], status: int, code: int
) -> None:
    response = get(tmdb, path, **params)
    body = response.json()
    assert (response.status_code, body["status_code"], body["success"]) == (status, code, False)
    assert body["status_message"]


def test_faults_strike_the_endpoint_that_they_name_and_pass(tmdb: OfflineTmdb) -> None:
    tmdb.fail("429", on="find", times=1, retry_after="7")
    assert get(tmdb, "movie/11").status_code == 200
    assert get(tmdb, "find/tt0000011").headers["Retry-After"] == "7"
    assert get(tmdb, "find/tt0000011").status_code == 200


def test_an_unknown_fault_is_an_error(tmdb: OfflineTmdb) -> None:
    with pytest.raises(requests.HTTPError, match="422"):
        tmdb.fail("earthquake")


def test_one_token_can_be_asked_for(movie_folder: Path) -> None:
    with OfflineTmdb(movie_folder, token="only.this.one") as tmdb:
        assert requests.get(f"{tmdb.url}/movie/11", params={"api_key": "0"}, timeout=5).status_code == 401
        headers = {"Authorization": "Bearer only.this.one"}
        assert requests.get(f"{tmdb.url}/movie/11", headers=headers, timeout=5).status_code == 200


def test_posters_are_read_from_folders_and_from_tars_in_place(tmp_path: Path) -> None:
    posters = {"1.webp": b"in a tar", "2.jpg": b"in posters/", "3.jpg": b"beside", "4.jpg": b"in another tar"}
    (tmp_path / "posters").mkdir()
    (tmp_path / "posters" / "2.jpg").write_bytes(posters["2.jpg"])
    (tmp_path / "3.jpg").write_bytes(posters["3.jpg"])
    for tar, name in (("a.tar", "1.webp"), ("b.tar", "4.jpg")):
        with tarfile.open(tmp_path / tar, "w") as archive:
            member = tarfile.TarInfo(f"some/where/{name}")
            member.size = len(posters[name])
            archive.addfile(member, BytesIO(posters[name]))
    (tmp_path / "a.jsonl").write_text('{"tmdb_id": 1, "title": "A", "poster": "1.webp"}\n\n')
    library = Library(tmp_path)
    assert {name: poster.read() for name, poster in library.posters.items()} == posters
    assert library.posters["1.webp"].media_type == "image/webp"
    for file in {poster.file for poster in library.posters.values()}:
        os.close(file)


def test_one_list_of_a_folder_can_be_served(tmp_path: Path) -> None:
    for name, tmdb_id in (("a", 1), ("b", 2)):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"tmdb_id": tmdb_id, "title": name}))
    assert set(Library(tmp_path).movies) == {1, 2}
    assert set(Library(tmp_path / "b.jsonl").movies) == {2}


@pytest.mark.parametrize(
    ("line", "said"),
    [(None, "no .*jsonl"), ('{"tmdb_id": "x", "title": "A"}', "line 1: tmdb_id"), ("{", "line 1: JSON")],
)
def test_a_folder_that_cannot_be_served_is_named(tmp_path: Path, line: str | None, said: str) -> None:
    if line:
        (tmp_path / "a.jsonl").write_text(line)
    with pytest.raises(LibraryError, match=said), OfflineTmdb(tmp_path):
        pass


def test_it_listens_on_loopback_alone(tmdb: OfflineTmdb) -> None:
    listening = [c for c in psutil.Process(tmdb.pid).net_connections() if c.status == "LISTEN"]
    assert [connection.laddr.ip for connection in listening] == ["127.0.0.1"]


def test_it_ends_with_its_parent_however_that_ends(movie_folder: Path) -> None:
    code = (
        "import sys, pathlib; from worker.offline_tmdb import OfflineTmdb;"
        "tmdb = OfflineTmdb(pathlib.Path(sys.argv[1])).start(); print(tmdb.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(movie_folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone == [child]
