import json
from dataclasses import asdict

import pytest

from curation.engines import Node, Status, Trouble, UnderWay
from curation.errors import UnreadableFile
from curation.runs.progress import Progress, Reporter
from curation.runs.standing import share, standing

STATUS = Status(
    workers=3,
    nodes=(Node("a", 2, done=4), Node("b", 1, alive=False)),
    retries=1,
    failed=0,
    under_way=(UnderWay("pool.parquet (3)", 7.5, slow=True),),
    troubles=(Trouble(1, "pool.parquet (2)", "its worker died", again=True),),
)
PROGRESS = Progress("match", 3, 4, "rows", 2.5, 0.4, 9.0, STATUS)


def write(path, **values):
    (path / "progress.json").write_text(json.dumps({"sequence": 1, **asdict(PROGRESS), **values}))


def test_what_was_written_is_read_back(tmp_path):
    assert standing(tmp_path) is None
    write(tmp_path)
    assert standing(tmp_path) == PROGRESS
    assert share(PROGRESS) == 0.75


def test_a_job_without_an_engine_or_of_an_older_version_tells_of_none(tmp_path):
    Reporter(tmp_path, 8, "rows", lambda progress: None).phase("export")
    assert standing(tmp_path).engine is None
    older = {key: value for key, value in asdict(STATUS).items() if key != "troubles"}
    write(tmp_path, engine=older)
    assert standing(tmp_path).engine.troubles == ()


@pytest.mark.parametrize(
    "values",
    [
        {"phase": "**match**"},
        {"phase": None},
        {"of": "[rows](x)"},
        {"done": "3"},
        {"done": -1},
        {"done": True},
        {"total": 1e400},
        {"rate": float("nan")},
        {"eta_s": float("inf")},
        {"elapsed_s": []},
    ],
)
def test_what_is_no_progress_is_refused_in_a_line(tmp_path, values):
    write(tmp_path, **values)
    with pytest.raises(UnreadableFile, match=r"progress\.json: not the progress of a job"):
        standing(tmp_path)


def test_more_than_all_is_all():
    assert share(Progress("match", 5, 4, "rows", 0.0, None, 1.0)) == 1.0
    assert share(Progress("match", 0, 0, "rows", 0.0, None, 1.0)) == 0.0
