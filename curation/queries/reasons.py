"""Why a pair is in or out: its entries, and what each of them says."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.balancing import check_t, pair_prob
from curation.errors import UnknownEntry, UnknownPair
from curation.queries import database
from curation.runs.folder import Run
from curation.uniform import entry_hashes, list_lengths, uniform


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
    lists = pairs["matched_entry_ids"].combine_chunks()
    ids, ends = lists.flatten().to_numpy(), np.append(0, np.cumsum(list_lengths(lists)))
    u, level = draws(run, pairs["uid"].combine_chunks(), lists)
    entries, sources = (run.entries[name].take(pa.array(ids)).to_pylist() for name in ("entry", "source"))
    count, language = run.entry_count[ids], run.scale.entry_language[ids]
    codes, language_ts = run.scale.codes, [run.scale.language_t(number, t) for number in range(len(run.scale.codes))]
    own_t = np.array(language_ts)[language]
    prob = own_t / np.maximum(count, own_t)
    in_order = np.arange(ids.size, dtype=np.int32)
    pi = pair_prob(pa.ListArray.from_arrays(ends.astype(np.int32), in_order), prob)
    found = []
    for row, pair in enumerate(pairs.to_pylist()):
        of_pair = range(int(ends[row]), int(ends[row + 1]))
        number = int(language[of_pair[0]]) if of_pair else run.scale.reference  # one for all its entries
        why = [
            EntryWhy(
                entry_id=int(ids[k]),
                entry=entries[k],
                source=sources[k],
                count=int(count[k]),
                prob=float(prob[k]),
                u=float(u[k]),
                product=float(u[k] * count[k]),
                keeps=bool(level[k] < t),  # not product < language_t: between whole t, rounding could tell otherwise
            )
            for k in of_pair
        ]
        found.append(
            Why(
                **{name: pair[name] for name in ("uid", "text", "url", "image", "t_min")},
                t=t,
                keep_prob=float(pi[row]),
                kept=pair["t_min"] < t,
                entries=sorted(why, key=lambda entry: entry.product),
                language=codes[number] or None if why else None,
                language_t=language_ts[number] if why and codes[number] else None,
            )
        )
    return found


def draws(run: Run, uid: pa.Array, lists: pa.ListArray) -> tuple[np.ndarray, np.ndarray]:
    """What balancing drew for each entry of some pairs: u, and the level, which keeps the pair at t iff it is below t.

    uid:     (N,) string; lists: (N,) list<int32>, the entry ids of each pair
    returns  (nnz,) float64 in [0, 1), and (nnz,) float64: u * count, with languages on the scale of t
    """
    ids, at = np.unique(lists.flatten().to_numpy(), return_inverse=True)  # of the many entries those that stand here
    ends = np.append(0, np.cumsum(list_lengths(lists))).astype(np.int32)
    among = pa.ListArray.from_arrays(ends, pa.array(at.astype(np.int32)))
    hashes = entry_hashes(run.entries["entry"].take(pa.array(ids)).combine_chunks(), run.seed)
    u = uniform(uid, among, hashes, run.seed)
    return u, run.scale.to_reference(u * run.entry_count[ids][at], run.scale.entry_language[ids][at])


def entry_id(run: Run, entry: str | int) -> int:
    """The id of an entry, of the first language that has it; an id as it is. Raises UnknownEntry."""
    return entry if isinstance(entry, int) else entry_ids(run, entry)[0]


def entry_ids(run: Run, entry: str) -> list[int]:
    """The id of an entry in each language that has it; raises UnknownEntry where none has."""
    found = np.flatnonzero(pc.equal(run.entries["entry"], entry).to_numpy())
    if not found.size:
        raise UnknownEntry(f"{entry!r}: no such entry in the metadata of this run")
    return found.tolist()
