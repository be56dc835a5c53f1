"""Files that are written with that of a unit, and are damaged before a stopped run is gone on with."""

import pytest

from conftest import ZIPF_ENTRIES, write_pool, zipf_texts
from curation import drawn, files
from curation.engines import Cancelled
from curation.metadata import from_entries
from curation.runs import curate, plan
from curation.runs.config import CurateConfig
from curation.runs.plan import create_run
from inline import INLINE


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-20])])
def test_a_draw_that_is_gone_or_cut_is_made_again(tmp_path, monkeypatch, damage):
    monkeypatch.setattr(plan, "UNIT_ROWS", 250)
    monkeypatch.setattr(drawn, "SMALL_RUN", 100)
    monkeypatch.setattr(drawn, "DRAWN", 300)
    pool = write_pool(tmp_path / "pool.parquet", zipf_texts(1000), row_group_size=250)
    for name in ("whole", "stopped"):
        create_run(tmp_path / name, [str(pool)], from_entries(ZIPF_ENTRIES, source="test"), CurateConfig(t=30.0))
    whole = curate.run(tmp_path / "whole", INLINE)
    balanced = tmp_path / "stopped" / "pairs" / "00001.json"
    with pytest.raises(Cancelled):
        curate.run(tmp_path / "stopped", INLINE, cancel=balanced.exists)
    damage(tmp_path / "stopped" / "work" / "00000.drawn.parquet")
    run = curate.run(tmp_path / "stopped", INLINE)
    assert files.sha256(run.path / "drawn.parquet") == files.sha256(whole.path / "drawn.parquet")
