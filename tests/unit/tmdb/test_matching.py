import pytest

from worker.errors import AmbiguousMatchError, NoMatchError
from worker.tmdb.matching import candidates, normalised, only
from worker.tmdb.shapes import Summary


def movie(tmdb_id: int, title: str, date: str, original: str = "") -> Summary:
    return Summary.model_validate(
        {"id": tmdb_id, "title": title, "original_title": original, "release_date": date}
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Amélie", "AMELIE"),
        ("Schindler's List", "Schindler\u2019s List"),
        ("Fast & Furious", "Fast and Furious"),
        ("Spider-Man: Homecoming", "Spider Man  Homecoming"),
        ("WALL·E", "wall e"),
        ("Crouching Tiger, Hidden Dragon", "Crouching Tiger Hidden Dragon"),
    ],
)
def test_titles_are_equal_but_for_case_accents_and_punctuation(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Alien", "Aliens"), ("Up", "Us"), ("…", "!!!"), ("がん", "かん"), ("7", "8")]
)
def test_other_titles_stay_apart(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_the_exact_year_wins_over_its_neighbours() -> None:
    results = [movie(1, "Alone", "2019-12-30"), movie(2, "Alone", "2020-09-18")]
    assert [m.id for m in candidates(results, "Alone", 2020)] == [2]


def test_one_year_off_is_accepted_where_only_one_movie_has_it() -> None:
    results = [movie(1, "Alone", "2019-01-01"), movie(2, "Alone", "2015-01-01")]
    assert only(candidates(results, "Alone", 2020), results, "Alone", 2020).id == 1


def test_both_neighbours_are_ambiguous() -> None:
    results = [movie(1, "Alone", "2019-01-01"), movie(2, "Alone", "2021-01-01")]
    with pytest.raises(AmbiguousMatchError, match=r"Alone \(2019, tmdb_id 1\); Alone \(2021, tmdb_id 2\)"):
        only(candidates(results, "Alone", 2020), results, "Alone", 2020)


def test_the_original_title_counts_as_well() -> None:
    results = [movie(194, "Amelie", "2001-04-25", "Le Fabuleux Destin d'Amélie Poulain")]
    assert candidates(results, "Le fabuleux destin d\u2019Amelie Poulain", 2001) == results


def test_nothing_that_fits_names_what_came_nearest() -> None:
    results = [movie(1, "Aliens", "1986-07-18")]
    with pytest.raises(NoMatchError, match=r"no movie Alien \(1986\).*Aliens \(1986, tmdb_id 1\)"):
        only(candidates(results, "Alien", 1986), results, "Alien", 1986)


def test_without_a_year_only_one_movie_may_have_the_title() -> None:
    results = [movie(1, "Solaris", "1972-03-20"), movie(2, "Solaris", "2002-11-27")]
    assert len(candidates(results, "Solaris", None)) == 2
    with pytest.raises(AmbiguousMatchError):
        only(candidates(results, "Solaris", None), results, "Solaris", None)
