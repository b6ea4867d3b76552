"""Calibration and bands, against other people's implementations."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression

from tagger.bands import Bands, accept_from, lower_bound, reject_below
from tagger.calibration import Calibration, fit_platt


def test_platt_is_a_logistic_regression_of_the_logit() -> None:
    random = np.random.default_rng(0)
    z = random.normal(size=(4000, 1)) * 3
    y = random.random((4000, 1)) < expit(0.5 * z - 1)
    scale, shift = fit_platt(z, y, ridge=1e-6)
    theirs = LogisticRegression(C=1e6, tol=1e-8).fit(z, y[:, 0])
    assert scale[0] == pytest.approx(theirs.coef_[0, 0], rel=1e-3)
    assert shift[0] == pytest.approx(theirs.intercept_[0], rel=1e-3)


def test_a_genre_with_few_positives_stays_near_the_others() -> None:
    random = np.random.default_rng(1)
    z = random.normal(size=(2000, 3)) * 2
    y = random.random((2000, 3)) < expit(0.8 * z - 0.5)
    y[:, 2] = False
    y[0, 2] = True
    scale, _ = fit_platt(z, y)
    assert 0.05 < scale[2] < 1.2


def test_each_pattern_has_its_own_calibration() -> None:
    calibration = Calibration(np.array([[1.0], [2.0], [0.5]]), np.zeros((3, 1)))
    p = calibration(np.full((3, 1), 1.5), np.array([0, 1, 2]))
    assert p[:, 0] == pytest.approx(expit([1.5, 3.0, 0.75]), abs=1e-6)
    assert p.dtype == np.float32


@pytest.mark.parametrize(("hits", "trials"), [(0, 20), (1, 20), (57, 60), (60, 60), (500, 1000)])
def test_the_bound_is_clopper_and_pearsons(hits: int, trials: int) -> None:
    theirs = binomtest(hits, trials, alternative="greater").proportion_ci(0.95, "exact").low
    assert lower_bound(np.array([hits]), np.array([trials]), 0.95)[0] == pytest.approx(theirs, abs=1e-9)


def test_an_upper_end_holds_on_other_movies() -> None:
    random = np.random.default_rng(2)

    def draw() -> tuple[np.ndarray, np.ndarray]:
        p = random.random(4000)
        return p, random.random(4000) < p**0.5

    broken = 0
    for _ in range(40):
        end = accept_from(*draw(), target=0.95, level=0.95)
        p, y = draw()
        broken += bool((p >= end).any()) and y[p >= end].mean() < 0.94
    assert broken <= 2


def test_ends_are_open_where_the_evidence_is_missing() -> None:
    p, y = np.linspace(0, 1, 40), np.ones(40, dtype=bool)
    assert accept_from(p, y, target=0.95, level=0.95) == np.inf
    assert reject_below(p, y, target=0.99, level=0.95) == -np.inf


def test_a_tie_is_taken_whole() -> None:
    p = np.array([0.9] * 200 + [0.5] * 200)
    y = np.array([True] * 200 + [False, True] * 100)
    assert accept_from(p, y, target=0.9, level=0.95) == 0.9


def test_below_the_lower_end_the_end_itself_is_not() -> None:
    p, y = np.array([0.1] * 500 + [0.6] * 500), np.array([False] * 500 + [True] * 500)
    end = reject_below(p, y, target=0.99, level=0.95)
    bands = Bands(np.full((3, 1), end), np.full((3, 1), 0.5), np.full((3, 1), np.inf))
    codes = bands.codes(np.array([[0.1], [0.6]], dtype=np.float32), np.zeros(2, dtype=np.int64))
    assert codes[:, 0].tolist() == [-1, 0]
