import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import ZIPF_ENTRIES, write_pool, zipf_texts
from curation import files
from curation.metadata import from_entries
from curation.runs import curate, plan
from curation.runs.config import CurateConfig
from curation.runs.digests import file_digests
from curation.runs.folder import Run, open_run, write_info
from curation.runs.plan import create_run
from curation.runs.verify import rows_to_check, verify_run
from inline import INLINE


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory) -> Run:
    """4,000 pairs in eight units."""
    folder = tmp_path_factory.mktemp("verify")
    pool = write_pool(folder / "pool.parquet", [*zipf_texts(3999), None], row_group_size=500)
    with pytest.MonkeyPatch.context() as small_units:
        small_units.setattr(plan, "UNIT_ROWS", 500)
        create_run(folder / "run", [str(pool)], from_entries(ZIPF_ENTRIES, source="test"), CurateConfig(t=100.0))
    return curate.run(folder / "run", INLINE)


@pytest.fixture
def copy(whole_run, tmp_path) -> Run:
    shutil.copytree(whole_run.path, tmp_path / "run")
    return open_run(tmp_path / "run")


def forge(run: Run, name: str, change) -> None:
    """Change the rows of a pair file, and make its receipt and all digests fit."""
    path = run.path / "pairs" / name
    table = change(pq.read_table(path))
    files.write_parquet(path, table)
    receipt = files.read_json(path.with_suffix(".json"))
    files.write_json(path.with_suffix(".json"), receipt | {"sha256": files.sha256(path), "rows": len(table)})
    write_info(run.path, run.info | {"digests": file_digests(run.path, len(run.pair_files))})


def test_a_run_as_it_was_made_has_no_findings(whole_run):
    seen = []
    report = verify_run(whole_run, sample=3, on_rows=seen.append)
    assert report.findings == []
    assert (report.units, report.of_units, report.files) == (3, 8, 8)
    assert report.rows in (1500, 1499)
    assert sum(seen) == rows_to_check(whole_run, 3) == 3999 + 1500
    assert verify_run(whole_run, sample=None).rows == 3999


def test_the_choice_of_units_follows_from_the_seed(whole_run, monkeypatch):
    chosen = []
    monkeypatch.setattr("curation.runs.verify._check_unit", lambda run, unit, *rest: chosen.append(unit.index))
    for seed in (0, 0, 1):
        verify_run(whole_run, sample=3, seed=seed)
    assert chosen[:3] == chosen[3:6] == sorted(chosen[:3])
    assert chosen[6:] != chosen[:3]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("uid", "another"),
        ("text", "w0  w1"),
        ("url", None),
        ("image", "0:7"),
        ("matched_entry_ids", [0]),
        ("t_min", 0.5),
    ],
)
def test_a_single_value_that_was_changed_is_found_although_the_receipt_fits(copy, column, value):
    def change(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        rows[33][column] = value
        return pa.Table.from_pylist(rows, table.schema)

    uid = pq.read_table(copy.path / "pairs" / "00005.parquet")["uid"][33].as_py()
    forge(copy, "00005.parquet", change)
    found = [line for line in verify_run(open_run(copy.path), sample=None).findings if line.startswith("pairs/")]
    if column == "uid":
        assert found == [
            "pairs/00005.parquet: uid 'another': does not belong there",
            f"pairs/00005.parquet: uid '{uid}': missing",
        ]
    else:
        assert found == [f"pairs/00005.parquet: uid '{uid}': {column} differs from what the pool gives"]


@pytest.mark.parametrize("attack", ["missing", "added"])
def test_a_row_too_few_or_too_many_is_found_in_the_sums_and_in_its_unit(copy, attack):
    def change(table: pa.Table) -> pa.Table:
        parts = [table.slice(0, 7), table.slice(8)] if attack == "missing" else [table, table.slice(7, 1)]
        return pa.concat_tables(parts)

    forge(copy, "00002.parquet", change)
    found = verify_run(open_run(copy.path), sample=None).findings
    assert any(line.startswith("run.json: totals say pairs 3999") for line in found)
    assert any("entries.parquet:" in line and "counts differ" in line for line in found)
    verdict = "missing" if attack == "missing" else "does not belong there"
    assert any(line.startswith("pairs/00002.parquet: uid") and line.endswith(verdict) for line in found)


def test_the_order_of_the_rows_of_a_unit_does_not_matter(copy):
    forge(copy, "00004.parquet", lambda table: table.sort_by([("t_min", "descending")]))
    assert verify_run(open_run(copy.path), sample=None).findings == []


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("flip", "pairs/00003.parquet: its bytes do not fit the sha256 of its receipt"),
        ("gone", "pairs/00003.parquet: "),
        ("no receipt", "pairs/00003.json"),
        ("foreign receipt", "pairs/00003.parquet: its receipt belongs to another plan"),
        ("stranger", "pairs/99999.parquet: not a file of this run"),
        ("plan", "run.json: the plan was changed after the run began"),
        ("totals", "run.json: totals say kept 7, the pairs say"),
        ("funnel", "run.json: step balance of the funnel does not add up"),
        ("counts", "entries.parquet: 1 counts differ from the pairs, first 'w2': 1 instead of 1333"),
        ("entries", "entries.parquet: the entries are not those of the plan"),
        ("curves", "curves/kept.npy: 1 thresholds differ from the pairs"),
    ],
)
def test_damage_to_any_file_of_a_run_is_named(copy, damage, expected):
    part, info = copy.path / "pairs" / "00003.parquet", json.loads((copy.path / "run.json").read_text())
    entries = pq.read_table(copy.path / "entries.parquet")
    if damage == "flip":
        data = bytearray(part.read_bytes())
        data[len(data) // 2] ^= 1
        part.write_bytes(data)
    elif damage == "gone":
        part.unlink()
    elif damage == "no receipt":
        part.with_suffix(".json").unlink()
    elif damage == "foreign receipt":
        receipt = files.read_json(part.with_suffix(".json"))
        files.write_json(part.with_suffix(".json"), receipt | {"plan_digest": "another"})
    elif damage == "stranger":
        shutil.copy(part, part.with_name("99999.parquet"))
    elif damage == "plan":
        info["plan"]["config"]["seed"] = 1
    elif damage == "totals":
        info["totals"]["kept"] = 7
    elif damage == "funnel":
        info["funnel"][2]["dropped"]["balanced away"] += 1
    elif damage == "counts":
        count = entries["count"].to_pylist()
        count[2] = 1
        files.write_parquet(copy.path / "entries.parquet", entries.set_column(3, "count", pa.array(count)))
    elif damage == "entries":
        words = entries["entry"].to_pylist()
        words[49] = "x"
        files.write_parquet(copy.path / "entries.parquet", entries.set_column(1, "entry", pa.array(words)))
    else:
        kept = np.load(copy.path / "curves" / "kept.npy")
        kept[3] += 1
        np.save(copy.path / "curves" / "kept.npy", kept)
    write_info(copy.path, info)
    found = verify_run(open_run(copy.path), sample=0 if damage == "counts" else 2).findings
    assert any(expected in line for line in found), found


def test_a_pool_that_changed_is_said_and_nothing_derived_from_it(tmp_path, make_run):
    run = make_run()
    write_pool(tmp_path / "run-pool.parquet", ["another"])
    report = verify_run(run)
    assert ["has changed since the run began" in line for line in report.findings] == [True]
    assert report.units == 0
