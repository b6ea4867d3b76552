from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tagger.content import Content
from tagger.errors import TaggerError
from tagger.explain import delete, explain, explain_all, top_words
from tagger.predictor import Predictor
from tests.unit.tagger.small import contents


def test_every_word_and_region_has_a_weight(predictor: Predictor) -> None:
    movie = replace(contents(1)[0], plot="ghost hides, soldier dies!")
    found = explain(predictor, movie, "Horror")
    assert [word for word, _, _ in found.words] == ["ghost", "hides", "soldier", "dies"]
    assert [movie.plot[a:b] for _, (a, b), _ in found.words] == ["ghost", "hides", "soldier", "dies"]  # type: ignore[index]
    assert found.regions.shape == (9, 6)
    assert np.abs(found.regions).max() > 0
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.confidence == predictor.predict([movie])[0].confidence[predictor.genres.index("Horror")]


def test_a_missing_modality_has_no_share(predictor: Predictor) -> None:
    movie = contents(1)[0]
    assert explain(predictor, replace(movie, poster=None), "War").shares == {"plot": 1.0, "poster": 0.0}
    only_poster = explain(predictor, replace(movie, plot=None), "War")
    assert only_poster.shares == {"plot": 0.0, "poster": 1.0}
    assert only_poster.words == ()


def test_several_genres_at_once_say_what_each_says_alone(predictor: Predictor) -> None:
    movie = replace(contents(1)[0], plot="ghost hides soldier dies " * 9)
    pauses: list[int] = []
    found = explain_all(predictor, movie, ["War", "Horror"], between=lambda: pauses.append(1))
    for one in found:
        alone = explain(predictor, movie, one.genre)
        assert one.to_json() == alone.to_json()
        assert np.array_equal(one.regions, alone.regions)
    assert found[0].words != found[1].words
    assert len(pauses) >= 7, "36 words and 54 regions, sixteen at a time, and each part"


def test_lanes_change_nothing(predictor: Predictor, artifact: Path) -> None:
    movie = replace(contents(1)[0], plot="ghost hides soldier dies " * 9)
    side_by_side = Predictor.load(artifact, lanes=3)
    assert explain(side_by_side, movie, "War").to_json() == explain(predictor, movie, "War").to_json()


def test_what_cannot_be_explained_is_said(predictor: Predictor) -> None:
    with pytest.raises(TaggerError, match="does not know the genre"):
        explain(predictor, contents(1)[0], "Ballet")
    with pytest.raises(TaggerError, match="prior"):
        explain(predictor, Content("the sea"), "War")


def test_the_top_words_are_those_whose_deletion_lowers_the_logit(predictor: Predictor) -> None:
    movie = replace(contents(1)[0], plot="ghost hides soldier dies family king sea letter train night")
    found = explain(predictor, movie, "Horror")
    weights = {word: weight for word, _, weight in found.words}
    spans = top_words(found, 2)
    assert all(weights[movie.plot[a:b]] > 0 for a, b in spans)  # type: ignore[index]


def test_deleting_spans() -> None:
    assert delete("the old house", [(4, 7)]) == "the house"
    assert delete("the old house", [(8, 13), (0, 3)]) == "old"
    assert delete("the old house", []) == "the old house"
