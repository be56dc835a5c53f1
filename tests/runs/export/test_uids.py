import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import ENTRIES, write_pool
from curation.errors import BadArgument
from curation.metadata import from_entries
from curation.runs import curate
from curation.runs.config import CurateConfig
from curation.runs.export.uids import array_to_uids, uids_to_array
from curation.runs.export.write import export
from curation.runs.plan import create_run
from inline import INLINE


def test_a_uid_file_is_what_datacomps_documentation_makes_of_the_uids(picture_run, kept, tmp_path):
    export(picture_run, 20.0, tmp_path / "out", "uids")
    found = np.load(tmp_path / "out" / "uids.npy", allow_pickle=False)
    expected = np.array([(int(uid[:16], 16), int(uid[16:32], 16)) for uid in kept], np.dtype("u8,u8"))
    expected.sort()
    assert found.dtype == np.dtype([("f0", "u8"), ("f1", "u8")]) == np.dtype("u8,u8")
    assert found.tolist() == expected.tolist()


def test_uids_go_there_and_back():
    uids = ["139e4a9b22a614771f06c700a8ebe150", "6e356964a967af455c8016b75d691203", "f" * 32, "0" * 32]
    array = uids_to_array(pa.array(["x", *uids]).slice(1))
    assert array[0].tolist() == (0x139E4A9B22A61477, 0x1F06C700A8EBE150)
    assert array_to_uids(array).to_pylist() == uids
    assert uids_to_array(pa.array([], pa.string())).size == 0


@pytest.mark.parametrize("uid", ["pair-1", "", "F" * 32, "g" + "0" * 31, "0" * 33, "0" * 31 + "é"])
def test_a_uid_that_is_no_128_bit_number_is_refused_by_name(uid):
    with pytest.raises(BadArgument, match="a uid file holds uids of 32 lower-case hexadecimal digits") as caught:
        uids_to_array(pa.array(["0" * 32, uid]))
    assert repr(uid) in str(caught.value)


def test_a_run_with_other_uids_is_refused_and_leaves_nothing(zipf_run, tmp_path):
    with pytest.raises(BadArgument, match="'pair-0"):
        export(zipf_run, 20.0, tmp_path / "out", "uids")
    assert list(tmp_path.iterdir()) == []


def test_pairs_that_share_a_uid_stand_there_once_because_the_resharder_repeats_them(tmp_path):
    pool = write_pool(tmp_path / "pool.parquet", ["a dog"] * 5)
    table = pa.table({"uid": ["1" * 32, "2" * 32, "1" * 32, "1" * 32, "3" * 32], "text": ["a dog"] * 5})
    pq.write_table(table, pool)
    create_run(tmp_path / "run", [str(pool)], from_entries(ENTRIES, source="test"), CurateConfig(t=5.0))
    manifest = export(curate.run(tmp_path / "run", INLINE), 5.0, tmp_path / "out", "uids")
    assert np.load(tmp_path / "out" / "uids.npy").size == manifest["pairs"] == 3
    assert manifest["funnel"][-1]["dropped"] == {"uid stands there already": 2}
