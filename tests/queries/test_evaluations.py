import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation import queries
from curation.errors import MissingFile, UnreadableFile


def row(checkpoint="a", data="eval", protocol="zero-shot", shots=0, seed=None, metric="top-1", value=0.5, **more):
    templates = None if protocol == "probe" else "plain@01234567"
    return {
        "checkpoint": checkpoint, "checkpoint_digest": f"digest of {checkpoint}", "data": data,
        "data_digest": f"digest of {data}", "protocol": protocol, "templates": templates, "shots": shots, "seed": seed,
        "metric": metric, "value": value, "low": value - 0.1, "high": value + 0.1, "n": 100, "dropped": 0,
        "reasons": "{}", "l2": None, "seconds": 1.0, **more,
    }  # fmt: skip


def write(path, *rows):
    types = {"shots": pa.int32(), "seed": pa.int64(), "l2": pa.float64(), "templates": pa.string()}
    table = pa.Table.from_pylist(list(rows))
    schema = pa.schema([(field.name, types.get(field.name, field.type)) for field in table.schema])
    pq.write_table(table.cast(schema), path)
    return path


def test_seeds_are_taken_together_and_everything_else_is_kept_apart(tmp_path):
    path = write(
        tmp_path / "results.parquet",
        row(value=0.5), row(metric="top-5", value=0.9), row(checkpoint="b", value=0.25), row(data="other", value=0.75),
        *(row(protocol="probe", shots=5, seed=seed, value=value) for seed, value in enumerate((0.2, 0.4, 0.6))),
        row(protocol="probe", shots=None, seed=0, value=0.8),
    )  # fmt: skip
    found = queries.evaluations([path], metric="top-1").to_pylist()
    assert [(one["data"], one["protocol"], one["shots"], one["checkpoint"]) for one in found] == [
        ("eval", "zero-shot", 0, "a"), ("eval", "zero-shot", 0, "b"), ("eval", "probe", 5, "a"),
        ("eval", "probe", None, "a"), ("other", "zero-shot", 0, "a"),
    ]  # fmt: skip
    probe = found[2]
    assert (probe["value"], probe["sd"], probe["seeds"]) == (pytest.approx(0.4), pytest.approx(0.2), 3)
    assert (probe["low"], probe["high"]) == (pytest.approx(0.3), pytest.approx(0.5))
    assert (found[0]["sd"], found[0]["seeds"], found[0]["templates"]) == (None, 1, "plain@01234567")


def test_checkpoints_and_data_are_chosen_by_digest(tmp_path):
    path = write(tmp_path / "results.parquet", row(), row(checkpoint="b"), row(data="other"))
    found = queries.evaluations([path], checkpoints=["digest of a"], data=["digest of other"])
    assert [(one["checkpoint"], one["data"]) for one in found.to_pylist()] == [("a", "other")]
    assert len(queries.evaluations([path], checkpoints=[])) == 0


def test_what_stands_in_two_tables_counts_once(tmp_path):
    one = write(tmp_path / "it's.parquet", row(), row(checkpoint="b"))
    two = write(tmp_path / "two.parquet", row(), row(protocol="probe", shots=5, seed=0), row(shots=0, seed=None))
    assert queries.evaluations([one, two])["seeds"].to_pylist() == [1, 1, 1]


def test_no_table_and_another_table_are_refused(tmp_path):
    with pytest.raises(MissingFile, match="headtail evaluate"):
        queries.evaluations([tmp_path / "results.parquet"])
    with pytest.raises(MissingFile):
        queries.evaluations([])
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(UnreadableFile, match="no tables of results"):
        queries.evaluations([tmp_path / "other.parquet"])


def test_a_table_is_read_by_plain_duckdb(tmp_path):
    path = write(tmp_path / "results.parquet", row(), row(checkpoint="b", value=0.75))
    best = duckdb.sql(f"SELECT checkpoint FROM '{path}' WHERE metric = 'top-1' ORDER BY value DESC LIMIT 1")
    assert best.fetchall() == [("b",)]
