"""The page Train without a browser; jobs are written down, folders of trainings and ladders are made by hand."""

import pytest

from curation import queries
from curation.clip.ladder.config import LadderConfig, Rung
from curation.clip.ladder.folder import Ladder
from curation.clip.ladder.summary import accuracies, sentence
from curation.clip.training.config import TrainConfig
from curation.clip.training.folder import Training
from curation.errors import MissingFile
from curation.runs.folder import lock
from ladders import make_ladder
from trainings import make_training

CLASSES = [("dog", 900), ("cat", 400), ("hot dog", 60), ("photo", 40), ("unicorn", 7), ("a", 3)]


pytestmark = pytest.mark.usefixtures("started")


@pytest.fixture
def evaluation(tmp_path):
    path = tmp_path / "elsewhere" / "eval.parquet"
    path.parent.mkdir()
    path.write_bytes(b"")
    return str(path)


@pytest.fixture
def climbed(make_run, workspace, evaluation):
    """A finished ladder: matched at one, balanced at two t, two seeds."""
    train = TrainConfig(samples=25_600, evaluate=evaluation)
    config = LadderConfig(arms=("matched", "balanced"), t=20.0, sweep=(2.0,), seeds=(0, 1), train=train)
    return make_ladder(workspace / "ladders" / "one", make_run(), config, CLASSES)


def trainings(open_page, **query):
    return open_page("train", train_part="Trainings", **query)


def give_evaluation(page, part, path):
    page.app.text_input(key=f"{part}_evaluate_path").set_value(path).run()


def test_a_training_is_started_from_the_form_and_watched(make_run, workspace, open_page, started, evaluation):
    run = make_run()
    page = trainings(open_page)
    assert page.app.button(key="training_start").disabled
    assert "give the path of an evaluation set" in page.texts
    give_evaluation(page, "training", evaluation)
    page.app.text_input(key="training_name").set_value("Mine").run()
    page.app.number_input(key="training_set_t").set_value(3.0).run()
    page.app.number_input(key="training_set_samples").set_value(2_560).run()
    page.app.number_input(key="training_set_learning_rate").set_value(0.0005).run()
    page.app.button(key="training_start").click().run()

    (training,) = Training.all_in(workspace / "models")
    assert (training.name, training.run) == ("Mine", run.path)
    assert training.config == TrainConfig(t=3.0, samples=2_560, learning_rate=0.0005, evaluate=evaluation)
    assert started == [("training", training.path)]
    assert page.app.query_params["training"] == training.path.name
    assert "Mine · about to start" in page.texts


def test_every_field_of_a_training_is_in_the_form_with_its_default(make_run, open_page):
    make_run()
    app = trainings(open_page).app
    keys = {one.key: one.value for kind in ("number_input", "text_input", "selectbox") for one in app.get(kind)}
    default = TrainConfig()
    for name in ("samples", "batch_size", "seed", "learning_rate", "beta2", "arm", "image_tower", "precision", "model"):
        assert keys[f"training_set_{name}"] == getattr(default, name)
    # t is asked for where the arm needs it
    app.selectbox(key="training_set_arm").set_value("matched").run()
    assert "training_set_t" not in {one.key for one in app.number_input}


def test_the_form_says_how_often_the_samples_go_over_the_pairs(zipf_workspace, open_page):
    page = trainings(open_page)
    page.app.selectbox(key="training_evaluate_from").set_value("None: no curve of accuracy").run()
    page.app.number_input(key="training_set_samples").set_value(3_000).run()
    kept = queries.size(zipf_workspace, 100.0).kept
    assert f"3,000 samples go {3_000 / kept:.1f} times over {kept:,} pairs at t = 100" in "\n".join(page.texts)

    page.app.number_input(key="training_set_samples").set_value(12 * 900).run()
    page.app.number_input(key="training_set_t").set_value(5.0).run()
    t = queries.threshold_for_size(zipf_workspace, 900).t
    (told,) = [text for text in page.texts if "tend to overfit" in text]
    assert f"it is not from t = {t:,.15g} on" in told
    assert not page.app.button(key="training_start").disabled


def test_what_the_configuration_refuses_is_one_line_and_nothing_starts(make_run, open_page, evaluation):
    make_run()
    page = trainings(open_page)
    give_evaluation(page, "training", evaluation)
    page.app.number_input(key="training_set_accumulate").set_value(3).run()
    assert any(text.startswith("accumulate 3: give a divisor of the batch size 64") for text in page.texts)
    assert page.app.button(key="training_start").disabled
    give_evaluation(page, "training", "/nowhere/![x](http://127.0.0.1:9/)")
    assert any("no evaluation set here" in text for text in page.texts)


def test_the_evaluation_set_beside_the_pool_is_at_hand(make_run, workspace, open_page):
    make_run()
    (workspace / "eval.parquet").write_bytes(b"")
    page = trainings(open_page)
    assert page.app.selectbox(key="training_evaluate_from").value == "eval.parquet beside the pool"
    page.app.button(key="training_start").click().run()
    (training,) = Training.all_in(workspace / "models")
    assert training.config.evaluate == str(workspace / "eval.parquet")


def test_a_finished_training_shows_its_numbers_and_curves(make_run, workspace, open_page):
    make_training(workspace / "models" / "one", make_run(), evaluate="eval.parquet", t=2.0)
    page = trainings(open_page, training="one")
    assert page.numbers == {
        "Zero-shot top-1": "50.0%", "Loss": "0.997", "Passes begun": "5", "Samples a second": "640",
        "Learned scale": "44.3",
    }  # fmt: skip
    assert "Matched and balanced, t = 2 · run · headtail-tiny · 25,600 samples · seed 0" in page.texts
    assert "800 pairs with pictures, trained in 1 min 35 s." in page.captions
    assert len(page.app.get("plotly_chart")) == 2
    assert "balanced · done · 50.0% zero-shot top-1" in page.texts


def test_a_training_with_a_checkpoint_leads_to_classify(make_run, workspace, open_page):
    training = make_training(workspace / "models" / "one", make_run())
    page = trainings(open_page, training="one")
    assert not page.app.main.get("page_link")
    (training.checkpoint / "open_clip_config.json").write_text("{}")
    page.app.run()
    (link,) = page.app.main.get("page_link")
    assert (link.proto.page, link.proto.query_string) == ("classify", "checkpoint=one")


def test_a_training_under_way_is_cancelled_one_that_stopped_resumed_or_deleted(make_run, workspace, open_page, started):
    training = make_training(workspace / "models" / "one", make_run(), state="running", until=0.3)
    page = trainings(open_page, training="one")
    assert "balanced · its process is gone; what is done stays done" in page.texts
    with lock(training.path):
        page.app.run()
        assert "balanced · under way" in page.texts
        page.app.button(key="training_stop").click().run()
        assert (training.path / "cancel").exists()
    training.set_state("cancelled", None)
    page.app.run()
    page.app.button(key="training_play_arrow").click().run()
    assert started == [("training", training.path)]
    page.app.button(key="training_delete_forever").click().run()
    assert not training.path.exists()
    assert "training" not in page.app.query_params
    assert any("There is no training yet" in caption.value for caption in page.app.caption)


def test_a_training_that_failed_says_why(make_run, workspace, open_page):
    make_training(workspace / "models" / "one", make_run(), state="failed", until=0.3)
    page = trainings(open_page, training="one")
    assert "the loss is nan at step 7" in page.texts
    assert "balanced · stopped with an error" in page.texts


@pytest.mark.parametrize("name", ["../one", "no such", ".hidden", "![x](http://127.0.0.1:9/)", "a" * 300])
def test_a_name_in_the_address_that_is_no_training_is_said_in_words(make_run, open_page, name):
    make_run()
    page = trainings(open_page, training=name)
    assert any(text.startswith("There is no training '") for text in page.texts)


def test_a_finished_ladder_says_in_a_sentence_what_balancing_did(climbed, open_page):
    page = open_page("train")
    found = accuracies(climbed)
    assert sentence(found) in [header.value for header in page.app.subheader]
    assert len(page.app.get("plotly_chart")) == 3
    shown = page.table("ladder")
    assert shown["arm"].tolist() == ["Matched", "Matched and balanced", "Matched and balanced"]
    assert shown["t"].tolist()[1:] == [2.0, 20.0]
    of_all = {row["rung"]: row for row in found.to_pylist() if row["group"] == "all"}
    assert shown["all"].tolist() == [
        round(100 * of_all[rung]["accuracy"], 1) for rung in ("matched", "balanced-t2", "balanced-t20")
    ]
    assert shown["gain"].tolist()[2] == round(100 * of_all["balanced-t20"]["gain"], 1)
    assert page.table("tail classes")["class"].tolist() == ["unicorn", "a"]
    assert "synthetic" not in page.captions


def test_what_was_measured_on_a_synthetic_world_is_called_so(make_run, workspace, open_page):
    from curation.runs.workspace import SAMPLE_DATA

    train = TrainConfig(samples=25_600, evaluate=str(SAMPLE_DATA / "eval.parquet"))
    config = LadderConfig(arms=("matched", "balanced"), t=20.0, train=train)
    make_ladder(workspace / "ladders" / "one", make_run(), config, CLASSES)
    page = open_page("train")
    assert "On a synthetic world" in page.captions
    assert "Only one t so far." in page.captions


def test_a_ladder_that_is_climbed_shows_the_arms_that_are_done(make_run, workspace, open_page, evaluation, started):
    train = TrainConfig(samples=25_600, evaluate=evaluation)
    config = LadderConfig(t=20.0, train=train)
    ladder = make_ladder(workspace / "ladders" / "one", make_run(), config, CLASSES, done=2, state="running")
    with lock(ladder.path):
        page = open_page("train")
        assert "Training 3 of 5: Matched, seed 0. Starting" in page.texts
        assert page.table("ladder")["arm"].tolist() == ["Raw", "English only"]
        page.app.button(key="ladder_stop").click().run()
        assert (ladder.path / "cancel").exists()
    ladder.set_state("cancelled", None)
    page.app.run()
    page.app.button(key="ladder_play_arrow").click().run()
    assert started == [("climb", ladder.path)]


def test_before_a_ladder_is_climbed_the_page_says_what_each_arm_will_see(
    zipf_workspace, monkeypatch, tmp_path, open_page, evaluation, started
):
    page = open_page("train")
    assert page.app.button(key="ladder_start").disabled
    give_evaluation(page, "ladder", evaluation)
    page.app.number_input(key="ladder_set_samples").set_value(12 * 900).run()
    page.app.number_input(key="ladder_set_t").set_value(5.0).run()
    plan, kept = page.table("plan of the ladder"), queries.size(zipf_workspace, 5.0).kept
    assert plan["arm"].tolist() == ["Raw", "English only", "Matched", "Matched and balanced", "Balanced online"]
    assert plan["pairs"].tolist()[2:] == [4000, kept, kept]
    t = queries.threshold_for_size(zipf_workspace, 900).t
    (told,) = [text for text in page.texts if "learnt by heart" in text]
    assert told.startswith("t = 5: too low for 10,752 samples.")
    assert "and above are not" in told
    assert queries.size(zipf_workspace, t).kept == 900

    page.app.segmented_control(key="ladder_size").set_value("full").run()
    assert "27 trainings, each of 10,752 samples: 290,304 in all." in page.captions
    assert page.table("plan of the ladder")["t"].tolist()[3:8] == [1.0, 1.5, 5.0, 15.0, 50.0]


def test_a_ladder_is_started_from_the_form(make_run, workspace, open_page, started, evaluation):
    run = make_run()
    page = open_page("train")
    give_evaluation(page, "ladder", evaluation)
    page.app.number_input(key="ladder_set_samples").set_value(2_560).run()
    page.app.multiselect(key="ladder_set_arms").set_value(["balanced", "matched"]).run()
    page.app.button(key="ladder_start").click().run()
    (ladder,) = Ladder.all_in(workspace / "ladders")
    assert ladder.run == run.path
    assert ladder.config.rungs == (Rung("matched"), Rung("balanced", 2.0))
    assert (ladder.config.seeds, ladder.config.train.samples) == ((0,), 2_560)
    assert started == [("climb", ladder.path)]
    assert page.app.query_params["ladder"] == ladder.path.name
    assert "Results appear arm by arm, as each training is done." in page.captions


def test_without_a_run_the_page_says_what_it_needs(workspace, open_page, monkeypatch):
    from curation.ui import frame

    def no_sample():
        raise MissingFile("no sample data here")

    monkeypatch.setattr(frame, "ensure_sample_run", no_sample)
    page = open_page("train")
    assert page.app.header[0].value == "Train"
    assert [info.value for info in page.app.info] == ["Choose a run that is done: a ladder is climbed on its pairs."]
