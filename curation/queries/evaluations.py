"""What was measured of checkpoints: the tables of results that `headtail evaluate` writes."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from curation.errors import MissingFile, UnreadableFile
from curation.queries.database import files_as_table, locked_connection


def evaluations(
    results: Sequence[Path],
    *,
    checkpoints: Sequence[str] | None = None,
    data: Sequence[str] | None = None,
    metric: str | None = None,
) -> pa.Table:
    """A row for each checkpoint, evaluation set, protocol, templates, shots and metric: the seeds taken together.

    results:           tables of results; a row that stands in several counts once
    checkpoints, data: digests; None for all
    metric:            such as "top-1"; None for all
    returns            checkpoint, checkpoint_digest, data, data_digest, protocol, templates, shots, metric as in the
                       tables; value, low, high: means over the seeds; sd: the standard deviation of the value over
                       them, null for one; seeds: how many; n, dropped: of one of them. By data set, protocol, shots
                       (all last) and metric (R@5 before R@10), then checkpoint
    raises             MissingFile, UnreadableFile
    """
    for path in results:
        if not path.is_file():
            raise MissingFile(f"{path}: no results here; make some with 'headtail evaluate'")
    if not results:
        raise MissingFile("no tables of results were given")
    sql = f"""
        WITH single AS (
            SELECT * FROM {files_as_table(results)}
            WHERE ($checkpoints IS NULL OR list_contains($checkpoints, checkpoint_digest))
              AND ($data IS NULL OR list_contains($data, data_digest))
              AND ($metric IS NULL OR metric = $metric)
            QUALIFY row_number() OVER (
                PARTITION BY checkpoint_digest, data_digest, protocol, templates, shots, seed, metric
            ) = 1
        )
        SELECT any_value(checkpoint) AS checkpoint, checkpoint_digest, any_value(data) AS data, data_digest,
               protocol, templates, shots, metric,
               avg(value) AS value, avg(low) AS low, avg(high) AS high, stddev_samp(value) AS sd,
               count(*) AS seeds, max(n) AS n, max(dropped) AS dropped
        FROM single
        GROUP BY checkpoint_digest, data_digest, protocol, templates, shots, metric
        ORDER BY data, data_digest, protocol DESC, shots NULLS LAST,
                 metric LIKE 'mean%', regexp_replace(metric, '[0-9]+$', ''), length(metric), metric,
                 checkpoint, checkpoint_digest, templates
    """
    parameters = {
        "checkpoints": None if checkpoints is None else list(checkpoints),
        "data": None if data is None else list(data),
        "metric": metric,
    }
    try:
        connection = locked_connection({path.resolve().parent for path in results})
        return connection.sql(sql, params=parameters).to_arrow_table()
    except duckdb.Error as error:
        told = ", ".join(str(path) for path in results)
        raise UnreadableFile(f"{told}: no tables of results that can be read ({str(error).splitlines()[0]})") from None
