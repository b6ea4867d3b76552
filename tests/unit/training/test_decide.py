import numpy as np
import pytest
from scipy.special import expit, logit

from training.decide import Rules, choose_threshold, fit_bands, fit_calibration, halves
from training.metrics import calibration_error


def drawn(movies: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    p = np.clip(random.beta(0.4, 1.2, (movies, 4)), 1e-4, 1 - 1e-4) * np.array([1, 1, 0.6, 0.2])
    return p, random.random(p.shape) < p


def test_the_halves_depend_on_names_alone() -> None:
    names = [str(n) for n in range(1000)]
    first = halves(names, 0.5)
    assert 430 < first.sum() < 570
    assert (halves(names[::-1], 0.5)[::-1] == first).all()


def test_calibration_mends_what_is_too_sure() -> None:
    p, y = drawn(6000)
    z = 2.5 * logit(p) + 0.4
    calibration = fit_calibration([z[:3000]] * 3, y[:3000])
    mended = calibration(z[3000:], np.zeros(3000, dtype=np.int64))
    assert calibration_error(expit(z[3000:]), y[3000:]) > 0.05
    assert calibration_error(mended.astype(np.float64), y[3000:]) < 0.02


def test_ends_never_cross_and_hold_on_other_movies() -> None:
    p, y = drawn(8000)
    bands = fit_bands([p.astype(np.float32)] * 3, y, Rules())
    assert (bands.low <= bands.threshold).all()
    assert (bands.threshold <= bands.high).all()
    other, truth = drawn(8000, seed=1)
    codes = bands.codes(other.astype(np.float32), np.zeros(8000, dtype=np.int64))
    assert truth[codes > 0].mean() > 0.94
    assert (~truth[codes < 0]).mean() > 0.985
    assert (codes > 0).any()


def test_a_rare_genre_shares_the_pooled_end_or_has_none() -> None:
    p, y = drawn(400)
    bands = fit_bands([p.astype(np.float32)] * 3, y, Rules(rare=10_000))
    assert len(set(bands.high[0].tolist())) == 1
    assert np.isinf(fit_bands([p.astype(np.float32)] * 3, y, Rules(precision=0.9999)).high).all()


def test_a_threshold_of_few_positives_is_the_expected_one() -> None:
    p, y = drawn(5000)
    free = choose_threshold(p[:, 0], y[:, 0], Rules(shrink=0))
    held = choose_threshold(p[:, 0], y[:, 0], Rules(shrink=1e9))
    ranked = np.sort(p[:, 0])[::-1]
    best = (2 * np.cumsum(ranked) / (np.arange(1, 5001) + ranked.sum())).max()
    assert held == pytest.approx(best / 2, abs=0.01)  # the known optimum of expected F1
    assert free == pytest.approx(held, abs=0.1)
