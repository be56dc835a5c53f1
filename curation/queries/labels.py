"""Will a set help a task? The names of its classes looked up in a run: found or not, head or tail, and KL(T || P)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.balancing import check_t, entry_prob
from curation.class_lists import ClassList, near_spellings, parts, spellings
from curation.divergence import Alignment, align
from curation.queries import database
from curation.queries.sizes import entry_kept_at
from curation.runs.folder import Run

Spelling = Literal["best", "as written"]

STATES = ("head", "tail", "matches nothing", "not in the metadata")
"""What can be with a name: count >= t, count < t, an entry without a text, no entry."""

MOST_NEAR_NAMES = 1_000


@dataclass(frozen=True, kw_only=True)
class LabelFit:
    """The classes of a task in a pool, and among the pairs kept at t.

    names:    a row for each class: name; weight float64 (its share of T, summing to 1 over all rows); entry (the one
              taken, or null); count and kept int64 (texts of the pool, and of the kept pairs, with the entry);
              prob float64 (p_e; null without a match); rank int64 from 1 (null likewise); state, one of `STATES`
    found, matching, covered: names that are entries, that match a text of the pool, that match a kept pair
    entries:  distinct entries that the found names are
    weight_matching, weight_covered: the share of T on the names that match, and on those that a kept pair matches
    before, after: KL(T || P) with P the counts of the pool, and the counts of the kept pairs; T over the found names.
              An entry that matches nothing counts half a text in both, see `divergence.align`; names that are no
              entries are outside of T, and counted above
    """

    t: float
    found: int
    matching: int
    covered: int
    entries: int
    weight_matching: float
    weight_covered: float
    before: Alignment
    after: Alignment
    names: pa.Table = field(repr=False)

    @property
    def verdict(self) -> Literal["better aligned", "worse aligned", "aligned as before"] | None:
        """What balancing does to KL(T || P); None where no name is an entry, for then there is none."""
        if not self.found:
            return None
        if math.isclose(self.before.kl, self.after.kl, rel_tol=1e-9, abs_tol=1e-12):
            return "aligned as before"
        return "better aligned" if self.after.kl < self.before.kl else "worse aligned"


def labels(run: Run, classes: ClassList, t: float, *, spelling: Spelling = "best") -> LabelFit:
    """Look the names of a task up in a run at t.

    spelling: "as written", or "best": of the spellings of a name that are entries (`class_lists.spellings`) the one in
              the most texts of the pool, and the first of several such
    raises    BadArgument (t < 1)
    """
    entry_id = _entry_ids(run, classes.names, check_t(t), spelling)
    there = entry_id >= 0
    at = np.where(there, entry_id, 0)
    entry_kept = np.zeros(run.entry_count.size, np.int64)
    entry_kept[run.curves.ranked_entry_id] = entry_kept_at(run, t)
    rank = np.zeros(run.entry_count.size, np.int64)
    rank[run.curves.ranked_entry_id] = np.arange(1, run.curves.ranked_entry_id.size + 1)
    count, kept = (np.where(there, values[at], 0) for values in (run.entry_count, entry_kept))
    weight = np.array(classes.weights) / sum(classes.weights)
    level = run.entry_level[at]
    state = np.where(~there, 3, np.where(count == 0, 2, np.where(level < t, 1, 0)))
    names = pa.table(
        {
            "name": pa.array(classes.names, pa.string()),
            "weight": weight,
            "entry": run.entries["entry"].take(pa.array(entry_id, mask=~there)).combine_chunks(),
            "count": count,
            "kept": kept,
            "prob": pa.array(_prob(run, at, t), mask=count == 0),
            "rank": pa.array(rank[at], mask=count == 0),
            "state": pa.array(STATES).take(pa.array(state)),
        }
    )
    entries, which = np.unique(entry_id[there], return_inverse=True)
    of_entry = np.bincount(which, weight[there], entries.size)
    # the same entries before and after, or they could not be compared
    present = int(np.count_nonzero(run.entry_count)) + int((run.entry_count[entries] == 0).sum())
    before, after = (
        align(of_entry, values[entries], present, int(values.sum())) for values in (run.entry_count, entry_kept)
    )
    return LabelFit(
        t=t,
        found=int(there.sum()),
        matching=int((count > 0).sum()),
        covered=int((kept > 0).sum()),
        entries=entries.size,
        weight_matching=float(weight[count > 0].sum()),
        weight_covered=float(weight[kept > 0].sum()),
        before=before,
        after=after,
        names=names,
    )


def near_entries(run: Run, names: Sequence[str], limit: int = 4) -> dict[str, list[str]]:
    """Entries that match, near each of some names: for those that are no entries, or match nothing.

    First its singular or plural and other ways to part its words; then entries that are spelled alike: that begin with
    the same letter and differ by one edit, and one more for each eight letters (Damerau and Levenshtein's distance,
    upper and lower case being one; names of less than four letters by none); then the longest runs of its own words. Of
    entries that differ in case only, one is given.

    names: the first 1,000 of them are looked for; returns name -> at most `limit` entries, for each of these
    """
    names = list(dict.fromkeys(names))[:MOST_NEAR_NAMES]
    exact = {name: near_spellings(name) for name in names}
    words = {name: parts(name) for name in names}
    at = _find(run, [text for found in (*exact.values(), *words.values()) for text in found])
    count = {text: int(run.entry_count[entry_id]) for text, entry_id in at.items()}
    alike = _alike(run, names, limit)
    near = {}
    for name in names:
        matching = [[text for text in texts if count.get(text)] for texts in (exact[name], words[name])]
        own = sorted(matching[0], key=lambda text: -count[text])
        near[name] = _distinct([*own, *alike.get(name, []), *matching[1][:2]])[:limit]
    return near


def _entry_ids(run: Run, names: Sequence[str], t: float, spelling: Spelling) -> np.ndarray:
    """(N,) int64: the entry of each name; -1 for none."""
    tried = {name: [name] if spelling == "as written" else spellings(name) for name in names}
    at = _find(run, [text for texts in tried.values() for text in texts])
    found = []
    for name in names:
        candidates = [at[text] for text in tried[name] if text in at]
        found.append(max(candidates, key=lambda entry_id: run.entry_count[entry_id]) if candidates else -1)
    return np.array(found, np.int64)


def _find(run: Run, texts: Sequence[str]) -> dict[str, int]:
    """text -> entry id, for those texts that are entries; of several languages that of the first."""
    wanted = pa.array(dict.fromkeys(texts), pa.string())
    which = pc.index_in(run.entries["entry"], value_set=wanted)
    ids = np.flatnonzero(which.is_valid().to_numpy())[::-1]  # so that the first of several is the one that stays
    found = zip(wanted.take(which.drop_null()).to_pylist()[::-1], ids.tolist(), strict=True)
    return dict(found)


def _prob(run: Run, entry_id: np.ndarray, t: float) -> np.ndarray:
    """(N,) p_e of some entries, by the t of their language."""
    language = run.scale.entry_language[entry_id]
    prob = np.empty(entry_id.size)
    for number in np.unique(language).tolist():
        of_it = language == number
        prob[of_it] = entry_prob(run.entry_count[entry_id[of_it]], run.scale.language_t(number, t))
    return prob


def _alike(run: Run, names: Sequence[str], limit: int) -> dict[str, list[str]]:
    """Matching entries that are spelled alike, those with fewer edits first."""
    rows = database.rows(
        run,
        f"""
        WITH wanted AS (
            SELECT name, lower(name) AS folded, left(folded, 1) AS initial,
                   CASE WHEN length(name) < 4 THEN 0 ELSE 1 + length(name) // 8 END AS most
            FROM (SELECT unnest($names) AS name)
        ), entry AS (
            SELECT entry, count, lower(entry) AS folded, left(folded, 1) AS initial
            FROM {database.files_as_table([run.path / "entries.parquet"])} WHERE count > 0
        ), compared AS (
            SELECT name, entry, count, most,
                   -- the distance costs much more than the similarity, which rules nearly all of them out
                   CASE WHEN jaro_similarity(wanted.folded, entry.folded) >= 0.75
                        THEN damerau_levenshtein(wanted.folded, entry.folded) END AS edits
            FROM wanted JOIN entry USING (initial) WHERE abs(length(name) - length(entry)) <= most
        )
        SELECT name, entry FROM compared WHERE edits <= most
        QUALIFY row_number() OVER (PARTITION BY name ORDER BY edits, count DESC, entry) <= $limit
        ORDER BY name, edits, count DESC, entry
        """,
        {"names": list(names), "limit": 2 * limit},
    )
    found: dict[str, list[str]] = {}
    for name, entry in rows:
        found.setdefault(name, []).append(entry)
    return found


def _distinct(entries: Sequence[str]) -> list[str]:
    """The first of those that differ in case only."""
    first: dict[str, str] = {}
    for entry in entries:
        first.setdefault(entry.lower(), entry)
    return list(first.values())
