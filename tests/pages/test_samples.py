import base64
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from curation import queries
from curation.metadata import from_entries, merge
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from curation.ui.gallery import MORE_CHARACTERS
from inline import INLINE
from pool.test_decode import png_header


def show(page, which):
    page.app.segmented_control(key="which").set_value(which).run()


def only(page, entry):
    page.app.text_input(key="entry").set_value(entry).run()


@pytest.mark.parametrize("which", ["both", "kept", "dropped"])
def test_cards_and_total_are_those_of_the_library(zipf_workspace, open_page, which):
    page = open_page("samples", t="33.3")
    show(page, which)

    wanted = queries.samples(zipf_workspace, 33.3, which=which)
    assert page.shown == wanted["text"].to_pylist()
    assert [card["kept"] for card in page.cards] == wanted["kept"].to_pylist()
    total = queries.count_samples(zipf_workspace, 33.3, which=which)
    assert page.captions.startswith(f"{total:,} of the 4,000 pairs of the pool")


def test_the_next_page_has_the_next_pairs_and_both_choices_agree(zipf_workspace, open_page):
    page = open_page("samples")
    wanted = queries.samples(zipf_workspace, 100.0, limit=24, offset=48)["uid"].to_pylist()

    above, below = page.app.get("pagination")
    above.set_value(2).run()
    _, below = page.app.get("pagination")
    assert below.value == 2
    below.set_value(3).run()

    assert [dict(card["facts"])["uid"] for card in page.cards] == wanted
    assert [choice.value for choice in page.app.get("pagination")] == [3, 3]


def test_another_t_stays_on_the_page_and_another_question_starts_at_the_first(zipf_workspace, open_page):
    page = open_page("samples")
    page.app.get("pagination")[0].set_value(2).run()
    assert page.app.query_params["page"] == "2"

    page.set_t(33.3)
    assert page.shown == queries.samples(zipf_workspace, 33.3, offset=24)["text"].to_pylist()

    only(page, "w7")
    assert page.shown == queries.samples(zipf_workspace, 33.3, entry="w7")["text"].to_pylist()
    assert "page" not in page.app.query_params


@pytest.mark.parametrize(("written", "ranks"), [("2-4", (2, 4)), ("9", (9, 9))])
def test_only_pairs_with_an_entry_of_some_ranks(zipf_workspace, open_page, written, ranks):
    page = open_page("samples")
    page.app.text_input(key="ranks").set_value(written).run()

    amount = queries.estimate_samples(zipf_workspace, 100.0, ranks=ranks)
    assert page.captions.startswith(f"{amount.pairs:,} of the 4,000 pairs of the pool")
    assert page.shown == queries.samples(zipf_workspace, 100.0, ranks=ranks)["text"].to_pylist()


def test_ranks_that_are_none_are_answered_in_a_line(zipf_workspace, open_page):
    page = open_page("samples")
    page.app.text_input(key="ranks").set_value("9-3").run()

    assert "Ranks “9-3”: give two whole numbers, the smaller first, such as 1-100." in page.texts
    assert page.shown == queries.samples(zipf_workspace, 100.0)["text"].to_pylist()


def test_only_pairs_with_an_entry_of_a_source(workspace, open_page):
    pq.write_table(pa.table({"text": ["a dog", "a cat", "a dog and a cat", "a hat"]}), workspace / "pool.parquet")
    metadata = merge([from_entries(["dog"], source="one"), from_entries(["cat", "a"], source="other")])
    create_run(workspace / "run", [str(workspace / "pool.parquet")], metadata, CurateConfig(t=1.0))
    curate.run(workspace / "run", INLINE)
    page = open_page("samples")

    page.app.selectbox(key="source").set_value("one").run()

    assert sorted(page.shown) == ["a dog", "a dog and a cat"]
    assert page.captions.startswith("2 of the 4 pairs of the pool, 50.0 %, at t = 1")


def test_how_many_pairs_there_are_is_said_to_be_an_estimate_where_it_is_one(zipf_workspace, open_page, monkeypatch):
    monkeypatch.setattr(queries, "estimate_samples", lambda run, t, **asked: queries.Amount(1200, 12.3))
    page = open_page("samples", t="77")

    assert page.captions.startswith("About 1,200 (± 25) of the 4,000 pairs of the pool, 30.0 %, at t = 77, by a draw")


def test_only_pairs_with_an_entry(zipf_workspace, open_page):
    page = open_page("samples")
    only(page, "w7")

    count = int(zipf_workspace.entry_count[queries.entry_id(zipf_workspace, "w7")])
    assert page.captions.startswith(f"{count:,} of the 4,000 pairs")
    assert all("w7" in text.split(" ") for text in page.shown)


def search(page, text):
    page.app.text_input(key="contains").set_value(text).run()


def test_a_text_in_the_captions(zipf_workspace, open_page):
    page = open_page("samples")
    search(page, "W30")

    wanted = queries.search(zipf_workspace, 100.0, contains="w30", limit=96).pairs["text"].to_pylist()
    assert page.shown == wanted
    assert page.captions.startswith("The first 96 of the pairs with this text")

    only(page, "w7")
    wanted = queries.search(zipf_workspace, 100.0, contains="w30", entry="w7").pairs["text"].to_pylist()
    assert page.shown == wanted
    assert page.captions.startswith(f"{len(wanted):,} pairs with this text; all 4,000 of the pool were looked through")

    search(page, "nowhere")
    assert not page.app.exception
    assert page.captions.startswith("0 pairs with this text")


def test_a_search_that_ran_out_of_time_is_marked_and_can_go_further(zipf_workspace, open_page, monkeypatch):
    def slow(run, t, *, seconds, **wanted):
        return queries.Found(queries.samples(run, t, limit=2), 1000 if seconds < 5 else 4000, 4000, seconds > 5)

    page = open_page("samples")
    monkeypatch.setattr("curation.ui.search.queries.search", slow)
    search(page, "dog")
    assert page.captions.startswith("Partial: 2 found so far; 1,000 of 4,000 pairs were looked through in time")

    page.app.button(key="look_further").click().run()
    assert page.captions.startswith("2 pairs with this text; all 4,000 of the pool")
    assert not [button for button in page.app.button if button.key == "look_further"]


def test_an_unknown_entry_is_answered_with_entries_like_it(zipf_workspace, open_page):
    page = open_page("samples")
    only(page, "W7")

    assert not page.app.exception
    assert "“W7” is no entry of this run's metadata." in page.texts
    assert "Entries like it that match: “w7”" in page.texts
    assert "gallery" not in page.components


def test_what_is_chosen_survives_a_change_of_page(zipf_workspace, open_page):
    page = open_page("samples")
    show(page, "kept")
    only(page, "w7")

    page.go("distribution")
    page.go("samples")

    assert page.app.segmented_control(key="which").value == "kept"
    assert page.app.text_input(key="entry").value == "w7"


def test_an_entry_that_no_kept_pair_holds_gives_an_empty_list(make_run, open_page):
    make_run(["a dog"], t=2.0)
    page = open_page("samples")
    show(page, "dropped")
    only(page, "dog")

    assert page.captions.startswith("0 of the 1 pairs")
    assert "gallery" not in page.components


def test_a_card_says_why(make_run, open_page):
    run = make_run(["dog"] * 40 + ["a unicorn"] + ["IMG_0001.jpg"], ["dog", "unicorn"], t=2.0)
    (rare,) = queries.samples(run, 2.0, entry="unicorn").to_pylist()
    page = open_page("samples")
    only(page, "unicorn")

    (card,) = page.cards
    (why,) = queries.explain(run, queries.samples(run, 2.0, entry="unicorn"), 2.0)
    assert card["kept"]
    assert card["reason"] == "Kept: “unicorn” stands in 1 text, no more than t = 2, so all of its texts stay."
    assert card["parts"] == [["a ", "", ""], ["unicorn", "keeps", "unicorn"]]
    assert card["entries"] == [[["unicorn", "1", "1", f"{why.entries[0].u:.4g}", f"{why.entries[0].u:,.4g}"], True]]
    assert dict(card["facts"])["uid"] == rare["uid"]
    assert dict(card["facts"])["url"] == rare["url"]
    assert dict(card["facts"])["t_min"] == f"{why.t_min:.4g}"


def test_thumbnails_are_images_of_our_own(tmp_path, open_page):
    def photo(colour: str) -> bytes:
        out = io.BytesIO()
        Image.new("RGB", (500, 300), colour).save(out, "PNG")
        return out.getvalue()

    images = [photo("red"), b"<svg onload=alert(1)>", None]
    table = {"uid": ["a", "b", "c"], "text": ["a dog", "a dog", "a dog"], "image": pa.array(images, pa.binary())}
    pq.write_table(pa.table(table), tmp_path / "pool.parquet")
    path = tmp_path / "photos"
    create_run(path, [str(tmp_path / "pool.parquet")], from_entries(["dog"], source="test"), CurateConfig(t=2.0))
    curate.run(path, INLINE)

    cards = {dict(card["facts"])["uid"]: card for card in open_page("samples").cards}

    head, data = cards["a"]["image"].split(",")
    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (160, 96)
    assert cards["a"]["alt"] == "a dog"
    assert cards["b"]["image"] is None
    assert cards["b"]["no_image"].startswith("image: cannot be decoded")
    assert cards["c"]["image"] is None
    assert cards["c"]["no_image"].startswith("no image")


def test_an_image_that_kills_its_decoder_has_its_reason_and_the_others_are_shown(tmp_path, open_page, hostile_decoder):
    out = io.BytesIO()
    Image.new("RGB", (500, 300), "red").save(out, "PNG")
    images = {"a": b"die 11", "b": b"hang", "c": png_header(13_000, 13_000), "d": out.getvalue()}
    table = {"uid": list(images), "text": ["a dog"] * 4, "image": pa.array(list(images.values()), pa.binary())}
    pq.write_table(pa.table(table), tmp_path / "pool.parquet")
    path = tmp_path / "photos"
    create_run(path, [str(tmp_path / "pool.parquet")], from_entries(["dog"], source="test"), CurateConfig(t=10.0))
    curate.run(path, INLINE)

    cards = {dict(card["facts"])["uid"]: card for card in open_page("samples").cards}

    assert "ended by signal 11 (SIGSEGV)" in cards["a"]["no_image"]
    assert cards["b"]["no_image"] == "image: not decoded: stopped after 2 s without an answer"
    assert cards["c"]["no_image"] == "image: more than 50,000,000 pixels"
    assert cards["d"]["image"].startswith("data:image/jpeg;base64,")


def test_a_pool_without_images_has_cards_of_text(zipf_workspace, open_page):
    assert {(card["image"], card["no_image"]) for card in open_page("samples").cards} == {(None, None)}


def test_a_caption_of_a_megabyte_is_cut(make_run, open_page):
    text = "dog " * 249_999
    make_run([text], t=2.0)

    page = open_page("samples")

    assert page.shown == [text[:MORE_CHARACTERS]]
    assert page.cards[0]["cut"] == "The first 16,384 of 999,996 characters."
