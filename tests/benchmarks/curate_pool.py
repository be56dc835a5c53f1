"""Curating a pool from Parquet to a finished run, beside the same job with pyahocorasick in two processes."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measure import Measured, MemoryOfAll, cpu_seconds, prove, script, timed, worker
from peers import PyAhoCorasick, entry_hashes, t_min
from world import World, world

import reference
from curation import balancing, uniform
from curation.cli.curate import warm_up
from curation.engines.local import LocalEngine
from curation.files import PARQUET_OPTIONS
from curation.metadata_files import read_metadata
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.folder import open_run
from curation.runs.plan import create_run

ORACLE_PAIRS = ORACLE_ENTRIES = 400
TAIL_SHARE = 0.06
SEED = 0
PEERS = 2
T_MINS = ("t_min in plain Python", "t_min with our arrays")


def curate_pool(
    *,
    pairs: int = 1_000_000,
    files: int = 4,
    entries: int = 500_000,
    workers: int = 2,
    peer_pairs: int = 100_000,
    repeats: int = 3,
) -> Measured:
    """Ours over the whole pool in a process of its own, the peer over a smaller pool of the same kind, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        proven = [_equal_to_the_oracle(folder / "oracle")]
        its_world = world(entries)
        ours, theirs = [], []
        with worker() as process, Peer(its_world, peer_pairs, folder) as peer:
            for turn in range(repeats):
                run = folder / f"run-{turn}"
                ours.append(process.submit(timed_run, its_world, run, pairs, files, workers).result())
                theirs.append(peer.turn())
            process.submit(timed_run, its_world, folder / "small", peer_pairs, PEERS, workers).result()
            what = f"ids and t_min of the peer's {peer_pairs:,} pairs"
            proven.append(prove(what, _rows(peer.outputs), _rows(open_run(folder / "small").pair_files)))
        best, best_peer = min(range(repeats), key=lambda turn: ours[turn]["wall"]), _best(theirs)
        info = open_run(folder / f"run-{best}").info
        run_mb = sum(file.stat().st_size for file in run.rglob("*") if file.is_file()) / 1e6

    wall, phases, totals = ours[best]["wall"], info["timings"], info["totals"]
    cpu_us = min(turn["cpu"] for turn in ours) / pairs * 1e6
    plain, lent = (best_peer["read and match"] + best_peer[name] + best_peer["write"] for name in T_MINS)
    return Measured(
        parameters={
            "world": its_world.name,
            "tail_share": TAIL_SHARE,
            "t": totals["t"],
            "kept": totals["kept"],
            "matches": totals["matches"],
            "peer": f"pyahocorasick, {PEERS} processes, {peer_pairs:,} pairs; building its automata is not counted",
        },
        proven=proven,
        figures={
            "pairs_per_s": pairs / wall,
            "seconds": {"best_wall": wall, "median_wall": statistics.median(turn["wall"] for turn in ours)},
            "cpu_us_per_pair": cpu_us,
            "plan_s": ours[best]["planned"],
            "phase_s": phases,
            "curves_share": phases["curves"] / wall,
            "run_folder_mb": run_mb,
            "peer_pairs_per_s": peer_pairs / plain,
            "peer_with_our_t_min_pairs_per_s": peer_pairs / lent,
            "ratio_peer": plain / peer_pairs / (wall / pairs),
            "ratio_peer_with_our_t_min": lent / peer_pairs / (wall / pairs),
            "ratio_peer_cpu": best_peer["cpu"] / peer_pairs * 1e6 / cpu_us,
            "peer_s": best_peer,
        },
        peak_memory_mb=ours[0]["peak_memory_mb"],
    )


def timed_run(its_world: World, folder: Path, pairs: int, n_files: int, workers: int) -> dict[str, float]:
    """What `headtail curate` does once its modules are loaded: metadata from JSON, a pool from Parquet, a run."""
    pool = its_world.pool(pairs, n_files)
    warm_up()
    wall, cpu = time.perf_counter(), cpu_seconds()
    create_run(folder, [str(pool)], read_metadata(its_world.metadata), CurateConfig(tail_share=TAIL_SHARE, seed=SEED))
    planned = time.perf_counter() - wall
    with MemoryOfAll() as memory:
        curate.run(folder, LocalEngine(workers))
    return {
        "planned": planned,
        "wall": time.perf_counter() - wall,
        "cpu": cpu_seconds() - cpu,
        "peak_memory_mb": memory.most_mb,
    }


def _equal_to_the_oracle(folder: Path) -> str:
    its_world = world(ORACLE_ENTRIES)
    names = its_world.entries()
    timed_run(its_world, folder, ORACLE_PAIRS, 3, 2)
    run = open_run(folder)
    rows = [row for file in run.pair_files for row in pq.read_table(file).to_pylist()]

    matched = [reference.matched_entry_ids(row["text"], names) for row in rows]
    count = reference.entry_counts(matched, len(names))
    hashes = entry_hashes(names, SEED)
    least = [t_min(row["uid"], ids, hashes, count, SEED) for row, ids in zip(rows, matched, strict=True)]
    t = _t(count)
    return prove(
        f"uids, ids, counts, t_min, t and what is kept of {len(rows)} pairs, and Algorithm 1 in plain Python",
        [sorted(f"{at:016x}" for at in range(ORACLE_PAIRS)), matched, count, least, t, sum(m < t for m in least)],
        [
            sorted(row["uid"] for row in rows),
            [row["matched_entry_ids"] for row in rows],
            run.entry_count.tolist(),
            [row["t_min"] for row in rows],
            run.t,
            run.info["totals"]["kept"],
        ],
    )


def _t(count: list[int]) -> float:
    """The threshold whose tail share comes nearest to the one wanted."""
    share = {t: sum(c for c in count if c < t) / sum(count) for t in sorted({1, *(c + 1 for c in count if c)})}
    return min(share, key=lambda t: abs(share[t] - TAIL_SHARE))


def _rows(files: list[Path]) -> list[tuple[str, list[int], float]]:
    """uid, ids and t_min of every pair, by uid."""
    tables = [pq.read_table(file, columns=["uid", "matched_entry_ids", "t_min"]) for file in files]
    return sorted(tuple(row.values()) for table in tables for row in table.to_pylist())


def _best(turns: list[dict[str, float]]) -> dict[str, float]:
    return {step: min(turn[step] for turn in turns) for step in turns[0]}


class Peer:
    """The job as one writes it around pyahocorasick: each process reads, matches, balances and writes a part.

    t_min is taken twice: in plain Python, as the paper's code balances, and with our arrays, so that what is left of
    the ratio is reading, matching and writing.
    """

    def __init__(self, its_world: World, pairs: int, folder: Path) -> None:
        self.parts = sorted(its_world.pool(pairs, PEERS).iterdir())
        self.outputs = [folder / f"peer-{part.name}" for part in self.parts]
        self.processes = [worker() for _ in self.parts]
        self._each(PeerPart.build, [its_world] * len(self.parts))

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes:
            process.shutdown()

    def turn(self) -> dict[str, float]:
        """Wall seconds of each step until all processes are through it, and CPU seconds of all in plain Python."""
        match_s, match_cpu, counts = self._each(PeerPart.match, self.parts)
        count = np.sum(counts, axis=0)
        lent_s, _, _ = self._each(PeerPart.balance_with_our_t_min, [count] * len(self.parts))
        plain_s, plain_cpu, _ = self._each(PeerPart.balance, [count.tolist()] * len(self.parts))
        write_s, write_cpu, _ = self._each(PeerPart.write, self.outputs)
        steps = {"read and match": match_s, T_MINS[0]: plain_s, T_MINS[1]: lent_s, "write": write_s}
        return {**steps, "cpu": match_cpu + plain_cpu + write_cpu}

    def _each(self, step: Callable[[Any], Any], arguments: list[Any]) -> tuple[float, float, list[Any]]:
        start = time.perf_counter()
        pairs = zip(self.processes, arguments, strict=True)
        answers = [future.result() for future in [one.submit(timed, step, argument) for one, argument in pairs]]
        return time.perf_counter() - start, sum(cpu for _, cpu, _ in answers), [answer for *_, answer in answers]


class PeerPart:
    """What one process of the peer does and keeps: a part of the pool. All of it stays in memory, which favours it."""

    matcher: PyAhoCorasick
    names: list[str]
    table: pa.Table
    matched: list[list[int]]
    t_min: list[float]

    @classmethod
    def build(cls, its_world: World) -> None:
        warm_up()
        cls.names = its_world.entries()
        cls.matcher = PyAhoCorasick(cls.names)
        cls.hashes = entry_hashes(cls.names, SEED)

    @classmethod
    def match(cls, part: Path) -> np.ndarray:
        cls.table = pq.read_table(part)
        cls.matched = [sorted(ids) for ids in cls.matcher.match(cls.table["text"].to_pylist())]
        count = [0] * len(cls.names)
        for ids in cls.matched:
            for entry_id in ids:
                count[entry_id] += 1
        return np.array(count)

    @classmethod
    def balance(cls, count: list[int]) -> None:
        uids = cls.table["uid"].to_pylist()
        cls.t_min = [t_min(uid, ids, cls.hashes, count, SEED) for uid, ids in zip(uids, cls.matched, strict=True)]

    @classmethod
    def balance_with_our_t_min(cls, count: np.ndarray) -> None:
        lists = pa.array(cls.matched, pa.list_(pa.int32()))
        hashes = uniform.entry_hashes(pa.array(cls.names), SEED)
        u = uniform.uniform(cls.table["uid"].combine_chunks(), lists, hashes, SEED)
        cls.t_min = balancing.t_min(lists, u, count).tolist()

    @classmethod
    def write(cls, output: Path) -> None:
        lists = pa.array(cls.matched, pa.list_(pa.int32()))
        table = cls.table.append_column("matched_entry_ids", lists).append_column("t_min", pa.array(cls.t_min))
        pq.write_table(table, output, **PARQUET_OPTIONS)


if __name__ == "__main__":
    script(curate_pool)
