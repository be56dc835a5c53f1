"""Online balancing: the curated set as a stream, drawn afresh each epoch (arXiv:2309.16671, section 3.4).

The rule is Algorithm 1's, u_e < t / max(c_e, t) for any entry of a pair, with the counts of the run. What changes from
epoch to epoch is the seed of u (`uniform.epoch_seed`): epoch 0 is the curated set of the run itself, every further one
another draw of the same expected size, `queries.size(run, t).expected`.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import files
from curation.balancing import check_t, t_min
from curation.errors import BadArgument, UnreadableFile
from curation.pool.images import stream_images
from curation.runs.export.kept import in_pool_order
from curation.runs.folder import Run
from curation.runs.routing import on_scale
from curation.uniform import entry_hashes, epoch_seed, uniform

PIECES_PER_SHARD = 4
"""A row group is dealt in more than one piece where there would be fewer pieces than this for a shard."""
BLOCK_ROWS = 1024
"""So many pairs are made ready at a time where they are not shuffled."""


@dataclass(frozen=True, kw_only=True)
class _Position:
    """Where a stream stands: in the block that begins behind `skip` kept pairs of its piece number `piece`.

    block: number of that block; given: pairs of it that were handed out
    """

    piece: int = 0
    skip: int = 0
    block: int = 0
    given: int = 0


def redrawn(run: Run, pairs: pa.Table, seed: int, hashes: np.ndarray | None = None) -> np.ndarray:
    """(N,) float64: t_min of pairs of a run in the draw of another seed, such as `epoch_seed` gives.

    pairs:  with uid, matched_entry_ids and, where the run has it, language, as in its pair files
    hashes: `entry_hashes` of the run's entries with that seed, where they are at hand
    """
    entry_ids = pairs["matched_entry_ids"].combine_chunks()
    if hashes is None:
        hashes = entry_hashes(run.entries["entry"].combine_chunks(), seed)
    u = uniform(pairs["uid"].combine_chunks(), entry_ids, hashes, seed)
    drawn = t_min(entry_ids, u, run.entry_count)
    if "language" in pairs.column_names:
        drawn = on_scale(drawn, pairs["language"].combine_chunks(), run.scale)
    return drawn


def curated_stream(
    run: Run,
    t: float,
    *,
    epoch: int,
    seed: int | None = None,
    rank: int = 0,
    world_size: int = 1,
    worker: int = 0,
    num_workers: int = 1,
    images: bool = False,
    shuffle: int = 0,
    start: dict[str, Any] | None = None,
) -> "CuratedStream":
    """The pairs that one worker of one rank gets in an epoch.

    Row groups of the run's pair files are dealt to all workers of all ranks like cards, in a random but fixed order of
    each epoch, so that together they give the epoch's curated set: every pair once. Where there are few row groups for
    so many workers, the rows of a group are dealt too. Workers do not get equally many pairs, only nearly so.

    seed:    the run's own if not given
    images:  with the bytes of the images, read when they are needed
    shuffle: so many pairs are gathered and mixed before they are handed out, in an order fixed by seed and epoch; with
             `images` all of them are in memory. 0: in the order of the run
    start:   what `state_dict` of a stream with the same arguments gave: goes on behind the last pair that it gave
    raises   BadArgument
    """
    if not (0 <= rank < world_size and 0 <= worker < num_workers and epoch >= 0 and shuffle >= 0):
        raise BadArgument(
            f"rank {rank} of {world_size}, worker {worker} of {num_workers}, epoch {epoch}, shuffle {shuffle}:"
            " give numbers from 0 up, rank below world_size and worker below num_workers"
        )
    stream = CuratedStream(
        run,
        t,
        epoch=epoch,
        seed=run.seed if seed is None else seed,
        shard=rank * num_workers + worker,
        shards=world_size * num_workers,
        images=images,
        shuffle=shuffle,
    )
    if start is not None:
        stream.load_state_dict(start)
    return stream


class CuratedStream(Iterator[dict[str, Any]]):
    """An iterator of pairs: uid, text, url, matched_entry_ids, t_min (of this epoch), and `image` (bytes or None)."""

    def __init__(
        self, run: Run, t: float, *, epoch: int, seed: int, shard: int, shards: int, images: bool, shuffle: int
    ) -> None:
        self._run, self._t, self._images, self._shuffle = run, check_t(t), images, shuffle
        self._seed = epoch_seed(seed, epoch)
        self._of = {
            "plan_digest": run.info["plan_digest"],
            "t": self._t,
            "epoch": epoch,
            "seed": seed,
            "shard": shard,
            "shards": shards,
            "shuffle": shuffle,
            "images": images,
        }
        self._position = _Position()
        self._pairs: Iterator[dict[str, Any]] | None = None

    def __iter__(self) -> "CuratedStream":
        return self

    def __next__(self) -> dict[str, Any]:
        if self._pairs is None:
            self._pairs = self._from(self._position)
        return next(self._pairs)

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands, small and made for JSON."""
        return {**self._of, **asdict(self._position)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on behind the last pair that the stream of this state gave; raises BadArgument if it was another one."""
        differing = [name for name, value in self._of.items() if state.get(name) != value]
        if differing:
            raise BadArgument(
                f"this state belongs to another stream ({', '.join(differing)} differs): start the epoch anew"
            )
        self._position = _Position(**{name: int(state[name]) for name in asdict(_Position())})
        self._pairs = None

    def _from(self, position: _Position) -> Iterator[dict[str, Any]]:
        given = position.given
        for begin, following, pairs in self._blocks(position):
            order = self._order(len(pairs), begin.block)
            for place, at in enumerate(order[given:].tolist(), start=given + 1):
                # noted before the pair goes out: a state asked for next counts it as given
                self._position = following if place == len(pairs) else replace(begin, given=place)
                yield pairs[at]
            given = 0

    def _blocks(self, position: _Position) -> Iterator[tuple[_Position, _Position, list[dict[str, Any]]]]:
        """Blocks of kept pairs, with the position each begins at and the one that follows it."""
        rows = self._shuffle or BLOCK_ROWS
        begin = replace(position, given=0)
        held: list[dict[str, Any]] = []
        pieces = self._pieces()
        for piece in range(position.piece, len(pieces)):
            kept = self._kept(*pieces[piece])
            at = begin.skip if piece == position.piece else 0
            # one stream for all that is left of the piece: where images are read in order, they are read once
            complete = self._complete(kept.slice(at))
            while part := list(islice(complete, rows - len(held))):
                held += part
                at += len(part)
                if len(held) == rows:
                    following = _Position(piece=piece, skip=at, block=begin.block + 1)
                    yield begin, following, held
                    begin, held = following, []
        if held:
            yield begin, _Position(piece=len(pieces), block=begin.block + 1), held

    def _complete(self, kept: pa.Table) -> Iterator[dict[str, Any]]:
        """The pairs of a piece as they go out."""
        images = None
        if self._images:
            images = stream_images(self._run.inputs, self._run.config.columns, kept["image"].to_pylist())
        for batch in kept.drop_columns("image").to_batches(max_chunksize=BLOCK_ROWS):
            for pair in batch.to_pylist():
                yield pair if images is None else {**pair, "image": next(images)}

    def _pieces(self) -> list[tuple[Path, int, int, int]]:
        """(file, row group, first row, step) of each piece of this shard, in the order of the epoch."""
        groups = []
        for path in self._run.pair_files:
            with files.open_parquet(path) as file:
                groups += [(path, group) for group in range(file.num_row_groups)]
        shard, shards = self._of["shard"], self._of["shards"]
        step = max(1, -(-PIECES_PER_SHARD * shards // max(1, len(groups)))) if shards > 1 else 1
        pieces = [(path, group, first, step) for path, group in groups for first in range(step)]
        if self._shuffle:
            order = np.random.default_rng([self._seed, 0]).permutation(len(pieces))
            pieces = [pieces[at] for at in order]
        return pieces[shard::shards]

    def _kept(self, path: Path, group: int, first: int, step: int) -> pa.Table:
        """The pairs of a piece that this epoch keeps, with this epoch's t_min."""
        with files.open_parquet(path) as file:
            try:
                pairs = file.read_row_group(group)
            except (pa.ArrowException, OSError) as error:
                raise UnreadableFile(f"{path}: damaged ({str(error).splitlines()[0]})") from None
        if step > 1:
            pairs = pairs.take(pa.array(np.arange(first, len(pairs), step)))
        drawn = pa.array(redrawn(self._run, pairs, self._seed, self._entry_hashes()))
        pairs = pairs.set_column(pairs.schema.get_field_index("t_min"), "t_min", drawn)
        kept = pairs.filter(pc.less(drawn, self._t))
        return in_pool_order(kept) if self._images else kept

    def _entry_hashes(self) -> np.ndarray:
        if not hasattr(self, "_hashes"):
            self._hashes = entry_hashes(self._run.entries["entry"].combine_chunks(), self._seed)
        return self._hashes

    def _order(self, rows: int, block: int) -> np.ndarray:
        if not self._shuffle:
            return np.arange(rows)
        return np.random.default_rng([self._seed, 1, self._of["shard"], block]).permutation(rows)
