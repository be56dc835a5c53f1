import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.errors import MissingExtra
from curation.languages import as_listed, check_installed, identify

CAPTIONS = "sample_data/worldwide/captions.parquet"


def test_sentences_are_identified_and_what_is_no_language_is_null():
    texts = [
        "a photo of a dog in the garden",
        "ein Foto von einem Hund im Garten",
        "une photo de chien dans le jardin",
        "花园里的狗的照片",
        "庭にいる犬の写真",
        "ภาพถ่ายสุนัขในสวน",
        "صورة كلب في الحديقة",
        "정원에 있는 개의 사진",
        "IMG_4145.jpg",
        "2019-05-17",
        "👍",
        "",
        None,
    ]
    assert identify(pa.array(texts)).to_pylist() == ["en", "de", "fr", "zh", "ja", "th", "ar", "ko", *[None] * 5]


def test_scripts_of_one_language_are_told_from_a_single_word():
    texts = pa.array(["ဓာတ်ပုံ", "រូបថត", "ຮູບພາບ"])
    assert identify(texts).to_pylist() == ["my", "km", "lo"]


def test_no_texts_have_no_languages():
    assert identify(pa.array([], pa.string())).to_pylist() == []


def test_most_sample_captions_are_identified_and_longer_ones_nearly_always(request):
    captions = pq.read_table(request.config.rootpath / CAPTIONS)
    texts, truth = captions["text"].combine_chunks(), captions["language"].to_pylist()
    found = as_listed(identify(texts), {"en", "de", "es", "fr", "ar", "th", "zh", "ja"}).to_pylist()
    rows = [row for row in zip(texts.to_pylist(), found, truth, strict=True) if row[2] != "und"]
    right = [code == true for _, code, true in rows]
    longer = [code == true for text, code, true in rows if len(text) >= 30]
    # measured: 85.0 % and 98 %; the model is fixed, other releases of it may differ by a little
    assert sum(right) / len(right) > 0.83
    assert sum(longer) / len(longer) > 0.96
    assert all(code is None for code, true in zip(found, truth, strict=True) if true == "und")


def test_without_the_extra_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("curation.languages.identification.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'headtail\[languages\]'.*--identify never") as caught:
        check_installed()
    assert "\n" not in str(caught.value)
