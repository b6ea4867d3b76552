"""An artifact: a folder with a manifest, the trained tensors and the lexicon, all of it checked on load.

    manifest.json       what the model is, how sure it may be, and the SHA-256 of every other file
    model.safetensors   the trained tensors in float16
    lexicon.json        the TF-IDF vocabulary
    README.md           the model card

Nothing is ever unpickled, and a file that the manifest does not name is refused.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from tagger.bands import Bands
from tagger.calibration import Calibration
from tagger.config import ModelConfig
from tagger.errors import ArtifactError
from tagger.lexicon import Lexicon
from tagger.patterns import PATTERNS

SCHEMA_VERSION = 1
MANIFEST, TENSORS, LEXICON, CARD = "manifest.json", "model.safetensors", "lexicon.json", "README.md"
MAX_MANIFEST_BYTES = 4 << 20
MAX_BYTES = 1 << 30
AGAIN = "Take the artifact anew from where it was made."


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model as data: enough, with the encoders, to predict.

    Attributes:
        config: the model's shape.
        encoders: `{"text": {"name", "sha256", …}, "image": {…}}`.
        tensors: the trained tensors by name.
        lexicon: the TF-IDF vocabulary.
        prior: each genre's share among the training movies.
        calibration, bands: how logits become confidences and decisions.
        about: the rest of the manifest: name, metrics, data, training, licences.
        sha256: of the manifest, which names every other file's hash; empty before it is saved.
    """

    config: ModelConfig
    encoders: dict[str, dict[str, str]]
    tensors: dict[str, Tensor]
    lexicon: Lexicon
    prior: NDArray[np.float32]
    calibration: Calibration
    bands: Bands
    about: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""

    @property
    def version(self) -> str:
        """A name for people that joins to the weights: the artifact's name and the start of its hash."""
        return f"{self.about.get('name', 'model')}-{self.sha256[:12]}"


def default_path() -> Path:
    """The artifact that ships with Marquee."""
    return Path(__file__).parent / "artifacts" / "default"


def save_artifact(artifact: Artifact, folder: Path, card: str = "") -> str:
    """Write the artifact's files, the manifest last, and return its SHA-256.

    The same artifact gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    halves = {name: _half(tensor) for name, tensor in sorted(artifact.tensors.items())}
    files = {
        TENSORS: save(halves),
        LEXICON: _dump(artifact.lexicon.to_json(), indent=None),
        CARD: card.encode(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "model": artifact.config.to_json(),
        "encoders": artifact.encoders,
        "prior": [round(float(p), 6) for p in artifact.prior],
        "calibration": artifact.calibration.to_json(),
        "bands": artifact.bands.to_json(),
        "files": {name: {"sha256": _sha256(data), "bytes": len(data)} for name, data in files.items()},
        **artifact.about,
    }
    encoded = _dump(manifest, indent=1)
    (folder / MANIFEST).write_bytes(encoded)
    return _sha256(encoded)


def load_artifact(folder: Path) -> Artifact:
    """Read and verify an artifact.

    Raises:
        ArtifactError: missing, too large, of another schema, or changed since it was made.
    """
    manifest, digest = read_manifest(folder)
    files = _verified(folder, manifest)
    known = ("schema_version", "model", "encoders", "prior", "calibration", "bands", "files")
    try:
        config = ModelConfig.from_json(manifest["model"])
        artifact = Artifact(
            config,
            {part: dict(manifest["encoders"][part]) for part in ("text", "image")},
            load(files[TENSORS]),
            Lexicon.from_json(json.loads(files[LEXICON])),
            np.array(manifest["prior"], dtype=np.float32),
            Calibration.from_json(manifest["calibration"]),
            Bands.from_json(manifest["bands"]),
            {key: value for key, value in manifest.items() if key not in known},
            digest,
        )
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ArtifactError(f"The artifact at {folder} is damaged ({error}).", mend=AGAIN) from None
    _check_shapes(artifact, folder)
    return artifact


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """The manifest and its SHA-256, without reading the rest.

    Raises:
        ArtifactError: missing, too large, not JSON or of another schema.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ArtifactError(
            f"There is no artifact at {folder}: {MANIFEST} is missing.", mend="Name its folder."
        )
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise ArtifactError(f"{path} is larger than a manifest can be.", mend=AGAIN)
    data = path.read_bytes()
    try:
        manifest = json.loads(data)
        schema = manifest["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ArtifactError(f"{path} is not a manifest.", mend=AGAIN) from None
    if schema != SCHEMA_VERSION:
        mend = "Use the Marquee that made it, or train it anew."
        raise ArtifactError(
            f"{path} has the schema {schema}; this Marquee reads {SCHEMA_VERSION}.", mend=mend
        )
    return manifest, _sha256(data)


def _verified(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Every file's bytes, once all of them are the manifest's."""
    listed = manifest.get("files")
    if not isinstance(listed, dict) or not {TENSORS, LEXICON} <= set(listed) <= {TENSORS, LEXICON, CARD}:
        raise ArtifactError(f"The manifest at {folder} does not list the files of an artifact.", mend=AGAIN)
    for path in sorted(folder.iterdir()):
        if path.name not in (*listed, MANIFEST) and not path.name.startswith("."):
            raise ArtifactError(f"{path.name} in {folder} is not named by the manifest.", mend="Remove it.")
    files = {}
    for name, entry in listed.items():
        path = folder / name
        if not path.is_file():
            raise ArtifactError(f"{name} is missing from the artifact at {folder}.", mend=AGAIN)
        size = path.stat().st_size
        if not isinstance(entry, dict) or size > MAX_BYTES or size != entry.get("bytes"):
            raise ArtifactError(f"{path} has {size} bytes, which is not what the manifest says.", mend=AGAIN)
        files[name] = path.read_bytes()
        if _sha256(files[name]) != entry.get("sha256"):
            raise ArtifactError(f"{path} was changed after it was made: its hash differs.", mend=AGAIN)
    return files


def _check_shapes(artifact: Artifact, folder: Path) -> None:
    genres = len(artifact.config.genres)
    shape = (len(PATTERNS), genres)
    tables: tuple[NDArray[np.float64], ...] = (artifact.calibration.scale, artifact.calibration.shift)
    tables += (artifact.bands.low, artifact.bands.threshold, artifact.bands.high)
    if artifact.prior.shape != (genres,) or any(table.shape != shape for table in tables):
        raise ArtifactError(f"The manifest at {folder} has tables of the wrong shape.", mend=AGAIN)
    if not all(np.isfinite(t).all() for t in (artifact.prior.astype(np.float64), *tables[:2])) or any(
        np.isnan(t).any() for t in tables[2:]
    ):
        raise ArtifactError(f"The manifest at {folder} has numbers that are not finite.", mend=AGAIN)
    bands = artifact.bands
    if not ((bands.low <= bands.threshold).all() and (bands.threshold <= bands.high).all()):
        raise ArtifactError(f"The manifest at {folder} has a band whose ends are crossed.", mend=AGAIN)
    if len(artifact.lexicon) != artifact.config.lexicon_size:
        raise ArtifactError(f"The lexicon at {folder} is not of the model's size.", mend=AGAIN)


def _half(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().to(torch.float16).contiguous()


def _dump(data: Any, indent: int | None) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=indent, allow_nan=False) + "\n").encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
