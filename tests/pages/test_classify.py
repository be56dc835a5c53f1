import io
import json
import os
import signal

import numpy as np
import pytest
from PIL import Image

from clip.models import write_small_checkpoint
from curation import queries
from curation.class_lists import parse_names
from curation.clip.checkpoint import load_checkpoint
from curation.clip.classify import Picture, classify, see
from curation.clip.questions import Source
from curation.clip.templates import named_templates
from curation.pool.decoder import NOT_TRIED
from curation.ui.classify_pictures import sample_labels, sample_pictures
from curation.ui.model_worker import ModelWorker, Refused, model_worker
from pool.test_decode import png_header


@pytest.fixture
def small(workspace):
    """A checkpoint of the workspace."""
    return write_small_checkpoint(workspace / "models" / "small")


@pytest.fixture(autouse=True)
def a_run(zipf_run, workspace, monkeypatch):
    """Else the app would make the run over the sample data beside each test."""
    monkeypatch.setenv("HEADTAIL_RUN", str(zipf_run.path))


@pytest.fixture(scope="module", autouse=True)
def worker_ends():
    yield
    model_worker().stop()


def a_picture(seed=0):
    out = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def cards(page):
    return page.component("predictions")["cards"]


def upload(page, *pictures):
    (box,) = (box for box in page.app.file_uploader if box.label == "Pictures")
    box.set_value([(name, data, "image/png") for name, data in pictures]).run()
    assert not page.app.exception


def fill(page, text):
    page.app.text_area(key="class_names").set_value(text).run()
    assert not page.app.exception


def test_samples_are_there_to_try_and_the_answers_are_those_of_the_library(small, open_page):
    page = open_page("classify")
    checkpoint, labels = load_checkpoint(str(small)), parse_names(sample_labels()).names
    found = classify(checkpoint, see(checkpoint, sample_pictures()), labels, named_templates("clip80"))

    assert len(sample_pictures()) == 16 and len(labels) == 20
    assert "Until then these are 16 samples: SYNTHETIC pictures" in page.captions
    assert "16 pictures against 20 labels. The nearest labels are at cosines from" in page.captions
    shown = cards(page)
    assert [card["name"] for card in shown] == [picture.name for picture in sample_pictures()]
    for card, guesses in zip(shown, found.top(5), strict=True):
        assert [guess[0] for guess in card["guesses"]] == [guess.label for guess in guesses]
        assert card["guesses"][0][1] == pytest.approx(guesses[0].probability, abs=1e-5)
        assert card["image"].startswith("data:image/jpeg;base64,") and card["none"] is None
    assert page.figure["data"][0]["type"] == "heatmap"
    assert "Self-test passed" in page.texts


def test_uploads_take_the_place_of_the_samples_and_a_broken_one_has_its_reason(small, open_page):
    page = open_page("classify")
    upload(page, ("../../<b>one</b>.png", a_picture()), ("two.png", b"no picture"))
    fill(page, "dog\ncat")
    one, two = cards(page)
    assert one["name"] == "../../<b>one</b>.png" and one["reason"] is None and len(one["guesses"]) == 2
    assert two["guesses"] == [] and two["image"] is None and two["reason"].startswith("image: cannot be decoded")
    assert "2 pictures against 2 labels, 1 of them could not be read." in page.captions
    assert "samples" not in page.captions


def test_a_picture_that_kills_its_decoder_has_its_reason_and_never_comes_to_the_models(
    small, open_page, hostile_decoder, monkeypatch
):
    asked = []
    see = ModelWorker.see
    monkeypatch.setattr(ModelWorker, "see", lambda self, *what: asked.extend(what[1]) or see(self, *what))
    page = open_page("classify")
    asked.clear()
    bomb = png_header(13_000, 13_000)
    upload(page, ("a", b"die 11"), ("b", b"hang"), ("c", bomb), ("d", b"take 2000000000"), ("e.png", a_picture()))

    assert [picture.name for picture in asked] == ["e.png"]
    *refused, last = cards(page)
    for card, why in zip(
        refused, ("SIGSEGV", "2 s without", "more than 50,000,000 pixels", "out of memory"), strict=True
    ):
        assert why in card["reason"] and card["image"] is None and card["guesses"] == []
    assert last["reason"] is None and last["image"].startswith("data:image/jpeg;base64,") and len(last["guesses"]) == 5


def test_a_bomb_that_comes_to_the_models_all_the_same_is_a_reason_and_no_end_of_them(small):
    worker, bomb = model_worker(), Picture("bomb.png", png_header(13_000, 13_000))
    refused, seen = worker.see(Source(str(small)), [bomb, Picture("a.png", a_picture())])
    assert refused.reason.startswith("image: 13000 x 13000 pixels, more than 50,000,000")
    assert refused.image_features is None
    assert seen.reason is None and seen.image_features.shape == (32,)


def test_of_pictures_that_hang_those_that_were_not_tried_are_tried_at_the_next_look(small, open_page, hostile_decoder):
    page = open_page("classify")
    upload(page, *((f"{n}.png", b"hang %d" % n) for n in range(2)), ("last.png", a_picture()))
    assert cards(page)[2]["reason"] == NOT_TRIED
    page.app.run()
    assert cards(page)[2]["reason"] is None and "2 s without an answer" in cards(page)[0]["reason"]


def test_a_picture_that_was_seen_is_not_looked_at_again(small, open_page, monkeypatch):
    page = open_page("classify")
    monkeypatch.setattr(type(model_worker()), "see", lambda *_: pytest.fail("looked at again"))
    fill(page, "dog\ncat\nbee")
    assert len(cards(page)[0]["guesses"]) == 3


def test_labels_shown_and_threshold_need_no_model(small, open_page, monkeypatch):
    page = open_page("classify")
    best = [card["guesses"][0] for card in cards(page)]
    monkeypatch.setattr(type(model_worker()), "ask", lambda *_: pytest.fail("asked"))
    page.app.number_input(key="top_k").set_value(1).run()
    page.app.number_input(key="threshold").set_value(0.99).run()
    assert not page.app.exception
    assert [card["guesses"] for card in cards(page)] == [[guess] for guess in best]
    assert all(card["none"].startswith("none of these: nearest ") for card in cards(page))


def test_own_templates_and_an_ensemble_a_label(small, open_page):
    page = open_page("classify")
    fill(page, "dog\ncat")
    page.app.selectbox(key="templates").set_value("own").run()
    assert not page.components & {"predictions"}
    page.app.text_area(key="own_templates").set_value('{"dog": ["it barks"]}').run()
    assert "no templates for 1 of the classes ('cat'); give each class a list" in page.texts
    page.app.text_area(key="own_templates").set_value('{"dog": ["it barks"], "cat": ["a {}"]}').run()
    assert len(cards(page)) == 16
    page.app.text_area(key="own_templates").set_value("a photo").run()
    assert any(text.startswith("'a photo': a template holds {} once") for text in page.texts)


def test_many_texts_are_encoded_in_pieces_and_found_again(small, open_page, monkeypatch):
    asked = []
    ask = ModelWorker.ask
    monkeypatch.setattr(ModelWorker, "ask", lambda self, *what: asked.append(what[0]) or ask(self, *what))
    page = open_page("classify")
    fill(page, "\n".join(f"label {n}" for n in range(40)))
    assert asked == ["about", "see", "classify", "embed", "embed", "embed", "classify"]
    assert len(page.figure["data"][0]["x"]) == 40


def test_many_bytes_cross_in_pieces(small, open_page, monkeypatch):
    monkeypatch.setattr("curation.ui.classify.BYTES_TOGETHER", 3000)
    sizes = []
    see = ModelWorker.see
    monkeypatch.setattr(ModelWorker, "see", lambda self, *what: sizes.append(len(what[1])) or see(self, *what))
    page = open_page("classify")
    assert len(sizes) > 3 and sum(sizes) == 16
    assert [card["name"] for card in cards(page)] == [picture.name for picture in sample_pictures()]


def test_a_link_chooses_its_checkpoint(small, workspace, open_page):
    write_small_checkpoint(workspace / "models" / "another")
    assert open_page("classify").app.selectbox(key="checkpoint_from").value == "another"
    page = open_page("classify", checkpoint="small")
    assert page.app.selectbox(key="checkpoint_from").value == "small"
    page.app.selectbox(key="checkpoint_from").set_value("another").run()
    assert page.app.selectbox(key="checkpoint_from").value == "another"


def test_labels_of_a_list(small, open_page):
    page = open_page("classify")
    page.app.selectbox(key="templates").set_value("plain").run()
    page.app.button_group(key="classes").set_value("Sample").run()
    assert "against 1,121 labels" in page.captions
    assert len(page.figure["data"][0]["x"]) == 60
    assert "At most 60 of each are drawn; all of them in" in page.captions


def test_without_labels_and_without_a_checkpoint_it_says_what_to_give(workspace, open_page):
    page = open_page("classify")
    if page.app.selectbox(key="checkpoint_from").value.startswith("A folder"):
        assert "Give the path of a folder or of a file with weights." in [info.value for info in page.app.info]
    fill(page, "")
    assert "Write the labels to choose from, one a line." in [info.value for info in page.app.info]
    assert not page.components & {"predictions"}


def test_a_path_that_is_no_checkpoint_is_refused_in_a_line(workspace, open_page):
    page = open_page("classify")
    page.app.selectbox(key="checkpoint_from").set_value("A folder or file on this machine ...").run()
    page.app.text_input(key="checkpoint_path").set_value(str(workspace)).run()
    assert f"{workspace}: no checkpoint here (no open_clip_config.json)" in page.texts
    for path in ("x" * 5000, "~nobody-of-this-name/x", "\0", "/proc/1/cwd/x", "hf-hub:some/model"):
        page.app.text_input(key="checkpoint_path").set_value(path).run()
        assert not page.app.exception and len(page.texts) == 1 and "\n" not in page.texts[0]
    (workspace / "notes.pt").write_bytes(b"no weights")
    page.app.text_input(key="checkpoint_path").set_value(str(workspace / "notes.pt")).run()
    page.app.selectbox(key="checkpoint_model").set_value("ViT-B-32").run()
    assert any("no weights of ViT-B-32 that can be opened safely" in text for text in page.texts)


def test_a_name_is_loaded_only_after_the_button_is_pressed(workspace, open_page, monkeypatch):
    page = open_page("classify")
    page.app.selectbox(key="checkpoint_from").set_value("A model of open_clip by name ...").run()
    asked = []
    monkeypatch.setattr(type(model_worker()), "about", lambda self, source: asked.append(source) or fail())
    page.app.selectbox(key="checkpoint_name").set_value("ViT-B-32/metaclip_400m").run()
    assert asked == [] and "Nothing is fetched before you press." in page.captions
    page.app.button(key="checkpoint_load").click().run()
    assert [source.where for source in asked] == ["ViT-B-32/metaclip_400m"]
    assert "not in the cache of this machine" in page.texts


def fail():
    raise Refused("not in the cache of this machine")


def test_a_failed_self_test_stops_the_page_until_one_insists(small, open_page):
    config = json.loads((small / "open_clip_config.json").read_text())
    config["model_cfg"]["quick_gelu"] = True
    (small / "open_clip_config.json").write_text(json.dumps(config))
    page = open_page("classify")
    assert "Self-test failed" in page.texts and not page.components & {"predictions"}
    page.app.checkbox(key="checkpoint_anyway").check().run()
    assert len(cards(page)) == 16


def test_a_crash_of_the_models_is_a_line_and_the_next_try_works(small, open_page, monkeypatch):
    ask = ModelWorker.ask
    page = open_page("classify")
    worker = model_worker()

    def crash(_, what, *arguments, **options):
        os.kill(worker.pid, signal.SIGSEGV)
        return ask(worker, what, *arguments, **options)

    with monkeypatch.context() as crashing:
        crashing.setattr(type(worker), "_running", lambda self: self._connection)  # no time to notice its end
        crashing.setattr(type(worker), "ask", crash)
        fill(page, "dog\nbee")
    assert any("the process with the models ended (SIGSEGV)" in text for text in page.texts)
    page.app.run()
    assert len(cards(page)) == 16


def test_label_counts_and_nearest_captions_of_the_run_it_was_trained_on(zipf_run, workspace, open_page):
    trained_on = {
        "run": str(zipf_run.path), "plan_digest": zipf_run.info["plan_digest"], "arm": "balanced", "t": 30.0,
    }  # fmt: skip
    write_small_checkpoint(workspace / "models" / "trained", trained_on=trained_on)
    page = open_page("classify")
    fill(page, "w0\nW7\nno such")
    fit = queries.labels(zipf_run, parse_names("w0\nW7\nno such"), 30.0)
    table = page.table("labels in the training data")
    for column in ("name", "count", "kept"):
        assert table[column].tolist() == fit.names[column].to_pylist()
    assert cards(page)[0]["captions"] == []

    page.app.toggle(key="nearest").set_value(True).run()
    kept = queries.size(zipf_run, 30.0).kept
    assert f"of its {kept:,} training pairs" in page.captions
    captions = cards(page)[0]["captions"]
    assert len(captions) == 3 and all(text.startswith("w0") for text, _ in captions)


def test_a_run_that_is_gone_is_said_to_be_gone(workspace, open_page):
    write_small_checkpoint(workspace / "models" / "trained", trained_on={"run_name": "My run", "plan_digest": "x"})
    page = open_page("classify")
    assert any(text.startswith("My run: the run that this checkpoint was trained on") for text in page.texts)
    assert len(cards(page)) == 16
