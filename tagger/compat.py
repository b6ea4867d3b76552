"""Make torchvision importable beside a torch of another build; a proper install is left alone.

A torchvision wheel built for CUDA cannot load its operators into a CPU-only torch, and then transformers
cannot import its BERT either. Declaring the two operators that torchvision looks up at import is enough:
models and transforms work, while `ops.nms` and the image decoders (which Marquee does not use) stay out.
"""

import importlib
import sys

import torch

_DECLARED: list[torch.library.Library] = []  # an operator lives as long as its library object


def mend_torchvision() -> None:
    """Import torchvision, declaring its missing operators if that is what stops it."""
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError:
        return
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for operator in ("nms", "qnms"):
            schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            library.define(schema)  # type: ignore[no-untyped-call]
        _DECLARED.append(library)
        for name in [n for n in sys.modules if n == "torchvision" or n.startswith("torchvision.")]:
            del sys.modules[name]
        importlib.import_module("torchvision")
