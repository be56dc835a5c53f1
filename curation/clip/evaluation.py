"""Many checkpoints on many evaluation sets; what the table of results holds already is not measured again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from curation.clip.bench import Bench, OnProgress
from curation.clip.checkpoint import Checkpoint
from curation.clip.datasets import EvalSet
from curation.clip.features import FeatureStore
from curation.clip.protocol import Prompts, Protocol, Unit, why_not
from curation.clip.results import add_results, measured
from curation.clip.self_test import self_test
from curation.errors import BadArgument


@dataclass(frozen=True)
class Evaluated:
    """What came of it; the numbers are in the table.

    measured, there: units that were measured now, and those that the table held already
    checkpoints:     their digests
    notes:           lines on protocols that were left out, and on checkpoints that fail their self-test
    """

    measured: int
    there: int
    checkpoints: tuple[str, ...]
    notes: tuple[str, ...]


def evaluate(
    checkpoints: Iterable[Checkpoint],
    sets: Sequence[EvalSet],
    units: Sequence[Unit],
    prompts: Prompts,
    *,
    store: FeatureStore,
    results: Path,
    again: bool = False,
    on_progress: OnProgress = lambda what, done, total: None,
    cancel: Callable[[], bool] = lambda: False,
) -> Evaluated:
    """Measure every unit of every checkpoint on every set that allows it, and put each into the table at once.

    checkpoints: may be opened one by one, as they are asked for
    again:       measure also what the table holds already
    raises       BadArgument where no unit can be measured on any set; Cancelled; what `Bench.measure` and
                 `add_results` raise. What was measured by then is in the table
    """
    wanted = list(dict.fromkeys(unit.protocol for unit in units))
    left_out = {data.digest: {one: reason for one in wanted if (reason := why_not(data, one))} for data in sets}
    notes = [line for data in sets for line in _told(data.name, left_out[data.digest])]
    possible = {data.digest: [unit for unit in units if unit.protocol not in left_out[data.digest]] for data in sets}
    if not any(possible.values()):
        raise BadArgument(f"nothing can be measured: {'; '.join(notes)}")
    known = set() if again else measured(results)
    digests: list[str] = []
    done = there = 0
    for checkpoint in checkpoints:
        named = partial(_with_name, on_progress, checkpoint.name)
        digests.append(checkpoint.digest)
        failed = [check for check in self_test(checkpoint) if check.verdict == "failed"]
        notes += [f"{checkpoint.name}: fails its self-test ({check.name}: {check.detail})" for check in failed]
        for data in sets:
            bench = Bench(checkpoint, data, prompts, store, named, cancel)
            for unit in possible[data.digest]:
                if bench.key(unit) in known:
                    there += 1
                    continue
                add_results(results, bench.measure(unit))
                done += 1
    return Evaluated(done, there, tuple(dict.fromkeys(digests)), tuple(notes))


def _told(name: str, left_out: Mapping[Protocol, str]) -> list[str]:
    """A line for each reason."""
    return [
        f"{name}: {', '.join(one for one, its_reason in left_out.items() if its_reason == reason)} left out: {reason}"
        for reason in dict.fromkeys(left_out.values())
    ]


def _with_name(on_progress: OnProgress, name: str, what: str, done: int, total: int) -> None:
    on_progress(f"{name}: {what}", done, total)
