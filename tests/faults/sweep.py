"""Which faults there are, how many of each kind are made, and the table that tells what came of them."""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from random import Random

from faults import disks, exports, kinds, syscalls
from faults.driver import Outcome, Subject

AT_CALLS = [partial(syscalls.at_a_call, what) for what in ("SIGKILL", "ENOSPC", "EIO")]

KINDS: dict[Callable[..., Outcome], int] = {
    **dict.fromkeys(AT_CALLS, 60),
    kinds.killed_at_random: 60,
    exports.interrupted: 40,
    kinds.damaged_between: 40,
    kinds.worker_killed: 20,
    kinds.stopped: 20,
    kinds.cancelled: 10,
    kinds.started_twice: 10,
    kinds.plan_damaged: 10,
    kinds.input_changed: 10,
    kinds.worker_out_of_memory: 8,
    disks.small_disk: 8,
    kinds.clock_jumps: 5,
    kinds.strangers: 5,
    kinds.rebooted: 5,
    kinds.telling_fails: 5,
    kinds.server_killed: 5,
    disks.read_only: 2,
}
"""Faults of the long sweep, and how many of each."""


def sweep(subject: Subject, faults: dict[Callable[..., Outcome], int], seed: int) -> list[Outcome]:
    """Every fault so often, each with a chance of its own."""
    return [
        fault(subject, Random(f"{seed} {kind} {number}"))
        for kind, (fault, times) in enumerate(faults.items())
        for number in range(times)
    ]


def table(outcomes: Iterable[Outcome]) -> str:
    """A line a kind: how many there were, how many met the job, and how many came to something that is not right."""
    count, fired, bad = Counter[str](), Counter[str](), Counter[str]()
    for one in outcomes:
        count[one.kind] += 1
        fired[one.kind] += one.fired
        bad[one.kind] += bool(one.bad)
    rows = [(kind, count[kind], fired[kind], bad[kind]) for kind in count]
    rows.append(("all", count.total(), fired.total(), bad.total()))
    return "\n".join(f"{kind:<32}{n:>6}{met:>7} fired{wrong:>5} bad" for kind, n, met, wrong in rows)


def wrong(outcomes: Iterable[Outcome]) -> list[str]:
    """What is not right, a line each."""
    return [f"{one.kind}: {line}" for one in outcomes for line in one.bad]
