import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from curation import uniform_kernel
from curation.uniform import entry_hashes, epoch_seed, list_lengths, uniform

# The published test vectors (docs/balancing.md): seed, uid, entry, u as an integer over 2**53.
VECTORS = [
    (0, "pair-1", "dog", 7_502_502_485_076_293),
    (0, "pair-1", "hot dog", 7_042_288_951_930_886),
    (1, "pair-1", "dog", 757_550_049_762_024),
    (0, "", "", 3_344_532_161_814_497),
    (0, "0123456789abcdef0123456789abcdef", "photo", 3_737_345_562_907_735),
    (2**63 - 1, "ünïcode \N{DOG FACE}", "狗", 8_689_436_626_261_403),
]


def u_of(seed: int, uid: str, entry: str) -> float:
    ids = pa.array([[0]], pa.list_(pa.int32()))
    return float(uniform(pa.array([uid]), ids, entry_hashes(pa.array([entry]), seed), seed)[0])


@pytest.mark.parametrize(("seed", "uid", "entry", "numerator"), VECTORS)
def test_u_is_the_published_number(seed, uid, entry, numerator):
    assert u_of(seed, uid, entry) == numerator / 2**53


@given(st.binary(max_size=100), st.integers(0, 2**64 - 1))
def test_the_hash_is_xxh64(data, seed):
    buffer = np.frombuffer(data or b"-", np.uint8)
    assert uniform_kernel.xxh64(buffer, 0, len(data), np.uint64(seed)) == xxhash.xxh64_intdigest(data, seed)


@given(st.text(max_size=40), st.text(max_size=20), st.integers(0, 2**63))
def test_u_follows_its_written_formula(uid, entry, seed):
    def mix(x: int) -> int:
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
        return x ^ (x >> 31)

    hashed = mix(xxhash.xxh64_intdigest(entry.encode(), seed))
    expected = (mix((xxhash.xxh64_intdigest(uid.encode(), seed) + hashed) % 2**64) >> 11) * 2.0**-53
    assert u_of(seed, uid, entry) == expected


def test_u_is_uniform_and_independent_between_entries_of_a_pair_and_between_pairs():
    n = 200_000
    uid = pa.array([f"{number:016x}" for number in range(n)])
    ids = pa.array([[0, 1]] * n, pa.list_(pa.int32()))
    u = uniform(uid, ids, entry_hashes(pa.array(["dog", "cat"]), 0), 0).reshape(n, 2)
    sigma = np.sqrt(1 / 12)
    assert abs(u.mean() - 0.5) < 5 * sigma / np.sqrt(2 * n)
    # 100 cells: chi-square has mean 99 and variance 2 * 99
    for column in u.T:
        observed = np.histogram(column, bins=100, range=(0, 1))[0]
        assert abs(((observed - n / 100) ** 2 / (n / 100)).sum() - 99) < 5 * np.sqrt(2 * 99)
    # a sample correlation of independent numbers has standard deviation 1 / sqrt(n)
    assert abs(np.corrcoef(u.T)[0, 1]) < 5 / np.sqrt(n)
    assert abs(np.corrcoef(u[:-1, 0], u[1:, 0])[0, 1]) < 5 / np.sqrt(n)


def test_u_does_not_depend_on_where_in_a_batch_a_pair_stands_or_on_entry_ids():
    hashes = entry_hashes(pa.array(["dog", "cat"]), 5)
    uid = pa.array(["x", "p", "y"])
    ids = pa.array([[], [0, 1], [1]], pa.list_(pa.int32()))
    whole = uniform(uid, ids, hashes, 5)
    assert uniform(uid.slice(1, 1), ids.slice(1, 1), hashes, 5).tolist() == whole[:2].tolist()
    swapped = uniform(pa.array(["p"]), pa.array([[0, 1]], pa.list_(pa.int32())), hashes[::-1].copy(), 5)
    assert swapped.tolist() == whole[:2][::-1].tolist()


def test_list_lengths_obey_a_slice_and_take_null_as_empty():
    lists = pa.array([[1], None, [1, 2], []], pa.list_(pa.int32()))
    assert list_lengths(lists.slice(1)).tolist() == [0, 2, 0]


@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1])
@pytest.mark.parametrize("epoch", [1, 2, 2**40])
def test_the_seed_of_an_epoch_is_the_published_hash_of_it(seed, epoch):
    assert epoch_seed(seed, epoch) == xxhash.xxh64(epoch.to_bytes(8, "little"), seed=seed).intdigest()
    assert epoch_seed(seed, 0) == seed
