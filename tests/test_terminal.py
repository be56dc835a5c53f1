import re

import pytest

from curation import terminal
from curation.engines import Node, Status, UnderWay
from curation.runs.progress import Progress

CLUSTER = Status(6, (Node("a", 4), Node("b", 2), Node("c", 2, alive=False)), 3, 0, (UnderWay("x", 60.0, slow=True),))


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [0.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    return now


def at(phase, done, engine=None):
    return Progress(phase, done, 1000, "rows", 10.0, (1000 - done) / 10, 5.0, engine)


def told(capsys, clock, *moments):
    """The lines on a stderr that is no terminal, without their times of day."""
    with terminal.progress_bar() as show:
        for second, progress in moments:
            clock[0] = second
            show(progress)
    out, err = capsys.readouterr()
    assert out == ""
    return [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", "", line) for line in err.splitlines()]


def test_a_short_run_says_nothing_where_stderr_is_no_terminal(capsys, clock):
    assert told(capsys, clock, (1.0, at("match", 0)), (9.0, at("balance", 0)), (14.9, at("curves", 500))) == []


def test_a_long_run_says_a_line_for_each_phase_and_one_every_thirty_seconds(capsys, clock):
    moments = [(float(second), at("match" if second < 60 else "balance", second)) for second in range(100)]
    assert told(capsys, clock, *moments) == [
        "match: 15 of 1,000 rows, 10 a second, about 1 min 38 s left in this step",
        "match: 45 of 1,000 rows, 10 a second, about 1 min 36 s left in this step",
        "balance: 60 of 1,000 rows, 10 a second, about 1 min 34 s left in this step",
        "balance: 90 of 1,000 rows, 10 a second, about 1 min 31 s left in this step",
    ]


def test_a_line_ends_with_who_works_and_what_went_wrong(capsys, clock):
    (line,) = told(capsys, clock, (20.0, at("match", 1000, CLUSTER)))
    assert line == "match: 1,000 of 1,000 rows; 6 workers on 2 nodes; 1 node lost; 3 retries; 1 straggler"


def test_below_the_bars_of_a_terminal_stand_rate_workers_and_what_went_wrong(capsys, monkeypatch):
    for name, value in {"TTY_COMPATIBLE": "1", "COLUMNS": "200", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    with terminal.progress_bar() as show:
        show(at("match", 250))
        show(at("match", 500, CLUSTER))
    out, err = capsys.readouterr()
    assert out == ""
    assert "10 rows a second, 6 workers on 2 nodes, 1 node lost, 3 retries, 1 straggler" in err
    assert "500/1000" in err
