"""The network reads what it should, and nothing else: masks, word order, poster regions."""

from dataclasses import replace

import pytest
import torch

from tagger.batch import Batch, pad_ids
from tagger.content import Content
from tagger.model import Network
from tagger.poster import normalise
from tagger.prepare import Preparer
from tests.unit.tagger.small import RECIPE, contents, plot, poster, small_network


@pytest.fixture(scope="module")
def built(encoder_root: object) -> tuple[Network, Preparer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUEE_ENCODERS", str(encoder_root))
        return small_network(replace(RECIPE, members=2))


def batch_of(preparer: Preparer, *movies: Content) -> Batch:
    [(_, batch)] = preparer(movies).groups
    return batch


def logits(network: Network, batch: Batch) -> torch.Tensor:
    with torch.inference_mode():
        return network(batch)


def test_padding_changes_nothing(built: tuple[Network, Preparer]) -> None:
    network, preparer = built
    batch = batch_of(preparer, contents(1)[0])
    assert batch.ids is not None
    longer = torch.zeros(1, 90, dtype=torch.long)
    longer[:, : batch.ids.shape[1]] = batch.ids
    longer[:, batch.ids.shape[1] :] = 7  # even where the padding is not zero
    mask = torch.zeros(1, 90, dtype=torch.bool)
    mask[:, : batch.ids.shape[1]] = batch.text_mask
    padded = replace(batch, ids=longer, text_mask=mask)
    assert torch.allclose(logits(network, batch), logits(network, padded), atol=1e-5)


def test_what_stands_in_for_a_missing_poster_is_not_read(built: tuple[Network, Preparer]) -> None:
    network, preparer = built
    batch = batch_of(preparer, replace(contents(1)[0], poster=None))
    assert batch.posters is not None
    noise = replace(batch, posters=torch.randint_like(batch.posters, 0, 255))
    assert torch.equal(logits(network, batch), logits(network, noise))


def test_what_stands_in_for_a_missing_plot_is_not_read(built: tuple[Network, Preparer]) -> None:
    network, preparer = built
    batch = batch_of(preparer, contents(1)[0])
    other = batch_of(preparer, replace(contents(1)[0], plot=plot(99, 8)))
    hidden = (replace(b, has_text=torch.tensor([False])) for b in (batch, other))
    first, second = (logits(network, b) for b in hidden)
    assert torch.allclose(first, second, atol=1e-6)


def test_a_missing_modality_is_not_a_black_poster(built: tuple[Network, Preparer]) -> None:
    network, preparer = built
    batch = batch_of(preparer, replace(contents(1)[0], poster=None))
    assert not torch.allclose(
        logits(network, batch), logits(network, replace(batch, has_image=torch.tensor([True])))
    )


def test_word_order_matters(built: tuple[Network, Preparer]) -> None:
    network, preparer = built
    movie = replace(contents(1)[0], plot="ghost hides soldier")
    other = replace(movie, plot="soldier hides ghost")
    first, second = (batch_of(preparer, m) for m in (movie, other))
    same_terms = replace(second, terms=first.terms, term_weights=first.term_weights)
    same_terms = replace(same_terms, term_offsets=first.term_offsets)
    assert (logits(network, first) - logits(network, same_terms)).abs().max() > 1e-3


def test_poster_regions_matter(built: tuple[Network, Preparer]) -> None:
    network, preparer = built
    movie = replace(contents(1)[0], poster=normalise(poster(5)))
    batch = batch_of(preparer, movie)
    assert batch.posters is not None
    turned = replace(batch, posters=batch.posters.flip(1))
    assert (logits(network, batch) - logits(network, turned)).abs().max() > 1e-3


def test_the_year_and_its_absence_matter(built: tuple[Network, Preparer]) -> None:
    network, preparer = built
    movie = contents(1)[0]
    found = [
        logits(network, batch_of(preparer, replace(movie, year=year))) for year in (1930, 1931, 2020, None)
    ]
    assert (found[0] - found[1]).abs().max() < (found[0] - found[2]).abs().max()
    assert not torch.allclose(found[2], found[3])


def test_years_beyond_the_table_are_held_at_its_ends(built: tuple[Network, Preparer]) -> None:
    network, preparer = built
    movie = contents(1)[0]
    found = [logits(network, batch_of(preparer, replace(movie, year=year))) for year in (1, 1900, 2300, 3000)]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[2], found[3])


def test_members_are_averaged(built: tuple[Network, Preparer]) -> None:
    network, preparer = built
    batch = batch_of(preparer, contents(1)[0])
    with torch.inference_mode():
        members = network.member_logits(batch)
    assert members.shape[0] == 2
    assert not torch.allclose(members[0], members[1])
    assert torch.allclose(members.mean(0), logits(network, batch))


def test_training_and_inference_attention_agree(built: tuple[Network, Preparer]) -> None:
    network, _ = built
    block = network.fusions[0].blocks[0]  # type: ignore[index, union-attr]
    tokens, mask = torch.randn(2, 6, RECIPE.width), pad_ids([[1] * 4, [1] * 6], 6)[1]
    fast = block.attention(tokens, tokens, mask)
    plain = block.attention.train()(tokens, tokens, mask)
    block.attention.eval()
    assert torch.allclose(fast, plain, atol=1e-5)
