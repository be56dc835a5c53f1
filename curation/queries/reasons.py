"""Why a pair is in or out: its entries, and what each of them says."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.balancing import check_t, entry_prob, keep_prob
from curation.errors import UnknownEntry, UnknownPair
from curation.queries import database
from curation.runs.folder import Run
from curation.uniform import entry_hashes, uniform


@dataclass(frozen=True, kw_only=True)
class EntryWhy:
    """One entry of a pair, and whether it keeps the pair at t.

    count: texts of the pool with the entry; prob: t / max(count, t); u: uniform of (pair, entry); product: u * count

    With languages, product and prob go by the language's own t, `Why.language_t`.
    """

    entry_id: int
    entry: str
    source: str
    count: int
    prob: float
    u: float
    product: float
    keeps: bool


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why a pair is in or out at t. keep_prob: pi = 1 - prod(1 - p_e); kept is t_min < t.

    language, language_t: of its entries, and what t is in it; None without entries, or without languages
    """

    uid: str
    text: str
    url: str | None
    image: str | None
    t: float
    t_min: float
    keep_prob: float
    kept: bool
    entries: list[EntryWhy]
    language: str | None = None
    language_t: float | None = None


def why(run: Run, uid: str, t: float) -> Why:
    """The pair with this uid (the first one, where several share it), its entries and what each says at t.

    raises UnknownPair
    """
    found = database.table(
        run, "SELECT uid, text, url, image, matched_entry_ids, t_min FROM pairs WHERE uid = ? LIMIT 1", [uid]
    )
    if not len(found):
        raise UnknownPair(f"uid {uid!r}: no such pair in {run.path}")
    return explain(run, found, t)[0]


def explain(run: Run, pairs: pa.Table, t: float) -> list[Why]:
    """`Why` for each row of a table as `samples` gives it."""
    check_t(t)
    pairs = pairs.combine_chunks()
    found = []
    for row in range(len(pairs)):
        pair = pairs.slice(row, 1).to_pylist()[0]
        ids = np.array(pair["matched_entry_ids"], np.int32)
        count = run.entry_count[ids]
        number = int(run.scale.entry_language[ids[0]]) if ids.size else run.scale.reference  # one for all its entries
        language_t = run.scale.language_t(number, t)
        local_ids = pa.array([range(ids.size)], pa.list_(pa.int32()))
        rows = run.entries.take(pa.array(ids))
        u = uniform(
            pa.array([pair["uid"]]), local_ids, entry_hashes(rows["entry"].combine_chunks(), run.seed), run.seed
        )
        entries = [
            EntryWhy(
                entry_id=int(ids[k]),
                entry=rows["entry"][k].as_py(),
                source=rows["source"][k].as_py(),
                count=int(count[k]),
                prob=float(prob),
                u=float(u[k]),
                product=float(u[k] * count[k]),
                keeps=bool(level < t),  # not product < language_t: between whole t, rounding could tell otherwise
            )
            for k, (prob, level) in enumerate(
                zip(
                    entry_prob(count, language_t),
                    run.scale.to_reference(u * count, run.scale.entry_language[ids]),
                    strict=True,
                )
            )
        ]
        found.append(
            Why(
                **{name: pair[name] for name in ("uid", "text", "url", "image", "t_min")},
                t=t,
                keep_prob=float(keep_prob(local_ids, count, language_t)[0]),
                kept=pair["t_min"] < t,
                entries=sorted(entries, key=lambda entry: entry.product),
                language=run.scale.codes[number] or None if ids.size else None,
                language_t=language_t if ids.size and run.scale.codes[number] else None,
            )
        )
    return found


def entry_id(run: Run, entry: str | int) -> int:
    """The id of an entry, of the first language that has it; an id as it is. Raises UnknownEntry."""
    return entry if isinstance(entry, int) else entry_ids(run, entry)[0]


def entry_ids(run: Run, entry: str) -> list[int]:
    """The id of an entry in each language that has it; raises UnknownEntry where none has."""
    found = np.flatnonzero(pc.equal(run.entries["entry"], entry).to_numpy())
    if not found.size:
        raise UnknownEntry(f"{entry!r}: no such entry in the metadata of this run")
    return found.tolist()
