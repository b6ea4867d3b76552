"""The model: encoders, fusion, calibration, artifacts and the predictor. It knows no database and no network.

`Predictor` is loaded on first use, so that importing `tagger.content` or `tagger.poster` stays light.
"""

from typing import TYPE_CHECKING, Any

from tagger.content import Content

if TYPE_CHECKING:
    from tagger.predictor import Predictor

__all__ = ["Content", "Predictor"]


def __getattr__(name: str) -> Any:
    if name == "Predictor":
        from tagger.predictor import Predictor

        return Predictor
    raise AttributeError(f"module 'tagger' has no attribute {name!r}")
