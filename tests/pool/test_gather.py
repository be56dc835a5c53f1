from curation.pool.columns import Columns
from curation.pool.gather import BATCH_BYTES, BATCH_DAMAGE, Gathered, pair_fields


def test_a_batch_holds_what_was_gathered_and_the_next_one_begins_empty():
    gathered = Gathered()
    gathered.add(3, b"a dog", "512+5", {"uid": "u", "width": "640.0"})
    gathered.add(4, b"\xff", None, {})
    gathered.drop("no text", rows=2)
    gathered.damage("one")
    gathered.damage("two")
    batch = gathered.take()
    assert [(row["row"], row["uid"], row["image"], row["width"]) for row in batch.pairs.to_pylist()] == [
        (3, "u", "512+5", 640)
    ]
    assert (dict(batch.dropped), batch.damage) == ({"no text": 2, "text is not UTF-8": 1}, "one; two")
    assert gathered.empty


def test_a_batch_is_full_by_rows_by_bytes_or_by_damage(monkeypatch):
    monkeypatch.setattr("curation.pool.gather.BATCH_ROWS", 3)
    rows, texts, damage = Gathered(), Gathered(), Gathered()
    rows.add(0, b"", None, {})
    rows.drop("no text")
    texts.add(0, bytes(BATCH_BYTES - 1), None, {})
    for _ in range(BATCH_DAMAGE - 1):
        damage.damage("lost")
    assert not (rows.full or texts.full or damage.full)
    rows.add(1, b"", None, {})
    texts.add(1, b"x", None, {})
    damage.damage("lost")
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
