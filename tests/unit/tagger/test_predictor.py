from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tagger.artifact import default_path
from tagger.content import Content
from tagger.errors import ArtifactError, EncoderError, NonFiniteError, OutOfDeviceMemoryError, PosterError
from tagger.predictor import Predictor
from tests.unit.tagger.small import IMAGE, TEXT, contents


def test_a_batch_is_as_its_movies_alone(predictor: Predictor) -> None:
    movies = contents(9)
    together = predictor.predict(movies)
    for movie, found in zip(movies, together, strict=True):
        [alone] = predictor.predict([movie])
        assert np.abs(alone.confidence - found.confidence).max() <= 2e-6
        assert alone.decision == found.decision


def test_the_order_is_kept(predictor: Predictor) -> None:
    movies = contents(9)
    forth = predictor.predict(movies)
    back = predictor.predict(movies[::-1])[::-1]
    assert all(np.allclose(a.confidence, b.confidence, atol=2e-6) for a, b in zip(forth, back, strict=True))


def test_preparing_apart_changes_nothing(predictor: Predictor) -> None:
    movies = contents(5)
    direct, apart = predictor.predict(movies), predictor.predict(predictor.prepare(movies))
    assert all((a.confidence == b.confidence).all() for a, b in zip(direct, apart, strict=True))


def test_what_is_predicted_is_a_number_and_a_word(predictor: Predictor) -> None:
    for found in predictor.predict(contents(5)):
        assert found.confidence.dtype == np.float32
        assert found.confidence.shape == (len(predictor.genres),)
        assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
        assert set(found.decision) <= {"accepted", "rejected", "review"}
        assert (found.predicted == (found.confidence >= np.float32(0.5))).all()
        for p, word in zip(found.confidence, found.decision, strict=True):
            assert word == ("accepted" if p >= 0.8 else "rejected" if p < 0.3 else "review")


def test_neither_plot_nor_poster_is_the_prior_and_goes_to_review(predictor: Predictor) -> None:
    empty = Content("the sea", 1999, "en", None, None)
    found = predictor.predict([contents(1)[0], empty, replace(empty, title="the war", year=None)])
    for prediction in found[1:]:
        assert (prediction.confidence == predictor.artifact.prior).all()
        assert prediction.decision == ("review",) * len(predictor.genres)


def test_nothing_in_nothing_out(predictor: Predictor) -> None:
    assert predictor.predict([]) == []


def test_a_nan_never_leaves(predictor: Predictor) -> None:
    with torch.no_grad():
        predictor.network.fusions[0].missing[1] = torch.nan  # type: ignore[index, operator]
    movies = [contents(1)[0], replace(contents(1)[0], poster=None)]
    with pytest.raises(NonFiniteError) as caught:
        predictor.predict([movies[1], contents(1)[0]])
    assert 0 in caught.value.positions


def test_out_of_memory_has_a_name(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(batch: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(predictor.network, "forward", full)
    with pytest.raises(OutOfDeviceMemoryError, match="batch size"):
        predictor.predict(contents(2))


def test_a_damaged_stored_poster_is_named(predictor: Predictor) -> None:
    with pytest.raises(PosterError, match="damaged"):
        predictor.predict([replace(contents(1)[0], poster=b"\xff\xd8\xff broken")])


def test_other_encoder_weights_are_refused(
    artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.unit.tagger.small import make_encoders, resave_safetensors

    make_encoders(tmp_path / "others")
    resave_safetensors(
        tmp_path / "others" / TEXT / "model.safetensors", "embeddings.word_embeddings.weight", 0.5
    )
    monkeypatch.setenv("MARQUEE_ENCODERS", str(tmp_path / "others"))
    with pytest.raises(EncoderError, match=TEXT):
        Predictor.load(artifact)


def test_another_tokenizer_is_refused(artifact: Path, encoder_root: Path, tmp_path: Path,
                                      monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    import shutil

    shutil.copytree(encoder_root / TEXT, tmp_path / "others" / TEXT)
    shutil.copytree(encoder_root / IMAGE, tmp_path / "others" / IMAGE)
    path = tmp_path / "others" / TEXT / "tokenizer.json"
    path.write_text(path.read_text() + " ")
    monkeypatch.setenv("MARQUEE_ENCODERS", str(tmp_path / "others"))
    with pytest.raises(ArtifactError, match="tokenizer"):
        Predictor.load(artifact)


def test_the_version_joins_to_the_weights(predictor: Predictor) -> None:
    assert predictor.version == f"small-{predictor.sha256[:12]}"
    assert len(predictor.sha256) == 64


def test_a_wide_poster_says_no_more_than_a_narrow_one(predictor: Predictor) -> None:
    """The size of a file at its source is no clue: 342 px and 185 px of one picture look alike."""
    from io import BytesIO

    from PIL import Image, ImageFilter

    from tagger.poster import normalise
    from tests.unit.tagger.small import poster

    wide = Image.open(BytesIO(poster(3, (342, 513)))).filter(ImageFilter.GaussianBlur(6))
    narrow = wide.resize((185, 278), Image.Resampling.LANCZOS)
    movies = []
    for image in (wide, narrow):
        out = BytesIO()
        image.save(out, "PNG")
        movies.append(replace(contents(1)[0], poster=normalise(out.getvalue())))
    first, second = predictor.predict(movies)
    assert np.abs(first.confidence - second.confidence).max() < 0.02


def test_the_artifact_that_ships_loads_and_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARQUEE_ENCODERS")
    shipped = Predictor.load(default_path())
    assert len(shipped.genres) == 19
    assert sum(path.stat().st_size for path in default_path().iterdir()) <= 25_000_000
    [found] = shipped.predict(
        [Content("The Old House", 2015, "en", "A family is haunted by the ghost of a murdered girl.", None)]
    )
    assert shipped.genres[int(found.confidence.argmax())] in ("Horror", "Thriller", "Drama")
    assert found.predicted[shipped.genres.index("Horror")]
