"""Every score against scikit-learn's, or against its formula."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from training import metrics


@pytest.fixture(params=range(3))
def drawn(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(request.param)
    labels = random.random((200, 6)) < np.array([0.5, 0.3, 0.2, 0.1, 0.05, 0.02])
    labels[0] = True
    confidence = np.round(np.clip(random.random((200, 6)) * 0.7 + 0.3 * labels, 0, 1), 2)  # with ties
    return confidence, confidence > 0.5, labels


def test_average_precision(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    confidence, _, labels = drawn
    expected = [theirs.average_precision_score(labels[:, g], confidence[:, g]) for g in range(6)]
    assert metrics.average_precision(confidence, labels) == pytest.approx(expected)
    assert metrics.mean_average_precision(confidence, labels) == pytest.approx(np.mean(expected))


def test_roc_auc(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    confidence, _, labels = drawn
    assert metrics.roc_auc(confidence, labels) == pytest.approx(
        theirs.roc_auc_score(labels, confidence, average=None)
    )


def test_f1(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    _, predicted, labels = drawn
    found = metrics.f1_scores(predicted, labels)
    for kind in ("micro", "macro", "weighted", "samples"):
        expected = theirs.f1_score(labels, predicted, average=kind, zero_division=0)
        assert found[f"f1_{kind}"] == pytest.approx(expected)
    assert found["exact_match"] == pytest.approx(theirs.accuracy_score(labels, predicted))


def test_a_genre_without_positives_is_left_out_of_map() -> None:
    labels = np.array([[True, False], [False, False]])
    confidence = np.array([[0.9, 0.5], [0.1, 0.4]])
    assert metrics.mean_average_precision(confidence, labels) == 1.0
    assert np.isnan(metrics.roc_auc(confidence, labels)[1])
    assert metrics.f1_by_genre(confidence > 0.8, labels).tolist() == [1.0, 0.0]


def test_calibration_error_by_hand() -> None:
    confidence = np.array([[0.95, 0.95, 0.05, 0.55]])
    labels = np.array([[True, False, True, True]])
    # above 0.1: the bin of 0.95 has one of two right, the bin of 0.55 has one of one
    expected = (2 * abs(0.95 - 0.5) + abs(0.55 - 1.0)) / 3
    assert metrics.calibration_error(confidence, labels) == pytest.approx(expected)
    assert metrics.calibration_error(np.zeros((2, 2)), np.zeros((2, 2), dtype=bool)) == 0.0


def test_true_probabilities_are_calibrated() -> None:
    random = np.random.default_rng(0)
    p = random.random((20_000, 2))
    assert metrics.calibration_error(p, random.random(p.shape) < p) < 0.02


def test_recall_at_k() -> None:
    confidence = np.array([[0.9, 0.8, 0.1], [0.2, 0.3, 0.4], [0.5, 0.4, 0.3]])
    labels = np.array([[True, False, True], [False, False, True], [False, False, False]])
    assert metrics.recall_at(confidence, labels, 1) == pytest.approx((0.5 + 1.0) / 2)
    assert metrics.recall_at(confidence, labels, 3) == 1.0
