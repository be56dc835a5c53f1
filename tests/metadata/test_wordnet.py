from pathlib import Path

import pytest

from curation.metadata.wordnet import first_lemmas, from_wordnet
from curation.metadata_files import read_wordnet

LICENCE = "  1 This software and database is being provided to you, the LICENSEE"
NOUN = "02115335 05 n 03 Domestic_Dog 0 dog 0 canis 0 000 | a pet"
CITY = "09088000 15 n 02 St._Louis 0 Saint_Louis 0 000 | a city"
MARK = "06812000 10 n 01 ! 0 000 | a mark"
ADJECTIVE = "00020103 00 s 02 outback(a) 0 remote 0 000 | far"
POSTPOSED = "00020104 00 s 01 galore(ip) 0 000 | many"
DOTTED = "00099000 00 a 01 .22-calibre 0 000 | bore"

DEBIAN = Path("/usr/share/wordnet")


def test_the_first_lemma_is_lower_case_with_spaces_and_without_marker():
    lines = [LICENCE, NOUN, CITY, ADJECTIVE, POSTPOSED, ""]
    assert list(first_lemmas(lines)) == ["domestic dog", "st. louis", "outback", "galore"]


def test_compat_cuts_at_the_first_dot():
    assert list(first_lemmas([CITY, DOTTED], compat="metaclip")) == ["st", ""]


def test_numbers_come_first_and_single_marks_are_left_out_and_counted():
    metadata = from_wordnet([[NOUN, MARK, NOUN], [ADJECTIVE]])
    assert metadata.entry.to_pylist() == [*map(str, range(100)), "domestic dog", "outback"]
    assert metadata.dropped == {"single punctuation mark": 1}


@pytest.mark.external
@pytest.mark.skipif(not (DEBIAN / "data.noun").is_file(), reason="needs Debian's wordnet-base")
def test_wordnet_3_gives_the_86654_entries_of_the_paper():
    assert len(read_wordnet(DEBIAN, compat="metaclip")) == 86_654
