"""The predictor: movies in, calibrated confidences and decisions out, a batch at a time, on one device.

    from tagger import Content, Predictor
    from tagger.artifact import default_path

    predictor = Predictor.load(default_path())
    [prediction] = predictor.predict([Content(title="…", plot="…")])

`prepare` is the CPU's share and may run in another thread while the device works on the batch before.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tagger.artifact import Artifact, load_artifact
from tagger.bands import ACCEPTED, REJECTED, REVIEW
from tagger.batch import Batch
from tagger.content import Content
from tagger.encoders import load_image_encoder, load_text_encoder
from tagger.encoders.text import TextTokenizer
from tagger.errors import ArtifactError, NonFiniteError, OutOfDeviceMemoryError
from tagger.model import Network
from tagger.patterns import NEITHER
from tagger.prepare import Prepared, Preparer
from tagger.weights import file_sha256, resolve

Item = TypeVar("Item")
Result = TypeVar("Result")
Precision = Literal["auto", "fp32", "bf16"]
WORDS = {-1: REJECTED, 0: REVIEW, 1: ACCEPTED}
CPU_STEP, GPU_STEP = 16, 64  # texts are padded to a multiple: finer saves arithmetic, coarser saves shapes


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one movie, genre by genre.

    Attributes:
        confidence: calibrated probabilities in float32, rounded to six decimals.
        predicted: whether the confidence reaches the genre's threshold: the best guess.
        decision: "accepted", "rejected" or "review", by the genre's band.
    """

    confidence: NDArray[np.float32]
    predicted: NDArray[np.bool_]
    decision: tuple[str, ...]


class Predictor:
    """A loaded artifact.

    Attributes:
        genres: the genres, in the order of every array.
        version: the artifact's name with the start of its hash.
        lanes: how many groups go through the network side by side.
        sha256: the artifact's hash.
        manifest: what the artifact says of itself (name, metrics, data, training, licences).
    """

    def __init__(
        self,
        artifact: Artifact,
        network: Network,
        preparer: Preparer,
        device: str,
        precision: str,
        lanes: int = 1,
    ) -> None:
        self.artifact = artifact
        self.genres = artifact.config.genres
        self.version = artifact.version
        self.sha256 = artifact.sha256
        self.manifest: dict[str, Any] = artifact.about
        self.network = network
        self.device = torch.device(device)
        self.precision = precision
        self._preparer = preparer
        self.lanes = lanes
        self._lanes = ThreadPoolExecutor(lanes, thread_name_prefix="lane") if lanes > 1 else None

    @classmethod
    def load(
        cls,
        path: Path | str,
        device: str = "cpu",
        *,
        precision: Precision = "auto",
        lanes: int = 1,
        compile_network: bool = False,
        allow_network: bool = False,
    ) -> "Predictor":
        """Verify and load an artifact and its encoders.

        Args:
            path: the artifact's folder.
            device: `cpu` or `cuda:N`.
            precision: `auto` is fp32 on a CPU and bf16 on a GPU.
            lanes: on a CPU, groups of a batch that go through the network side by side. Where other processes
                want the cores too, many lanes of one torch thread each beat one lane of many threads, which
                wait for each other at every layer.
            compile_network: whether torch compiles the network (worth it on a GPU under long load).
            allow_network: whether a missing encoder may be fetched from the hub.

        Raises:
            ArtifactError: the artifact is missing, changed or not one of ours.
            EncoderError: an encoder is missing or not the one that the manifest names.
        """
        artifact = load_artifact(Path(path))
        config, encoders = artifact.config, artifact.encoders
        text_weights = resolve(
            config.text_encoder, sha256=encoders["text"]["sha256"], allow_network=allow_network
        )
        image_weights = resolve(
            config.image_encoder, sha256=encoders["image"]["sha256"], allow_network=allow_network
        )
        tokenizer = TextTokenizer(text_weights.folder, config.max_tokens)
        if file_sha256(tokenizer.file) != encoders["text"].get("tokenizer_sha256"):
            raise ArtifactError(f"{tokenizer.file} is not the tokenizer of the manifest.")
        network = Network(
            config,
            load_text_encoder(text_weights, config.text_tail),
            load_image_encoder(image_weights, config.image_tail),
        ).eval()
        try:
            network.load_own_state(artifact.tensors)
        except RuntimeError as error:
            raise ArtifactError(
                f"The tensors at {path} are not those of the manifest's model: {error}."
            ) from None
        network = network.to(device)
        if compile_network:
            network.compile(dynamic=False)
        on_gpu = torch.device(device).type == "cuda"
        if precision == "auto":
            precision = "bf16" if on_gpu else "fp32"
        preparer = Preparer(config, tokenizer, artifact.lexicon, GPU_STEP if on_gpu else CPU_STEP)
        return cls(artifact, network, preparer, device, precision, lanes)

    def prepare(self, contents: Sequence[Content]) -> Prepared:
        """The CPU's share: decode and tokenise. Safe in another thread.

        Raises:
            PosterError: a stored poster cannot be decoded.
        """
        return self._preparer(contents)

    def predict(self, contents: Sequence[Content] | Prepared) -> list[Prediction]:
        """Predict a batch; the order is kept, and a movie's result does not depend on its batch-mates.

        Raises:
            NonFiniteError: a movie's logits are not finite; its positions are named.
            OutOfDeviceMemoryError: the batch does not fit the device.
            PosterError: a stored poster cannot be decoded.
        """
        prepared = contents if isinstance(contents, Prepared) else self.prepare(contents)
        confidence = self.confidences(prepared)
        asked = np.minimum(prepared.patterns, NEITHER - 1)
        predicted = self.artifact.bands.predicted(confidence, asked)
        codes = self.artifact.bands.codes(confidence, asked)
        codes[prepared.patterns == NEITHER] = 0
        return [
            Prediction(confidence[i], predicted[i], tuple(WORDS[int(code)] for code in codes[i]))
            for i in range(len(prepared))
        ]

    def confidences(self, prepared: Prepared) -> NDArray[np.float32]:
        """Calibrated confidences (n, genres); the prior where neither plot nor poster is there."""
        logits = self.logits(prepared)
        asked = np.minimum(prepared.patterns, NEITHER - 1)
        confidence = self.artifact.calibration(logits, asked)
        confidence[prepared.patterns == NEITHER] = self.artifact.prior
        return confidence

    def logits(self, prepared: Prepared) -> NDArray[np.float64]:
        """The network's logits (n, genres) before calibration; 0 where neither plot nor poster is there."""
        logits = np.zeros((len(prepared), len(self.genres)))

        def run(group: tuple[NDArray[np.int64], Batch]) -> None:
            positions, batch = group
            with self._autocast():
                logits[positions] = self._forward(batch.to(self.device)).float().cpu().numpy()

        try:
            self.side_by_side(run, _longest_first(prepared.groups))
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            raise OutOfDeviceMemoryError(
                f"{len(prepared)} movies do not fit into the memory of {self.device}.",
                mend="Lower the batch size.",
            ) from None
        wrong = np.flatnonzero(~np.isfinite(logits).all(axis=1))
        if len(wrong):
            raise NonFiniteError(wrong.tolist())
        return logits

    def side_by_side(self, run: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """What the function gives for each item, without gradients, as many at once as there are lanes."""

        def in_lane(item: Item) -> Result:
            with torch.inference_mode():  # it belongs to a thread
                return run(item)

        return list((self._lanes.map if self._lanes else map)(in_lane, items))

    def weigh(self, content: Content) -> tuple[list[int], list[float]]:
        """A movie's TF-IDF terms and their weights, as the model sees them."""
        return self._preparer.weigh(content)

    def offsets(self, content: Content) -> list[tuple[int, int] | None]:
        """For each of a movie's tokens, its span in the plot, or None."""
        title = content.title if self.artifact.config.use_title else ""
        return self._preparer.tokenizer.offsets(title, content.plot or "")

    def _forward(self, batch: Batch) -> Tensor:
        result = self.network(batch)
        assert isinstance(result, Tensor)
        return result

    def _autocast(self) -> AbstractContextManager[object]:
        if self.precision == "bf16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()

    def describe(self) -> str:
        """One line of JSON that joins a prediction to the weights, for logs."""
        return json.dumps({"version": self.version, "sha256": self.sha256, "device": str(self.device)})


def _longest_first(
    groups: Sequence[tuple[NDArray[np.int64], Batch]],
) -> list[tuple[NDArray[np.int64], Batch]]:
    """The groups with the most work first, so that the lanes end together."""
    return sorted(groups, key=lambda group: -len(group[0]))
