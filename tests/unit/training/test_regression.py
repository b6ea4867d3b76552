import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from training.regression import logistic_regression


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_it_is_scikit_learns(kind: object) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 5))
    y = random.random((300, 2)) < 1 / (1 + np.exp(-x[:, :2] * 2))
    weights, bias = logistic_regression(kind(x), y, 2.0)  # type: ignore[operator]
    for g in range(2):
        theirs = LogisticRegression(C=0.5, tol=1e-8, max_iter=1000).fit(x, y[:, g])
        assert weights[:, g] == pytest.approx(theirs.coef_[0], abs=2e-3)
        assert bias[g] == pytest.approx(theirs.intercept_[0], abs=2e-3)
