"""What one call, and only one, brings home."""

import threading
from datetime import date

import pytest

from worker.errors import AmbiguousMatchError, NoMatchError
from worker.offline_tmdb import OfflineTmdb
from worker.tmdb import TmdbClient, TmdbMovie, Tombstone, Unlimited

WHOLE = TmdbMovie(
    tmdb_id=11,
    imdb_id="tt0000011",
    title="The Whole",
    original_title="The Whole",
    original_language="en",
    year=1999,
    plot="Nothing is missing.",
    plot_language="en",
    poster_path="/11.jpg",
)


def test_a_tmdb_id_takes_one_call(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    assert client.fetch(tmdb_id=11) == WHOLE
    assert tmdb.counts() == {"movie": 1}


def test_an_imdb_id_takes_one_call(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    assert client.fetch(imdb_id="tt0000011") == WHOLE
    assert tmdb.counts() == {"find": 1}


def test_a_title_and_a_year_take_one_call(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    found = client.fetch(title="the WHOLE!", year=1999)
    assert isinstance(found, TmdbMovie)
    assert (found.tmdb_id, found.plot, found.poster_path) == (11, WHOLE.plot, WHOLE.poster_path)
    assert tmdb.counts() == {"search": 1}


def test_the_best_identifier_is_used(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    assert client.fetch(tmdb_id=11, imdb_id="tt0000012", title="No Poster", year=2002) == WHOLE
    assert tmdb.counts() == {"movie": 1}


@pytest.mark.parametrize(
    ("imdb_id", "expected"),
    [
        ("tt0000012", (None, None, "/12.jpg")),
        ("tt0000013", ("A plot alone.", "en", None)),
        ("tt0000014", ("Am Strand.", "de", "/11.jpg")),
    ],
)
def test_details_are_asked_for_only_where_something_is_missing(
    client: TmdbClient, tmdb: OfflineTmdb, imdb_id: str, expected: tuple[str, str, str]
) -> None:
    movie = client.fetch(imdb_id=imdb_id)
    assert isinstance(movie, TmdbMovie)
    assert (movie.plot, movie.plot_language, movie.poster_path) == expected
    assert tmdb.counts() == {"find": 1, "movie": 1}


def test_the_language_falls_back_in_the_same_call(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    movie = client.fetch(tmdb_id=14)
    assert isinstance(movie, TmdbMovie)
    assert (movie.title, movie.plot, movie.plot_language) == ("Das Meer", "Am Strand.", "de")
    assert tmdb.counts() == {"movie": 1}


def test_one_year_off_takes_a_second_search(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    found = client.fetch(title="The Whole", year=2000)
    assert isinstance(found, TmdbMovie)
    assert found.tmdb_id == 11
    assert tmdb.counts() == {"search": 2}


def test_two_movies_of_one_title_and_year_are_ambiguous(client: TmdbClient) -> None:
    with pytest.raises(AmbiguousMatchError, match=r"tmdb_id 15\); Twins \(1988, tmdb_id 16"):
        client.fetch(title="Twins", year=1988)


def test_one_candidate_among_too_many_results_proves_nothing(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    with pytest.raises(AmbiguousMatchError, match="more than 100 movies"):
        client.fetch(title="Love", year=2015)
    assert tmdb.counts() == {"search": 5}


@pytest.mark.parametrize(("title", "year"), [("The Whole", 1950), ("Nobody Made This", 1999)])
def test_no_movie_of_that_title_and_year(client: TmdbClient, title: str, year: int) -> None:
    with pytest.raises(NoMatchError, match="Give the movie its tmdb_id"):
        client.fetch(title=title, year=year)


@pytest.mark.parametrize("title", [None, "", "  "])
def test_nothing_to_look_a_movie_up_by(client: TmdbClient, tmdb: OfflineTmdb, title: str | None) -> None:
    with pytest.raises(NoMatchError, match="no tmdb_id, no imdb_id and no title"):
        client.fetch(title=title)
    assert tmdb.counts() == {}


@pytest.mark.parametrize("imdb_id", ["11", "nm0000001", "tt1/../../x", "tt", ""])
def test_what_is_no_imdb_id_never_becomes_a_path(client: TmdbClient, tmdb: OfflineTmdb, imdb_id: str) -> None:
    with pytest.raises(NoMatchError, match="not an IMDb id"):
        client.fetch(imdb_id=imdb_id)
    assert tmdb.counts() == {}


def test_an_unknown_id_is_a_tombstone(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    assert client.fetch(tmdb_id=404) == Tombstone("not_found", "movie 404")
    assert client.fetch(imdb_id="tt9999999") == Tombstone("not_found", "tt9999999")
    assert tmdb.counts() == {"movie": 1, "find": 1}


def test_deleted_and_merged_ids_are_tombstones(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    tmdb.change(gone=[11], merged={"12": 13})
    assert client.fetch(tmdb_id=11) == Tombstone("not_found", "movie 11")
    merged = client.fetch(tmdb_id=12)
    assert merged == Tombstone("merged", "movie 12", merged_into=13)
    assert str(merged) == "movie 12 is merged into 13 on TMDB."


def test_the_configuration_is_read_once(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    assert client.poster_url(WHOLE) == f"{tmdb.image_url}/w342/11.jpg"
    assert client.poster_url(WHOLE) == f"{tmdb.image_url}/w342/11.jpg"
    assert client.image_origin() in tmdb.image_url
    assert tmdb.counts() == {"configuration": 1}


def test_a_movie_without_a_poster_has_no_url_and_needs_no_call(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    movie = client.fetch(tmdb_id=13)
    assert isinstance(movie, TmdbMovie)
    assert client.poster_url(movie) is None
    assert tmdb.counts() == {"movie": 1}


def test_threads_share_a_client_and_its_connections(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    together = threading.Barrier(8)
    right: list[bool] = []

    def fetch() -> None:
        together.wait()
        for _ in range(25):
            right.append(client.fetch(tmdb_id=11) == WHOLE)
            right.append(client.fetch(imdb_id="tt0000013") != WHOLE)

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 400
    assert tmdb.counts() == {"movie": 400, "find": 200}


def test_changes_are_read_in_windows_of_14_days_each_id_once(client: TmdbClient, tmdb: OfflineTmdb) -> None:
    tmdb.change(
        changed={
            "2024-01-01": list(range(250)),
            "2024-01-14": [7, 900],
            "2024-01-15": [901],
            "2024-02-03": [902, 903],
        }
    )
    assert list(client.changes(date(2024, 1, 1), date(2024, 2, 2))) == [*range(250), 900, 901]
    assert tmdb.counts() == {"changes": 5}  # three windows; the first has 252 ids on three pages


def test_a_v4_token_and_a_wrong_one(movie_folder: object, tmdb: OfflineTmdb) -> None:
    client = TmdbClient("head.payload.signature", Unlimited(), base_url=tmdb.url)
    assert client.fetch(tmdb_id=11) == WHOLE
    client.close()
