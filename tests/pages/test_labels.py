import pytest

from curation import queries
from curation.class_lists import imagenet_names, parse_names, read_names
from curation.runs.workspace import SAMPLE_DATA

NAMES = "w0\nw30, 2\nW7\nw45\nno such\nw33s"


def own(page, text):
    page.app.button_group(key="labels").set_value("Own").run()
    page.app.text_area(key="names").set_value(text).run()
    assert not page.app.exception


def delta(page, name):
    (found,) = (metric for metric in page.app.metric if metric.label == name)
    return found.proto.delta, found.proto.delta_description


@pytest.mark.parametrize(("spelling", "found"), [("best", 4), ("as written", 3)])
def test_the_numbers_are_those_of_the_library(zipf_workspace, open_page, spelling, found):
    page = open_page("labels", t="33.3")
    own(page, NAMES)
    page.app.button_group(key="spelling").set_value(spelling).run()

    fit = queries.labels(zipf_workspace, parse_names(NAMES), 33.3, spelling=spelling)
    assert fit.found == found
    assert page.numbers == {
        "Names found": f"{fit.found}",
        "Names that match": f"{fit.matching}",
        "Names with a kept pair": f"{fit.covered}",
        "KL(T || P), nats": f"{fit.after.kl:.3f}",
    }
    assert delta(page, "Names that match") == (f"{100 * fit.weight_matching:.1f} %", "of T")
    assert delta(page, "KL(T || P), nats") == (f"from {fit.before.kl:.3f}", fit.verdict)
    assert (
        f"**{fit.verdict}** with the task than the pool: KL(T || P) goes from {fit.before.kl:.3f} to" in page.captions
    )
    assert "in the paper KL gets worse on 7 of 26 tasks" in page.captions
    shown = page.table("class names")
    for column in ("name", "entry", "count", "kept", "state"):
        assert shown[column].fillna("").tolist() == [
            value or "" if column == "entry" else value for value in fit.names[column].to_pylist()
        ]


def test_names_without_a_match_stand_beside_names_near_them(zipf_workspace, open_page):
    page = open_page("labels")
    own(page, NAMES)
    shown = page.table("names without a match")
    near = queries.near_entries(zipf_workspace, ["w45", "no such", "w33s"])
    assert shown["name"].tolist() == ["w45", "no such", "w33s"]
    assert shown["near"].tolist() == [", ".join(near[name]) for name in shown["name"]]
    assert near["w33s"][0] == "w33"


def test_imagenet_comes_first_and_the_emoji_world_can_be_chosen(zipf_workspace, open_page):
    page = open_page("labels")
    assert page.numbers["Names found"] == "0"
    assert "KL(T || P), nats" not in page.numbers
    assert len(page.table("class names")) == len(imagenet_names().names)
    assert not page.app.get("plotly_chart")
    assert [info.value for info in page.app.info] == [
        "None of these names is an entry of the metadata, so there is no KL(T || P)."
    ]

    page.app.button_group(key="labels").set_value("Sample").run()
    names = read_names(SAMPLE_DATA / "concepts.parquet").names
    assert page.table("class names")["name"].tolist() == list(names[:1000])


def test_the_chart_shows_the_names_that_are_entries(zipf_workspace, open_page):
    page = open_page("labels")
    own(page, NAMES)
    before, _, cap = page.figure["data"]
    assert [row[0] for row in before["customdata"]] == ["w0", "W7", "w30", "w45"]
    assert cap["name"] == "cap t = 100"


def test_a_name_leads_to_its_pairs(zipf_workspace, open_page):
    page = open_page("labels")
    own(page, NAMES)
    page.app.selectbox(key="label").set_value("W7").run()
    links = {link.proto.label: link.proto for link in page.app.get("page_link")}
    assert all("entry=w7" in links[name].query_string for name in ("Its pairs", "Its entry"))
    assert "t=100" in links["Its pairs"].query_string


def test_the_list_is_remembered_on_other_pages(zipf_workspace, open_page):
    page = open_page("labels")
    own(page, NAMES)
    page.go("distribution")
    page.go("labels")
    page.app.button_group(key="labels").set_value("Own").run()
    assert page.app.text_area(key="names").value == NAMES


def test_a_file_fills_the_box_and_one_that_is_refused_leaves_it(zipf_workspace, open_page):
    page = open_page("labels")
    own(page, "w0")
    page.app.file_uploader[0].upload("names.json", b'{"w3": 2, "w4": 1}', "application/json").run()
    assert page.app.text_area(key="names").value == "w3, 2\nw4, 1"
    assert page.numbers["Names found"] == "2"

    page.app.file_uploader[0].upload("names.json", b"{", "application/json").run()
    assert page.app.text_area(key="names").value == "w3, 2\nw4, 1"
    assert any("names.json: no JSON" in text for text in page.texts)


def test_an_empty_list_and_a_bad_one_say_what_to_do(zipf_workspace, open_page):
    page = open_page("labels")
    page.app.button_group(key="labels").set_value("Own").run()
    assert [info.value for info in page.app.info] == ["Paste the names of the classes that you want to tell apart."]
    own(page, "dog, 0")
    assert "'dog': a count of 0; give one above 0, or leave the name out" in page.texts
    assert not page.app.metric


def test_a_list_too_long_for_the_address_says_so(zipf_workspace, open_page):
    page = open_page("labels")
    own(page, "w0")
    assert "too long for the address bar" not in page.captions
    own(page, "\n".join(f"name {k}" for k in range(400)))
    assert "The list is too long for the address bar" in page.captions
