import pytest

from curation.engines import Trouble, Unit, UnitsFailed
from curation.engines.ledger import SHOWN, Ledger

ONE, OTHER = (Unit(index, "pool.parquet", (index,)) for index in range(2))


def fail(ledger, unit, reason="it broke"):
    ledger.started(unit)
    return ledger.failed(unit, reason)


def test_each_try_that_failed_is_told_with_its_reason_and_what_follows():
    ledger = Ledger(max_retries=1)
    assert (fail(ledger, ONE, "its worker died"), fail(ledger, ONE)) == (True, False)
    assert list(ledger.troubles) == [
        Trouble(1, "pool.parquet (0)", "its worker died", again=True),
        Trouble(2, "pool.parquet (0)", "it broke", again=False),
    ]
    assert ledger.retries == 1
    with pytest.raises(UnitsFailed, match=r"pool.parquet \(0\): it broke"):
        ledger.check()


def test_the_next_call_goes_on_counting_but_for_what_failed():
    before = Ledger(max_retries=1)
    fail(before, ONE)
    fail(before, ONE)
    ledger = Ledger(1, before)
    assert fail(ledger, OTHER)
    assert [trouble.number for trouble in ledger.troubles] == [1, 2, 3]
    assert (ledger.retries, ledger.failures) == (2, {})


def test_the_last_tries_are_told_and_all_are_counted():
    ledger = Ledger(max_retries=100)
    for _ in range(SHOWN + 5):
        fail(ledger, ONE)
    assert [trouble.number for trouble in ledger.troubles] == list(range(6, SHOWN + 6))
    assert ledger.retries == SHOWN + 5
