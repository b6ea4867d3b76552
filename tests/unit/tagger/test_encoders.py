from pathlib import Path

import numpy as np
import pytest
import torch

from tagger.encoders import load_image_encoder, load_text_encoder
from tagger.encoders.text import TextTokenizer
from tagger.errors import EncoderError
from tagger.weights import resolve
from tests.unit.tagger.small import IMAGE, TEXT


def test_lite0_is_the_published_network() -> None:
    reference = pytest.importorskip("efficientnet_lite_pytorch")
    weights = resolve("efficientnet-lite0")
    published = reference.EfficientNet.from_name("efficientnet-lite0", image_size=224).eval()
    published.load_state_dict(torch.load(weights.file, weights_only=True))
    posters = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 96, 64, 3), dtype=np.uint8))
    with torch.inference_mode():
        ours = load_image_encoder(weights)(posters)
        theirs = published.extract_features((posters.permute(0, 3, 1, 2).float() - 127) / 128)
    assert torch.allclose(ours, theirs.flatten(2).transpose(1, 2), atol=1e-3)


@pytest.mark.parametrize("tail", [0, 1, 2])
def test_where_a_text_encoder_is_cut_changes_nothing(tail: int) -> None:
    ids, mask = torch.randint(5, 20, (3, 7)), torch.ones(3, 7, dtype=torch.bool)
    with torch.inference_mode():
        whole, cut = (load_text_encoder(resolve(TEXT), blocks)(ids, mask) for blocks in (0, tail))
    assert torch.equal(whole, cut)


def test_both_kinds_of_attention_agree() -> None:
    ids, mask = torch.randint(5, 20, (2, 7)), torch.ones(2, 7, dtype=torch.bool)
    mask[0, 4:] = False
    with torch.inference_mode():
        fused, plain = (
            load_text_encoder(resolve(TEXT), attention=kind)(ids, mask) for kind in ("sdpa", "eager")
        )
    assert torch.allclose(fused[mask], plain[mask], atol=1e-5)


@pytest.mark.parametrize("tail", [1, 3])
def test_where_an_image_encoder_is_cut_changes_nothing(tail: int) -> None:
    posters = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        whole, cut = (load_image_encoder(resolve(IMAGE), blocks)(posters) for blocks in (0, tail))
    assert torch.equal(whole, cut)


def test_a_tail_longer_than_the_encoder_is_refused() -> None:
    with pytest.raises(EncoderError, match="blocks"):
        load_text_encoder(resolve(TEXT), 9)


def test_an_image_encoder_of_no_known_shape_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(b"")
    with pytest.raises(EncoderError, match="No image encoder"):
        load_image_encoder(resolve(str(tmp_path)))


def test_only_the_tail_learns() -> None:
    encoder = load_text_encoder(resolve(TEXT), 1)
    assert {n.split(".")[0] for n, p in encoder.named_parameters() if p.requires_grad} == {"tail_blocks"}


def test_tokens_know_their_place_in_the_plot() -> None:
    tokenizer = TextTokenizer(resolve(TEXT).folder, 8)
    assert tokenizer.offsets("the sea", "a ghost")[3:] == [None, (0, 1), (2, 7), None]
    assert len(tokenizer([("the sea", "a ghost " * 50)])[0]) == 8
