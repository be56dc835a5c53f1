from curation.pool.columns import Columns
from curation.pool.rows import BATCH_BYTES, BATCH_DAMAGE, Row, Rows, pair_fields


def test_a_batch_holds_what_was_gathered_and_the_next_one_begins_empty():
    rows = Rows()
    rows.add(Row(3, b"a dog", image="512+5", uid="u", width="640.0"))
    rows.add(Row(4, b"\xff"))
    rows.dropped["no text"] += 2
    rows.damage += ["one", "two"]
    batch = rows.take()
    assert [(row["row"], row["uid"], row["image"], row["width"]) for row in batch.pairs.to_pylist()] == [
        (3, "u", "512+5", 640)
    ]
    assert (dict(batch.dropped), batch.damage) == ({"no text": 2, "text is not UTF-8": 1}, "one; two")
    assert rows.empty


def test_a_batch_is_full_by_rows_by_bytes_or_by_damage(monkeypatch):
    monkeypatch.setattr("curation.pool.rows.BATCH_ROWS", 3)
    rows, texts, damage = Rows(), Rows(), Rows()
    rows.add(Row(0, b""))
    rows.dropped["no text"] += 1
    texts.add(Row(0, bytes(BATCH_BYTES - 1)))
    for _ in range(BATCH_DAMAGE - 1):
        damage.damage.append("lost")
    assert not (rows.full or texts.full or damage.full)
    rows.add(Row(1, b""))
    texts.add(Row(1, b"x"))
    damage.damage.append("lost")
    assert rows.full and texts.full and damage.full


def test_values_of_odd_kinds_say_nothing():
    record = {"uid": True, "url": ["u"], "width": "\ud83d", "height": 480.0, "language": None}
    assert pair_fields(record, Columns()) == {
        "uid": None,
        "url": None,
        "width": None,
        "height": "480.0",
        "language": None,
    }
