import pyarrow as pa

from curation.metadata.counted import SCHEMA, Counted, as_text, at_least, summed

TABLE = pa.table({"text": ["b", "a", "é", "b", "Z"], "count": [1, 2, 3, 4, 5]}, schema=SCHEMA)


def test_counts_are_added_up_in_the_order_of_utf_8():
    assert summed(TABLE).to_pydict() == {"text": ["Z", "a", "b", "é"], "count": [5, 2, 5, 3]}
    assert len(summed(SCHEMA.empty_table())) == 0


def test_rare_ones_are_left_out():
    assert at_least(summed(TABLE), 5)["text"].to_pylist() == ["Z", "b"]
    assert Counted(TABLE, 5, 15).counts.tolist() == [1, 2, 3, 4, 5]


def test_bytes_that_are_no_text_are_null():
    assert as_text(pa.array([b"a", b"\xff", None])).to_pylist() == ["a", None, None]
