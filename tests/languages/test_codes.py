import pyarrow as pa
import pytest

from curation.languages import WITHOUT_SPACES, as_listed, language_code, normalised


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("en", "en"), ("EN", "en"), ("en-US", "en"), ("en_GB.UTF", None), (" de ", "de"),
        ("eng", "en"), ("deu", "de"), ("ger", "de"), ("zho", "zh"), ("chi", "zh"), ("cmn", "zh"), ("zh-Hans", "zh"),
        ("zh_Hant_HK", "zh"), ("jpn", "ja"), ("iw", "he"), ("yue", "yue"), ("ceb", "ceb"),
        ("und", None), ("mul", None), ("zxx", None), ("English", None), ("e", None), ("", None), ("7", None),
        (None, None),
    ],
)  # fmt: skip
def test_a_language_tag_becomes_its_primary_subtag(name, code):
    assert language_code(name) == code


def test_an_array_of_tags_becomes_codes_and_what_is_none_becomes_null():
    tags = pa.array(["en-US", None, "und", "eng", "en-US"])
    assert normalised(tags).to_pylist() == ["en", None, None, "en", "en"]
    assert normalised(tags.slice(3)).to_pylist() == ["en", "en"]
    assert normalised(tags.slice(0, 0)).type == pa.string()


def test_a_member_of_a_wider_language_goes_there_only_where_it_has_no_list_of_its_own():
    codes = pa.array(["wuu", "yue", "arz", "nn", "it", None])
    assert as_listed(codes, {"zh", "ar", "no"}).to_pylist() == ["zh", "zh", "ar", "no", "it", None]
    assert as_listed(codes, {"zh", "wuu", "nn"}).to_pylist() == ["wuu", "zh", "arz", "nn", "it", None]


def test_languages_without_spaces_are_known_by_their_codes():
    assert {"zh", "ja", "th", "lo", "my", "km", "ko", "bo", "dz"} <= WITHOUT_SPACES
    assert {language_code(code) for code in WITHOUT_SPACES} == WITHOUT_SPACES
