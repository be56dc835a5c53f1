import io

import numpy as np
import pytest
import torch
from PIL import Image

from clip.models import write_small_checkpoint
from curation.clip import classify as module
from curation.clip.checkpoint import load_checkpoint
from curation.clip.classify import Classified, Picture, Seen, classify, see
from curation.clip.device import full_float32
from curation.clip.templates import named_templates
from curation.clip.zero_shot import class_embeddings
from curation.errors import BadArgument

LABELS = ["dog", "red cat", "house"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return load_checkpoint(str(write_small_checkpoint(tmp_path_factory.mktemp("clip") / "small")))


def file_of(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(width=40, height=30, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_probabilities_are_those_of_the_model_itself(checkpoint):
    image = noise()
    found = classify(checkpoint, see(checkpoint, [Picture("a.png", file_of(image))]), LABELS, ("a {}.",))
    with torch.no_grad(), full_float32():
        pixels = checkpoint.preprocess.tensor(torch.tensor(checkpoint.preprocess.pixels(image))[None])
        tokens = checkpoint.tokenizer([f"a {label}." for label in LABELS])
        on = checkpoint.device
        theirs = checkpoint.model.get_logits(pixels.to(on), tokens.to(on))[0].softmax(dim=-1).cpu().numpy()
    np.testing.assert_allclose(found.probability, theirs, atol=1e-6)
    assert found.logit_scale == pytest.approx(1 / 0.07)
    (guesses,) = found.top(2)
    assert [LABELS.index(guess.label) for guess in guesses] == np.argsort(-theirs[0])[:2].tolist()
    assert guesses[0].probability == pytest.approx(theirs.max(), abs=1e-6)
    assert guesses[0].cosine == pytest.approx(found.cosine.max())


@pytest.mark.parametrize(
    ("data", "same_as"),
    [
        (
            file_of(noise().rotate(90, expand=True), exif=(lambda e: (e.__setitem__(0x0112, 6), e)[1])(Image.Exif())),
            noise(),
        ),
        (file_of(noise().convert("RGBA")), noise()),
        (file_of(Image.new("RGBA", (9, 9), (0, 0, 0, 0))), Image.new("RGB", (9, 9), "white")),
        (file_of(noise().convert("L")), noise().convert("L").convert("RGB")),
        (file_of(Image.fromarray(np.full((9, 9), 128 * 257, np.uint16))), Image.new("RGB", (9, 9), (128, 128, 128))),
        (file_of(noise(), save_all=True, append_images=[noise(seed=1)]), noise()),
    ],
    ids=["EXIF rotation", "opaque alpha", "transparent", "grey", "16 bit", "animated"],
)
def test_a_picture_is_seen_as_people_see_it(checkpoint, data, same_as):
    one, other = see(checkpoint, [Picture("one", data), Picture("other", file_of(same_as))])
    assert one.reason is None
    np.testing.assert_allclose(one.image_features, other.image_features, atol=1e-5)


def test_a_broken_picture_is_a_row_with_its_reason(checkpoint):
    broken = [b"", b"no picture", file_of(noise())[:200], b"<svg/>", file_of(noise(), "BMP")]
    pictures = [Picture("good", file_of(noise())), *(Picture(f"bad {n}", data) for n, data in enumerate(broken))]
    seen = see(checkpoint, pictures)
    assert [one.name for one in seen] == [picture.name for picture in pictures]
    assert [one.reason is None for one in seen] == [True, False, False, False, False, False]
    assert all(one.reason.startswith("image: cannot be decoded (") for one in seen[1:] if one.reason)
    assert seen[5].reason == "image: cannot be decoded (no JPEG, PNG, WEBP or GIF)"

    found = classify(checkpoint, seen, LABELS, ("{}",))
    assert np.isnan(found.cosine[1:]).all() and np.isfinite(found.cosine[0]).all()
    assert [len(guesses) for guesses in found.top(2)] == [2, 0, 0, 0, 0, 0]
    rows = found.table(2).to_pylist()
    assert [(row["picture"], row["rank"]) for row in rows[:3]] == [("good", 1), ("good", 2), ("bad 0", None)]
    assert len(rows) == 7 and rows[2]["reason"] == seen[1].reason and rows[2]["none_of_these"] is None


def test_many_pixels_go_in_groups_and_keep_their_order(checkpoint, monkeypatch):
    pictures = [Picture(f"{n}", file_of(noise(seed=n)) if n != 2 else b"") for n in range(5)]
    whole = see(checkpoint, pictures)
    monkeypatch.setattr(module, "PIXELS_TOGETHER", 40 * 30)
    for one, other in zip(see(checkpoint, pictures), whole, strict=True):
        assert (one.name, one.reason is None) == (other.name, other.reason is None)
        if other.image_features is not None:
            np.testing.assert_allclose(one.image_features, other.image_features, atol=1e-6)


def made(cosine, logit_scale=10.0):
    names = tuple(f"p{n}" for n in range(len(cosine)))
    return Classified(
        names=names, reasons=tuple("broken" if np.isnan(row[0]) else None for row in cosine), classnames=("a", "b"),
        cosine=np.array(cosine, np.float32), logit_scale=logit_scale,
    )  # fmt: skip


def test_none_of_these_is_a_matter_of_the_cosine_and_not_of_the_probability():
    found = made([[0.1, -0.9], [0.3, 0.3], [np.nan, np.nan]])
    assert found.probability[0].max() > 0.9999 and found.probability[1].max() == 0.5
    assert found.none_of_these(0.2).tolist() == [True, False, False]
    assert found.none_of_these(None).tolist() == [False, False, False]
    assert found.table(1, 0.2)["none_of_these"].to_pylist() == [True, False, None]


def test_of_equal_labels_the_first_comes_first_and_k_may_be_more_than_there_are():
    assert [guess.label for guess in made([[0.3, 0.3]]).top(9)[0]] == ["a", "b"]


def test_without_a_picture_there_is_an_empty_table(checkpoint):
    found = classify(checkpoint, [], LABELS, named_templates("photo"))
    assert found.cosine.shape == (0, 3) and found.top(1) == []
    assert found.table(5).num_rows == 0 and found.table(5).column_names[:3] == ["picture", "rank", "label"]


def test_features_that_are_no_numbers_are_refused(checkpoint):
    nan = Seen(name="x", image_features=np.full(32, np.nan, np.float32))
    with pytest.raises(BadArgument, match="features that are no numbers; its weights are damaged"):
        classify(checkpoint, [nan], LABELS, ("{}",))


def test_class_embeddings_are_those_of_zero_shot(checkpoint):
    seen = see(checkpoint, [Picture("a", file_of(noise()))])
    embeddings = class_embeddings(checkpoint, LABELS, {"dog": ["a dog"], "red cat": ["{}"], "house": ["my {}", "{}"]})
    found = classify(checkpoint, seen, LABELS, {"dog": ["a dog"], "red cat": ["{}"], "house": ["my {}", "{}"]})
    np.testing.assert_allclose(found.cosine[0], embeddings @ seen[0].image_features, atol=1e-6)
