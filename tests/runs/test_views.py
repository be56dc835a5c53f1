import json

import pytest

from curation.errors import BadArgument
from curation.runs.views import list_views, remove_view, save_view


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADTAIL_RUNS", str(tmp_path))
    return tmp_path


def test_a_view_comes_back_as_it_was_saved():
    saved = save_view("  the dogs\n of A ", "samples", {"run": "a", "t": "20", "entry": "dog & cat"})

    assert list_views() == [saved]
    assert (saved.name, saved.page) == ("the dogs of A", "samples")
    assert saved.params == {"run": "a", "t": "20", "entry": "dog & cat"}


def test_views_stand_by_name_and_names_may_be_equal():
    views = [save_view(name, "", {}) for name in ("b", "A", "b")]

    assert [view.name for view in list_views()] == ["A", "b", "b"]
    remove_view(views[0])
    remove_view(views[0])
    assert {view.id for view in list_views()} == {views[1].id, views[2].id}


@pytest.mark.parametrize("name", ["", " \n", "x" * 201])
def test_a_view_needs_a_name(name):
    with pytest.raises(BadArgument, match="needs a name of 1 to 200 characters"):
        save_view(name, "", {})
    assert list_views() == []


def test_a_view_that_no_address_can_hold_is_refused():
    with pytest.raises(BadArgument, match="more than 8,000"):
        save_view("long", "labels", {"names": "x" * 8001})


def test_a_name_is_only_data(workspace):
    save_view("../../evil", "samples", {})

    assert [path.parent.name for path in workspace.rglob("*.json")] == ["views"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": 1}', "\udcff"])
def test_what_is_no_view_is_passed_over(workspace, text):
    good = save_view("good", "", {})
    (workspace / "views" / "bad.json").write_text(text, errors="surrogatepass")
    (workspace / "views" / "copy.json").write_text(json.dumps({**vars(good), "name": "copy"}))
    (workspace / "views" / "n.json").write_text(json.dumps({**vars(good), "id": "n", "params": {"t": 1}}))

    assert list_views() == [good]
