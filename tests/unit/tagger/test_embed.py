"""Movies as vectors: their length, what is missing, and that batch-mates and lanes change nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tagger.content import Content
from tagger.embed import embed
from tagger.predictor import Predictor
from tests.unit.tagger.small import contents


def test_vectors_have_length_one_and_do_not_depend_on_batch_mates(
    predictor: Predictor, artifact: Path
) -> None:
    movies = contents(12)
    vectors = embed(predictor, movies)
    width = predictor.network.text.width + predictor.network.image.width
    assert (vectors.shape, vectors.dtype) == ((12, width), np.dtype(np.float32))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    alone = np.concatenate([embed(Predictor.load(artifact, lanes=2), [movie]) for movie in movies])
    assert np.abs(vectors - alone).max() < 1e-5
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


def test_the_part_of_what_is_missing_is_zero(predictor: Predictor) -> None:
    movie = contents(1)[0]
    text = predictor.network.text.width
    plot, poster, neither = embed(
        predictor, [replace(movie, poster=None), replace(movie, plot=None), Content("a title alone")]
    )
    assert np.linalg.norm(plot[:text]) == pytest.approx(1, abs=1e-5)
    assert not plot[text:].any()
    assert not poster[:text].any()
    assert np.linalg.norm(poster[text:]) == pytest.approx(1, abs=1e-5)
    assert not neither.any()


def test_both_parts_count_alike(predictor: Predictor) -> None:
    [vector] = embed(predictor, contents(1))
    text = predictor.network.text.width
    assert np.linalg.norm(vector[:text]) == pytest.approx(np.linalg.norm(vector[text:]), abs=1e-5)
