import pyarrow.parquet as pq

from curation.runs.export.write import export


def test_a_url_list_has_the_columns_that_img2dataset_asks_for_and_what_is_known_of_each_pair(
    picture_run, kept, tmp_path
):
    manifest = export(picture_run, 20.0, tmp_path / "out", "urls")
    table = pq.read_table(tmp_path / "out" / "00000.parquet")
    assert table.column_names == ["url", "caption", "uid", "matched_entry_ids", "matched_entries"]
    rows = table.to_pylist()
    with_url = {uid: pair for uid, pair in kept.items() if pair["url"] is not None}
    assert {row["uid"] for row in rows} == set(with_url)
    assert len(rows) == manifest["pairs"] == len(with_url)
    for row in rows:
        pair = with_url[row["uid"]]
        assert (row["url"], row["caption"]) == (pair["url"], pair["text"])
        assert row["matched_entries"] == [f"w{entry_id}" for entry_id in row["matched_entry_ids"]]


def test_only_the_list_itself_ends_in_parquet(zipf_run, tmp_path):
    export(zipf_run, 20.0, tmp_path / "out", "urls")
    assert [path.name for path in (tmp_path / "out").rglob("*.parquet")] == ["00000.parquet"]
