import hashlib
import json
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.engines import Cancelled
from curation.errors import BadArgument, BadRun, MissingFile
from curation.runs.export.formats import EXPORTS
from curation.runs.export.options import ExportFormat, ExportOptions
from curation.runs.export.write import export
from pictures import make_picture_run


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_format_counts_each_pair_that_came_in_and_names_what_it_cannot_hold(picture_run, kept, tmp_path, kind):
    manifest = export(picture_run, 20.0, tmp_path / "out", kind)
    *before, step = manifest["funnel"]
    assert [one["step"] for one in before] == ["read", "match", "balance"]
    assert step["step"] == "export"
    assert (step["in"], step["out"]) == (len(kept), manifest["pairs"])
    assert step["in"] - step["out"] == sum(step["dropped"].values())
    expected = {
        "webdataset": {
            "no image": sum(row["n"] % 40 == 3 for row in kept.values()),
            "image is no JPEG, PNG, WebP or GIF": sum(
                row["n"] % 90 == 5 and row["n"] % 40 != 3 for row in kept.values()
            ),
        },
        "urls": {"no url": sum(row["n"] % 30 == 9 for row in kept.values())},
    }
    assert step["dropped"] == expected.get(kind, {})
    assert all(expected.get(kind, {1: 1}).values())


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_format_leaves_a_manifest_that_fits_its_files_and_a_card(picture_run, tmp_path, kind):
    manifest = export(picture_run, 20.0, tmp_path / "out", kind)
    assert json.loads((tmp_path / "out" / "_manifest.json").read_text()) == manifest
    listed = {file["path"]: file["sha256"] for file in (*manifest["files"], *manifest["cards"])}
    there = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert there == {*listed, "_manifest.json"}
    for name, sha256 in listed.items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == sha256
    assert (manifest["t"], manifest["seed"], manifest["rule"]) == (20.0, 0, "t_min < t")
    assert manifest["inputs"] == picture_run.info["plan"]["inputs"]
    assert len(json.loads((tmp_path / "out" / manifest["cards"][0]["path"]).read_text())) == 50


@pytest.mark.parametrize("kind", EXPORTS)
def test_the_same_export_is_the_same_bytes(picture_run, tmp_path, kind):
    one, other = (export(picture_run, 20.0, tmp_path / name, kind) for name in ("one", "other"))
    assert one == other


@pytest.mark.parametrize("kind", EXPORTS)
@pytest.mark.parametrize("how", ["cancel", "error"])
def test_an_export_that_is_cancelled_or_breaks_leaves_nothing(picture_run, tmp_path, kind, how):
    seen = []

    def on_rows(rows: int) -> None:
        seen.append(rows)
        if how == "error" and sum(seen) > 300:
            raise KeyboardInterrupt

    with pytest.raises(Cancelled if how == "cancel" else KeyboardInterrupt):
        export(picture_run, 20.0, tmp_path / "out", kind, on_rows=on_rows, cancel=lambda: sum(seen) > 300)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", EXPORTS)
def test_progress_adds_up_to_the_pairs_of_the_run(picture_run, tmp_path, kind):
    seen = []
    export(picture_run, 20.0, tmp_path / "out", kind, on_rows=seen.append)
    assert sum(seen) == picture_run.info["totals"]["pairs"] == 980


@pytest.mark.parametrize("kind", ["parquet", "urls", "card", "hf"])
def test_a_run_without_pictures_is_exported_too(zipf_run, tmp_path, kind):
    assert export(zipf_run, 37.5, tmp_path / "out", kind)["funnel"][-1]["in"] > 0


@pytest.mark.parametrize("kind", ["parquet", "urls", "hf", "uids", "card"])
def test_an_export_of_nothing_is_still_an_export(make_run, tmp_path, kind):
    manifest = export(make_run(["x", "y"], t=5.0), 5.0, tmp_path / "out", kind)
    assert manifest["pairs"] == 0
    for file in manifest["files"]:
        if file["path"].endswith(".parquet"):
            assert len(pq.read_table(tmp_path / "out" / file["path"])) == 0


def test_a_pool_that_changed_is_not_mixed_into_an_export(tmp_path):
    run = make_picture_run(tmp_path)
    pq.write_table(pa.table({"text": ["w0"], "image": [b"x"]}), tmp_path / "pool.parquet")
    with pytest.raises(BadRun, match="has changed"):
        export(run, 20.0, tmp_path / "out", "parquet")
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_left_alone(zipf_run, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(BadRun, match="exists already"):
        export(zipf_run, 20.0, tmp_path / "out", "parquet")


def test_an_unknown_format_threshold_or_option_is_refused(zipf_run, tmp_path):
    with pytest.raises(MissingFile, match="give one of parquet, webdataset, urls, uids, hf, card"):
        export(zipf_run, 20.0, tmp_path / "out", "floppy")
    with pytest.raises(BadArgument, match="give 1 or more"):
        export(zipf_run, 0.0, tmp_path / "out", "parquet")
    with pytest.raises(BadArgument, match="shard rows 0: give a number from 1 up"):
        ExportOptions(shard_rows=0)


def test_the_names_that_the_command_line_knows_are_the_formats():
    assert get_args(ExportFormat) == tuple(EXPORTS) == tuple(form.name for form in EXPORTS.values())
