import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import ZIPF_ENTRIES, zipf_texts
from curation.errors import BadArgument, BadRun, MissingFile
from curation.metadata import from_entries
from curation.runs import curate, plan
from curation.runs.config import CurateConfig
from curation.runs.export import export, export_parquet
from curation.runs.plan import create_run


@pytest.fixture
def picture_run(tmp_path, monkeypatch):
    """1,000 pairs in three row groups and two units; the image of row n is the bytes of n; every 50th text is null."""
    monkeypatch.setattr(plan, "UNIT_ROWS", 500)
    texts = [None if n % 50 == 7 else text for n, text in enumerate(zipf_texts(1000))]
    images = [str(n).encode() for n in range(1000)]
    pq.write_table(pa.table({"text": texts, "image": images}), tmp_path / "pool.parquet", row_group_size=400)
    metadata = from_entries(ZIPF_ENTRIES, source="test")
    create_run(tmp_path / "run", [str(tmp_path / "pool.parquet")], metadata, CurateConfig(t=20.0))
    return curate.run(tmp_path / "run", workers=2)


def test_an_export_holds_exactly_the_pairs_below_t_and_its_manifest_says_so(zipf_run, tmp_path):
    manifest = export_parquet(zipf_run, 37.5, tmp_path / "out")
    exported = pq.read_table(tmp_path / "out")
    everything = pa.concat_tables(pq.read_table(path) for path in zipf_run.pair_files)
    expected = [row for row in everything.drop(["image"]).to_pylist() if row["t_min"] < 37.5]
    assert exported.to_pylist() == expected
    assert manifest["pairs"] == len(expected)
    assert manifest["funnel"][-1] == {
        "step": "balance",
        "in": 4000,
        "out": len(expected),
        "dropped": {"balanced away": 4000 - len(expected)},
    }
    for file in manifest["files"]:
        assert hashlib.sha256((tmp_path / "out" / file["path"]).read_bytes()).hexdigest() == file["sha256"]


def test_every_pair_takes_its_own_image_along(picture_run, tmp_path):
    manifest = export_parquet(picture_run, 20.0, tmp_path / "out")
    rows = pq.read_table(tmp_path / "out").to_pylist()
    texts = zipf_texts(1000)
    assert manifest["pairs"] == len(rows) == picture_run.info["totals"]["kept"]
    assert all(row["text"] == texts[int(row["image"])] for row in rows)
    assert len({row["image"] for row in rows}) == len(rows)


def test_images_can_be_left_behind(picture_run, tmp_path):
    export_parquet(picture_run, 20.0, tmp_path / "out", images=False)
    assert "image" not in pq.read_schema(next((tmp_path / "out").glob("*.parquet"))).names


def test_a_pool_that_changed_is_not_mixed_into_an_export(picture_run, tmp_path):
    pq.write_table(pa.table({"text": ["w0"], "image": [b"x"]}), tmp_path / "pool.parquet")
    with pytest.raises(BadRun, match="has changed"):
        export_parquet(picture_run, 20.0, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_left_alone(zipf_run, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(BadRun, match="exists already"):
        export_parquet(zipf_run, 20.0, tmp_path / "out")


def test_an_export_that_breaks_leaves_nothing_under_its_name(zipf_run, tmp_path):
    def stop(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_parquet(zipf_run, 20.0, tmp_path / "out", on_rows=stop)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_or_threshold_is_refused(zipf_run, tmp_path):
    with pytest.raises(MissingFile, match="give one of parquet"):
        export(zipf_run, 20.0, tmp_path / "out", "floppy")
    with pytest.raises(BadArgument, match="give 1 or more"):
        export(zipf_run, 0.0, tmp_path / "out", "parquet")
