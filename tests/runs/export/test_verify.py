from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from curation import files, queries
from curation.errors import BadRun
from curation.runs.export import write
from curation.runs.export.formats import EXPORTS
from curation.runs.export.manifest import open_export
from curation.runs.export.options import ExportOptions
from curation.runs.export.verify import verify_export
from curation.runs.export.write import export
from pictures import make_picture_run

ATTACKS = {"replaced": 0, "missing": -1, "added": 1}


def findings(run, path) -> list[str]:
    return verify_export(open_export(path), run).findings


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_export_as_it_was_written_has_no_findings(picture_run, tmp_path, kind):
    export(picture_run, 20.0, tmp_path / "out", kind, ExportOptions(shard_rows=100))
    seen = []
    report = verify_export(open_export(tmp_path / "out"), picture_run, on_rows=seen.append)
    assert report.findings == []
    assert (report.rows, report.units, report.of_units, sum(seen)) == (980, 2, 2, 1000)


def forged(pairs: pa.RecordBatch, attack: str) -> pa.RecordBatch:
    """A batch in which row 5 is another pair, or is missing, or stands beside one that is of no pool."""
    other = pairs.slice(5, 1)
    uid = "f" * 32
    for name, values in (("uid", [uid]), ("text", ["w0 w1"]), ("matched_entry_ids", [[0, 1]])):
        if name in other.schema.names:
            at = other.schema.get_field_index(name)
            other = other.set_column(at, other.schema.field(at), pa.array(values, other.schema.field(at).type))
    parts = {
        "replaced": [pairs.slice(0, 5), other, pairs.slice(6)],
        "missing": [pairs.slice(0, 5), pairs.slice(6)],
        "added": [pairs.slice(0, 6), other, pairs.slice(6)],
    }
    return pa.Table.from_batches(parts[attack]).combine_chunks().to_batches()[0]


@pytest.mark.parametrize("kind", EXPORTS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_one_forged_row_is_found_although_digests_and_manifest_fit_it(picture_run, tmp_path, monkeypatch, kind, attack):
    kept_pairs, size = write.kept_pairs, queries.size

    def forged_pairs(*args: object, **options: object):
        first, *others = kept_pairs(*args, **options)
        yield forged(first, attack)
        yield from others

    def forged_size(*args: object):
        true = size(*args)
        return replace(true, kept=true.kept + ATTACKS[attack])

    with monkeypatch.context() as attacker:
        attacker.setattr(write, "kept_pairs", forged_pairs)
        attacker.setattr(queries, "size", forged_size)
        export(picture_run, 20.0, tmp_path / "out", kind)
    found = findings(picture_run, tmp_path / "out")
    assert found
    if kind != "card":
        pairs = [line for line in found if line.startswith("pairs: uid ")]
        assert len(pairs) == (2 if attack == "replaced" else 1)
        assert [line.endswith("missing") for line in pairs].count(True) == (attack != "added")
        assert any("'ffffffffffffffffffffffffffffffff': does not belong" in line for line in pairs) == (
            attack != "missing"
        )
    assert not any("sha256" in line for line in found)


def rewritten(path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change a Parquet export, and make its manifest fit the change."""
    out = path / "00000.parquet"
    table = change(pq.read_table(out))
    files.write_parquet(out, table)
    manifest = files.read_json(path / "_manifest.json")
    manifest["files"][0] |= {"rows": len(table), "bytes": out.stat().st_size, "sha256": files.sha256(out)}
    files.write_json(path / "_manifest.json", manifest)


@pytest.mark.parametrize(
    ("column", "value"),
    [("text", "w0 "), ("url", None), ("matched_entry_ids", []), ("t_min", 1.5), ("image", b"\xff\xd8\xff other")],
)
def test_a_single_value_that_was_changed_is_named(picture_run, tmp_path, column, value):
    def change(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        rows[17][column] = value
        return pa.Table.from_pylist(rows, table.schema)

    export(picture_run, 20.0, tmp_path / "out", "parquet")
    uid = pq.read_table(tmp_path / "out")["uid"][17].as_py()
    rewritten(tmp_path / "out", change)
    assert findings(picture_run, tmp_path / "out") == [f"pairs: uid '{uid}': {column} differs from what the pool gives"]


def test_a_row_that_stands_there_twice_does_not_belong_there(picture_run, tmp_path):
    export(picture_run, 20.0, tmp_path / "out", "parquet")
    rewritten(tmp_path / "out", lambda table: pa.concat_tables([table, table.slice(3, 1)]))
    (line,) = findings(picture_run, tmp_path / "out")
    assert line.endswith("does not belong there")


def test_the_order_of_rows_does_not_matter(picture_run, tmp_path):
    export(picture_run, 20.0, tmp_path / "out", "parquet")
    rewritten(tmp_path / "out", lambda table: table.sort_by("text"))
    assert findings(picture_run, tmp_path / "out") == []


def test_many_differences_are_counted_and_a_few_named(picture_run, kept, tmp_path):
    export(picture_run, 20.0, tmp_path / "out", "parquet")
    rewritten(tmp_path / "out", lambda table: table.set_column(1, "text", pc.utf8_upper(table["text"])))
    found = findings(picture_run, tmp_path / "out")
    assert len(found) == 6
    assert found[-1] == f"pairs: in all {len(kept)} rows are missing or changed, {len(kept)} are surplus"


@pytest.mark.parametrize("damage", ["flip", "gone", "stranger", "columns", "card"])
def test_files_that_do_not_fit_the_manifest_are_named(picture_run, tmp_path, damage):
    export(picture_run, 20.0, tmp_path / "out", "parquet")
    path = tmp_path / "out" / "00000.parquet"
    if damage == "flip":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif damage == "gone":
        path.unlink()
    elif damage == "stranger":
        (tmp_path / "out" / "00001.parquet").write_bytes(path.read_bytes())
    elif damage == "columns":
        rewritten(tmp_path / "out", lambda table: table.drop_columns("text"))
    else:
        card = tmp_path / "out" / "_card.json"
        card.write_text(card.read_text().replace('"w3": [', '"w3": [1'))
    found = findings(picture_run, tmp_path / "out")
    expected = {
        "flip": "00000.parquet: its bytes do not fit the sha256",
        "gone": "00000.parquet: is gone",
        "stranger": "00001.parquet: not in the manifest",
        "columns": "no column text",
        "card": "_card.json: 1 counts (before) differ, first 'w3'",
    }
    assert any(expected[damage] in line for line in found), found


@pytest.mark.parametrize(
    ("key", "value"),
    [("t", 19.0), ("seed", 1), ("pairs", 7), ("plan_digest", "x"), ("rule", "t_min <= t"), ("funnel", [])],
)
def test_a_manifest_that_says_something_else_is_found(picture_run, tmp_path, key, value):
    export(picture_run, 20.0, tmp_path / "out", "parquet")
    manifest = files.read_json(tmp_path / "out" / "_manifest.json")
    files.write_json(tmp_path / "out" / "_manifest.json", {**manifest, key: value})
    assert findings(picture_run, tmp_path / "out")


def test_a_pool_that_changed_cannot_verify_anything(tmp_path):
    run = make_picture_run(tmp_path)
    export(run, 20.0, tmp_path / "out", "parquet")
    pq.write_table(pa.table({"text": ["w0"]}), tmp_path / "pool.parquet")
    (line,) = findings(run, tmp_path / "out")
    assert "has changed since the run began" in line


def test_a_folder_that_is_no_export_is_refused(tmp_path):
    with pytest.raises(BadRun, match=r"not an export \(no _manifest\.json\)"):
        open_export(tmp_path)
    (tmp_path / "_manifest.json").write_text('{"format": 99}')
    with pytest.raises(BadRun, match="export of format 99, this version reads format 2"):
        open_export(tmp_path)
    (tmp_path / "_manifest.json").write_text('{"format": 2, "t": 1}')
    with pytest.raises(BadRun, match="lacks cards, columns"):
        open_export(tmp_path)
