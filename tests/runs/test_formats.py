"""A run over a pool in any format is the run over the same pairs in Parquet."""

import gzip
import json
import tarfile

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from conftest import TEXTS, write_pool
from curation import queries
from curation.engines import Cancelled
from curation.errors import BadRun
from curation.metadata import from_entries
from curation.pool.images import read_images
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.diff import diff, open_set
from curation.runs.plan import create_run, with_guesses
from curation.runs.verify import verify_run
from inline import INLINE, LOCAL
from tars import tar_bytes

UIDS = [f"pair-{number:06d}" for number in range(len(TEXTS))]
METADATA = from_entries(["dog", "hot dog", "cat", "a"], source="test")


def rows():
    return [{"uid": uid, "text": text} for uid, text in zip(UIDS, TEXTS, strict=True)]


def write_csv(folder):
    pa.csv.write_csv(pa.Table.from_pylist(rows()), folder / "pool.csv")


def write_jsonl(folder):
    (folder / "pool.jsonl.gz").write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows()).encode()))


def write_tar(folder):
    members = []
    for number, row in enumerate(rows()):
        members += [(f"{number}.json", json.dumps(row).encode()), (f"{number}.jpg", f"image {number}".encode())]
    (folder / "pool.tar").write_bytes(tar_bytes(members, tarfile.PAX_FORMAT))


def write_arrow(folder):
    table = pa.Table.from_pylist(rows())
    with pa.OSFile(str(folder / "pool.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


def write_two_formats(folder):
    pq.write_table(pa.Table.from_pylist(rows()[:3]), folder / "a.parquet")
    (folder / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()[3:]))


def run_over(pool, path, engine=INLINE, **config):
    create_run(path, [str(pool)], METADATA, CurateConfig(**({"t": 2.0} | config)))
    return curate.run(path, engine)


def fates(run):
    table = pa.concat_tables(pq.read_table(path) for path in run.pair_files)
    return sorted((row["uid"], row["text"], tuple(row["matched_entry_ids"]), row["t_min"]) for row in table.to_pylist())


@pytest.mark.parametrize("write", [write_csv, write_jsonl, write_tar, write_arrow, write_two_formats])
def test_every_format_gives_the_same_run(tmp_path, write):
    known = run_over(write_pool(tmp_path / "known.parquet", TEXTS), tmp_path / "known")
    (tmp_path / "pool").mkdir()
    write(tmp_path / "pool")
    run = run_over(tmp_path / "pool", tmp_path / "run", engine=LOCAL)
    assert fates(run) == fates(known)
    assert run.rows == len(TEXTS)
    assert queries.size(run, 2.0) == queries.size(known, 2.0)
    assert run.info["funnel"] == known.info["funnel"]
    assert len(queries.samples(run, 2.0)) == len(TEXTS)


def test_images_of_a_tar_file_are_found_from_the_run(tmp_path):
    (tmp_path / "pool").mkdir()
    write_tar(tmp_path / "pool")
    run = run_over(tmp_path / "pool", tmp_path / "run")
    pairs = queries.samples(run, 2.0)
    images = read_images(run.inputs, run.config.columns, pairs["image"].to_pylist())
    assert images == [f"image {int(uid[-6:])}".encode() for uid in pairs["uid"].to_pylist()]


def test_damage_and_drops_are_told_and_the_rest_goes_on(tmp_path):
    lines = [json.dumps(row) for row in rows()]
    whole = gzip.compress("\n".join([*lines, "{", '{"text": null}', ""]).encode())
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "a.jsonl.gz").write_bytes(whole)
    (tmp_path / "pool" / "b.jsonl.gz").write_bytes(whole[:-40])
    run = run_over(tmp_path / "pool", tmp_path / "run")
    (line,) = run.info["damage"]
    assert "b.jsonl.gz" in line
    read = run.info["funnel"][0]
    assert read["in"] == read["out"] + sum(read["dropped"].values())
    assert read["dropped"]["not JSON"] >= 1
    assert read["dropped"]["text is null"] >= 1


def test_progress_goes_by_bytes_where_rows_are_not_known(tmp_path):
    (tmp_path / "pool").mkdir()
    write_jsonl(tmp_path / "pool")
    create_run(tmp_path / "run", [str(tmp_path / "pool")], METADATA, CurateConfig(t=2.0))
    seen = []
    curate.run(tmp_path / "run", INLINE, on_progress=seen.append)
    size = (tmp_path / "pool" / "pool.jsonl.gz").stat().st_size
    assert {(progress.of, progress.total) for progress in seen} == {("bytes", size)}
    assert seen[-1].done == size


def test_a_file_that_changes_between_stop_and_resume_is_refused(tmp_path):
    (tmp_path / "pool").mkdir()
    write_jsonl(tmp_path / "pool")
    create_run(tmp_path / "run", [str(tmp_path / "pool")], METADATA, CurateConfig(t=2.0))
    with pytest.raises(Cancelled):
        curate.run(tmp_path / "run", INLINE, cancel=lambda: True)
    (tmp_path / "pool" / "pool.jsonl.gz").write_bytes(gzip.compress(b'{"text": "another"}\n'))
    with pytest.raises(BadRun, match="has changed since the run began"):
        curate.run(tmp_path / "run", INLINE)


def test_columns_are_guessed_and_the_plan_says_which(tmp_path):
    pq.write_table(pa.table({"URL": ["http://x/1"], "TEXT": ["a dog"]}), tmp_path / "pool.parquet")
    config = with_guesses([str(tmp_path / "pool.parquet")], CurateConfig(t=2.0))
    assert (config.text_column, config.url_column, config.uid_column) == ("TEXT", "URL", "uid")
    run = run_over(tmp_path / "pool.parquet", tmp_path / "run")
    assert run.info["plan"]["config"]["text_column"] == "TEXT"
    assert queries.samples(run, 2.0)["url"].to_pylist() == ["http://x/1"]


def test_a_list_of_texts_is_a_pair_each_or_one_that_is_drawn(tmp_path):
    pq.write_table(pa.table({"text": [["a dog", "a cat"], ["dog"], []]}), tmp_path / "pool.parquet")
    every = run_over(tmp_path / "pool.parquet", tmp_path / "every")
    assert every.info["funnel"][0] == {"step": "read", "in": 4, "out": 3, "dropped": {"list of texts is empty": 1}}
    one = run_over(tmp_path / "pool.parquet", tmp_path / "one", texts="one")
    assert one.info["funnel"][0]["out"] == 2
    assert one.info["funnel"][0]["dropped"]["another text of the image was drawn"] == 1


def test_sets_out_of_two_formats_are_compared_and_verified(tmp_path):
    (tmp_path / "pool").mkdir()
    write_jsonl(tmp_path / "pool")
    run = run_over(tmp_path / "pool", tmp_path / "run")
    known = run_over(write_pool(tmp_path / "known.parquet", TEXTS), tmp_path / "known")
    found = diff(open_set(run.path), open_set(known.path))
    assert found.pairs is not None
    assert (found.pairs.only_a, found.pairs.only_b, found.changed) == (0, 0, [])
    report = verify_run(run, sample=None)
    assert (report.findings, report.rows) == ([], len(TEXTS))
