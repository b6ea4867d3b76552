"""The whole network: two encoders and the fusions. Only what was trained is saved."""

import torch
from torch import Tensor, nn

from tagger.batch import Batch
from tagger.config import ModelConfig
from tagger.encoders import ImageEncoder, TextEncoder
from tagger.fusion import Fusion, regions_of

OWN = ("fusions.", "text.tail_blocks.", "image.tail_blocks.")


class Network(nn.Module):
    """Encoders and fusion: a `Batch` in, a logit for each movie and genre out."""

    def __init__(self, config: ModelConfig, text: TextEncoder, image: ImageEncoder) -> None:
        super().__init__()
        self.config = config
        self.text, self.image = text, image
        self.fusions = nn.ModuleList(Fusion(config, text.width, image.width) for _ in range(config.members))

    def forward(self, batch: Batch) -> Tensor:
        """Logits (n, genres): the mean over the fusions, which share the encoders."""
        return self.member_logits(batch).mean(0)

    def member_logits(self, batch: Batch) -> Tensor:
        """Each fusion's logits (members, n, genres)."""
        text, image = self.text_tokens(batch), self.image_tokens(batch)
        return torch.stack([fusion(text, image, batch) for fusion in self.fusions])

    def text_tokens(self, batch: Batch) -> Tensor:
        """Token vectors (n, tokens, text width), from ids or from cached states."""
        states = batch.text_states
        if not bool(batch.has_text.any()):
            return torch.zeros(*batch.text_mask.shape, self.text.width, device=batch.text_mask.device)
        if states is None:
            assert batch.ids is not None
            states = self.text.trunk(batch.ids, batch.text_mask)
        return self.text.tail(states, batch.text_mask)

    def image_tokens(self, batch: Batch) -> Tensor:
        """Region vectors (n, regions, image width), from posters or cached states; zero where none is."""
        source = batch.image_states if batch.image_states is not None else batch.posters
        assert source is not None
        there = batch.has_image
        if bool(there.all()):
            return self._regions(source, batch)
        regions = regions_of(self.config)
        out = torch.zeros(len(batch), regions, self.image.width, device=source.device)
        if bool(there.any()):
            found = self._regions(source[there], batch)
            out = out.to(found.dtype).index_put((there.nonzero()[:, 0],), found)
        return out

    def _regions(self, source: Tensor, batch: Batch) -> Tensor:
        return self.image.tail(source if batch.image_states is not None else self.image.trunk(source))

    def own_state(self) -> dict[str, Tensor]:
        """The tensors that an artifact carries, by name."""
        return {name: t for name, t in self.state_dict().items() if name.startswith(OWN)}

    def load_own_state(self, state: dict[str, Tensor]) -> None:
        """Load what `own_state` gave.

        Raises:
            RuntimeError: names or shapes differ.
        """
        wanted = self.own_state()
        if set(state) != set(wanted):
            raise RuntimeError(f"tensors differ: {sorted(set(state) ^ set(wanted))[:4]}")
        for name, tensor in state.items():
            if tensor.shape != wanted[name].shape:
                raise RuntimeError(
                    f"{name} has the shape {tuple(tensor.shape)}, not {tuple(wanted[name].shape)}"
                )
        with torch.no_grad():
            for name, tensor in state.items():
                wanted[name].copy_(tensor)
