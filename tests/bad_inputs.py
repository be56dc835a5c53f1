"""Over 1,000 bad inputs, the same ones each time: good small files come to harm, and what is known to do harm.

`all_inputs()` has them all; `sample(n)` some of every kind, without those that take seconds.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

SEED = 8


@dataclass(frozen=True)
class BadInput:
    """A file that is bad, or at least unusual.

    name:  what is bad about it; file: what it is called, so that its end tells the format
    what:  "pool", "image", "checkpoint", "metadata"
    rows:  how many there must be, where that is known
    slow:  takes seconds or hundreds of megabytes: only for the long sweep, and in a child of its own
    """

    name: str
    file: str
    data: Callable[[], bytes]
    what: str = "pool"
    rows: int | None = None
    slow: bool = False


def flipped(data: bytes, at: random.Random) -> bytes:
    """One to eight bytes changed."""
    changed = bytearray(data)
    for _ in range(at.choice((1, 1, 2, 8))):
        changed[at.randrange(len(changed))] ^= 1 << at.randrange(8)
    return bytes(changed)


def cut(data: bytes, at: random.Random) -> bytes:
    """The end is gone, or the beginning."""
    place = at.randrange(len(data))
    return data[:place] if at.random() < 0.8 else data[place:]


def doubled(data: bytes, at: random.Random) -> bytes:
    """A stretch comes twice."""
    first, last = sorted((at.randrange(len(data)), at.randrange(len(data))))
    return data[:last] + data[first:last] + data[last:]


def zeroed(data: bytes, at: random.Random) -> bytes:
    """A stretch is zero, or 255."""
    first = at.randrange(len(data))
    size = min(len(data) - first, at.choice((1, 4, 16, 512, 4096)))
    return data[:first] + at.choice((b"\0", b"\xff")) * size + data[first + size :]


def removed(data: bytes, at: random.Random) -> bytes:
    """A stretch is missing."""
    first = at.randrange(len(data))
    return data[:first] + data[first + at.choice((1, 2, 100, 512)) :]


def inserted(data: bytes, at: random.Random) -> bytes:
    """Bytes of any kind come in between."""
    first = at.randrange(len(data))
    return data[:first] + at.randbytes(at.choice((1, 3, 64, 512))) + data[first:]


MUTATIONS = (flipped, cut, doubled, zeroed, removed, inserted)


def spliced(data: bytes, other: bytes, at: random.Random) -> bytes:
    """The beginning of one and the end of another."""
    return data[: at.randrange(len(data))] + other[at.randrange(len(other)) :]


def mutations(goods: list[BadInput], each: int) -> Iterator[BadInput]:
    """So many of each good file; every seventh is spliced with the next of the good files."""
    for place, good in enumerate(goods):
        data, other = good.data(), goods[(place + 1) % len(goods)].data()
        for number in range(each):
            at = random.Random(f"{SEED} {good.file} {number}")
            if number % 7 == 6:
                made, how = spliced(data, other, at), "spliced"
            else:
                mutate = MUTATIONS[number % 7]
                made, how = mutate(data, at), mutate.__name__
            yield BadInput(f"{good.file} {how} {number}", good.file, lambda made=made: made, good.what)


@cache
def all_inputs() -> tuple[BadInput, ...]:
    """All of them; at least half come from mutation."""
    from bad_media import GOOD_CHECKPOINTS, GOOD_IMAGES, GOOD_METADATA, named_media
    from bad_pools import GOOD_POOLS, named_pools

    mutated = [
        *mutations(GOOD_POOLS, 55),
        *mutations(GOOD_IMAGES, 40),
        *mutations(GOOD_CHECKPOINTS, 40),
        *mutations(GOOD_METADATA, 40),
    ]
    return (*mutated, *named_pools(), *named_media())


def sample(count: int) -> list[BadInput]:
    """About so many, evenly out of all that are fast, without checkpoints, whose process takes seconds to start."""
    fast = [bad for bad in all_inputs() if not bad.slow and bad.what != "checkpoint"]
    return fast[:: max(len(fast) // count, 1)]
