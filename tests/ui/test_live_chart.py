import pytest

from curation.ui import live_chart, state


@pytest.fixture
def said(zipf_run, monkeypatch):
    """What the browser says, in the session of a page that shows the shared run."""
    session = {}
    for module in (live_chart, state):
        monkeypatch.setattr(module.st, "session_state", session)

    def say(**words):
        session["live"] = words
        return session

    return say


def test_the_t_that_was_let_go_is_looked_at_and_its_number_kept(zipf_run, said):
    session = said(t=[33.3, 7])

    live_chart._take_t(zipf_run, "live")

    assert state.t(zipf_run) == 33.3
    assert session["live_heard"] == 7


@pytest.mark.parametrize("t", [0.5, "x", None, float("nan"), float("inf"), [1]])
def test_a_t_that_is_none_is_passed_over_but_answered(zipf_run, said, t):
    session = said(t=[t, 3])

    live_chart._take_t(zipf_run, "live")

    assert state.t(zipf_run) == zipf_run.t
    assert session["live_heard"] == 3


@pytest.mark.parametrize(
    ("sent", "taken"),
    [([3, 40], [(3, 40)]), ([], [None]), ([40, 3], []), ([0, 3], []), ([1, 41], []), ([1], []), ("ab", []), (None, [])],
)
def test_ranks_are_taken_as_far_as_they_are_there(zipf_run, said, sent, taken):
    said(ranks=sent)
    heard = []

    live_chart._take_ranks(zipf_run, "live", heard.append)

    assert heard == taken


@pytest.mark.parametrize(("sent", "taken"), [(3, ["w3"]), (-1, []), (50, []), (None, []), ("x", [])])
def test_an_entry_is_known_by_its_id(zipf_run, said, sent, taken):
    said(entry=sent)
    heard = []

    live_chart._take_entry(zipf_run, "live", heard.append)

    assert heard == taken
