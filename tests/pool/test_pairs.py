import pyarrow as pa
import pytest

from curation.pool.pairs import explode_texts, is_texts, usable_pairs

LISTS = [["out"], ["a", "b"], None, [], ["c", None], ["d"]]


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.large_list(pa.binary()), pa.list_view(pa.string())])
def test_lists_are_exploded_as_far_as_their_slice_goes(kind):
    texts, of_row, dropped = explode_texts(pa.array(LISTS, kind).slice(1, 4))
    assert texts.cast(pa.string()).to_pylist() == ["a", "b", "c", None]
    assert of_row.to_pylist() == [0, 0, 3, 3]
    assert dropped == {"text is null": 1, "list of texts is empty": 1}


def test_what_is_no_list_stays_as_it_is():
    column = pa.array(["a", None])
    texts, of_row, dropped = explode_texts(column)
    assert texts is column
    assert (of_row, dropped) == (None, {})


def test_only_texts_and_lists_of_them_are_texts():
    assert is_texts(pa.string())
    assert is_texts(pa.list_(pa.large_string()))
    assert not is_texts(pa.list_(pa.int64()))
    assert not is_texts(pa.list_(pa.list_(pa.string())))


def test_the_other_columns_follow_their_texts():
    columns = {
        "text": pa.array([["a", "b"], [], ["c"]]),
        "uid": pa.array(["x", "y", None]),
        "url": pa.array(["u", "v", "w"]),
        "width": pa.array(["640", "wide", None]),
    }
    scanned = usable_pairs(columns, 10)
    assert [(row["text"], row["url"], row["row"], row["width"]) for row in scanned.pairs.to_pylist()] == [
        ("a", "u", 10, 640),
        ("b", "u", 10, 640),
        ("c", "w", 12, None),
    ]
    assert scanned.pairs["uid"].to_pylist()[:2] == ["x", "x"]
    assert scanned.dropped == {"list of texts is empty": 1}
