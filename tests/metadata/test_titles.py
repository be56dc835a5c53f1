import pyarrow as pa

from curation.metadata.titles import clean_titles

RAW = [
    b"Hot_dog",
    b"Caf%C3%A9",
    b"100%",
    b"File:Dog.jpg",
    b"user_talk:X",
    b"2001:_A_Space_Odyssey",
    b"-",
    b"caf\xe9",
    b"_",
]


def test_titles_are_decoded_and_those_of_other_namespaces_left_out():
    titles, dropped = clean_titles(pa.array(RAW, pa.binary()))
    expected = ["Hot dog", "Café", "100%", None, None, "2001: A Space Odyssey", None, None, None]
    assert titles.to_pylist() == expected
    assert dropped == {"another namespace": 2, "bad unicode": 1, "no title": 2}


def test_compat_decodes_nothing_and_leaves_out_every_colon():
    titles, dropped = clean_titles(pa.array(RAW, pa.binary()), compat="metaclip")
    assert titles.to_pylist() == ["Hot dog", "Caf%C3%A9", "100%", *[None] * 6]
    assert dropped == {"another namespace": 3, "bad unicode": 1, "no title": 2}


def test_no_titles_at_all():
    assert clean_titles(pa.array([], pa.binary()))[0].to_pylist() == []
