import pyarrow as pa
import pyarrow.parquet as pq

from conftest import zipf_texts
from curation.runs.export.options import ExportOptions
from curation.runs.export.write import export
from pictures import picture


def rows_of(path) -> list[dict[str, object]]:
    return sorted(pq.read_table(path).to_pylist(), key=lambda row: row["uid"])


def test_an_export_holds_exactly_the_pairs_below_t(zipf_run, tmp_path):
    manifest = export(zipf_run, 37.5, tmp_path / "out", "parquet")
    everything = pa.concat_tables(pq.read_table(path) for path in zipf_run.pair_files)
    expected = [row for row in everything.drop(["image"]).to_pylist() if row["t_min"] < 37.5]
    assert rows_of(tmp_path / "out") == sorted(expected, key=lambda row: row["uid"])
    assert manifest["pairs"] == len(expected)
    assert manifest["funnel"][-2] == {
        "step": "balance",
        "in": 4000,
        "out": len(expected),
        "dropped": {"balanced away": 4000 - len(expected)},
    }


def test_every_pair_takes_its_own_image_along(picture_run, kept, tmp_path):
    export(picture_run, 20.0, tmp_path / "out", "parquet")
    rows, texts = rows_of(tmp_path / "out"), zipf_texts(1000)
    assert {row["uid"] for row in rows} == set(kept)
    for row in rows:
        n = kept[row["uid"]]["n"]
        assert (row["text"], row["image"]) == (texts[n], picture(n))


def test_pairs_stand_in_the_order_of_the_pool_whatever_the_order_of_the_run(picture_run, kept, tmp_path):
    export(picture_run, 20.0, tmp_path / "out", "parquet")
    numbers = [kept[uid]["n"] for uid in pq.read_table(tmp_path / "out")["uid"].to_pylist()]
    assert numbers == sorted(numbers)


def test_images_can_be_left_behind(picture_run, tmp_path):
    manifest = export(picture_run, 20.0, tmp_path / "out", "parquet", ExportOptions(images=False))
    names = ["uid", "text", "url", "matched_entry_ids", "t_min"]
    assert pq.read_schema(tmp_path / "out" / "00000.parquet").names == manifest["columns"] == names


def test_files_close_at_so_many_rows(picture_run, kept, tmp_path):
    manifest = export(picture_run, 20.0, tmp_path / "out", "parquet", ExportOptions(shard_rows=100))
    rows = [file["rows"] for file in manifest["files"]]
    assert [file["path"] for file in manifest["files"][:2]] == ["00000.parquet", "00001.parquet"]
    assert set(rows[:-1]) == {100}
    assert sum(rows) == len(kept)
    assert [pq.read_metadata(tmp_path / "out" / file["path"]).num_rows for file in manifest["files"]] == rows
