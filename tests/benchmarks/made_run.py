"""A run as the benchmarks on scale make it, and what two of them must have in common."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from curate_pool import SEED, TAIL_SHARE
from world import World

from curation.metadata_files import read_metadata
from curation.runs.config import CurateConfig
from curation.runs.folder import Run
from curation.runs.plan import create_run


def planned(its_world: World, pool: Path, folder: Path, **filters: Any) -> Run:
    """A run over a pool that has not begun."""
    config = CurateConfig(tail_share=TAIL_SHARE, seed=SEED, **filters)
    return create_run(folder, [str(pool)], read_metadata(its_world.metadata), config)


def digest(run: Run) -> str:
    """sha256 (hex) of the counts of all entries, and of uid and t_min of every pair, in their order."""
    found = hashlib.sha256(run.entry_count.tobytes())
    for path in run.pair_files:
        table = pq.read_table(path, columns=["uid", "t_min"])
        for column in table.combine_chunks().columns:
            for buffer in column.chunk(0).buffers() if len(table) else ():
                found.update(buffer or b"")
    return found.hexdigest()
