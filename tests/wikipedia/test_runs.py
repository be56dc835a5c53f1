from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from curation.wikipedia import runs
from curation.wikipedia.runs import merge_runs, write_run


@given(st.lists(st.dictionaries(st.text("aé\U0001f600\uffff Z", max_size=3), st.integers(1, 9)), max_size=5))
def test_merging_adds_up_in_the_order_of_utf_8(tmp_path_factory, counts):
    folder = tmp_path_factory.mktemp("runs")
    paths = [folder / f"{at}.parquet" for at in range(len(counts))]
    for path, part in zip(paths, counts, strict=True):
        write_run(path, part)
    before, runs.MERGED_ROWS = runs.MERGED_ROWS, 2  # so that every run is read in many pieces
    try:
        merged = [row for table in merge_runs(paths) for row in zip(*table.to_pydict().values(), strict=True)]
    finally:
        runs.MERGED_ROWS = before
    expected = sum((Counter(part) for part in counts), Counter())
    assert merged == sorted(expected.items(), key=lambda item: item[0].encode())


def test_no_runs_no_rows():
    assert list(merge_runs([])) == []
