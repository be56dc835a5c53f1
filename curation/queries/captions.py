"""Captions of a run, drawn from all of those that are kept."""

from dataclasses import dataclass

import pyarrow as pa

from curation.queries import database
from curation.runs.folder import Run


@dataclass(frozen=True)
class Captions:
    """Distinct captions, and how many pairs they were drawn from. texts: (N,) string, in the order of a hash."""

    texts: pa.ChunkedArray
    pairs: int


def drawn_captions(run: Run, t: float | None, most: int) -> Captions:
    """Captions of the pairs kept at t, or of all pairs of the pool: all of them, or as many of a uniform draw.

    t: keeps pairs with t_min < t; inf keeps those that match; None takes the whole pool
    """
    condition = "true" if t is None else "t_min < $t"
    kept = f"FROM pairs WHERE {condition}"
    given = {} if t is None else {"t": t}
    ((pairs,),) = database.rows(run, f"SELECT count(*) {kept}", given)
    # by a hash of the uid, so that the draw is the same on every machine and with every version
    found = database.table(
        run,
        f"""
        SELECT text FROM (SELECT text, min(md5(uid)) AS place {kept} GROUP BY text) ORDER BY place LIMIT $most
        """,
        {**given, "most": most},
    )
    return Captions(found["text"], pairs)
