"""Make the fixture of today's run-folder format: python tests/formats/make_fixture.py tests/formats/v1

Once for each format, and never again: that older runs open after every upgrade is what it is kept for.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from curation import drawn, rare
from curation.engines import Cancelled
from curation.engines.config import EngineConfig
from curation.metadata import from_entries
from curation.runs import curate, job, plan
from curation.runs.config import CurateConfig
from curation.runs.folder import rename
from curation.runs.plan import create_run
from inline import INLINE

PAIRS, ENTRIES = 480, [f"w{k}" for k in range(24)]


def make(folder: Path) -> None:
    """pool/, a finished run with all that only some runs have, and one that was stopped in the second pass."""
    folder.mkdir(parents=True)
    os.chdir(folder)
    look = plan.look_at_all
    # plans name their inputs by absolute paths; these by one that holds wherever the fixture is copied to
    plan.look_at_all = lambda *asked: [replace(file, path=os.path.relpath(file.path)) for file in look(*asked)]
    plan.UNIT_ROWS = 120
    rare.SMALL_RUN, rare.RARE, drawn.SMALL_RUN, drawn.DRAWN = 100, 12, 100, 120
    texts = [" ".join(f"w{k}" for k in range(20) if position % (k + 1) == 0) for position in range(1, PAIRS + 1)]
    uids = [f"pair-{position:04d}" for position in range(PAIRS)]
    urls = [f"https://pool.example/{position}.jpg" for position in range(PAIRS)]
    Path("pool").mkdir()
    pq.write_table(pa.table({"uid": uids, "url": urls, "text": texts}), "pool/0.parquet", row_group_size=120)
    metadata = from_entries(ENTRIES, source="fixture")
    create_run(Path("done"), ["pool"], metadata, CurateConfig(t=20.0, max_words=12), name="Finished")
    job.choose_engine(Path("done"), EngineConfig(workers=1))
    curate.run(Path("done"), INLINE)
    rename(Path("done"), "Finished, then renamed")
    create_run(Path("stopped"), ["pool"], metadata, CurateConfig(t=20.0), name="Stopped")
    asked = iter(range(100))
    try:
        curate.run(Path("stopped"), INLINE, cancel=lambda: next(asked) > 9)
    except Cancelled:
        return
    raise SystemExit("the run was to be stopped, and is done")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
