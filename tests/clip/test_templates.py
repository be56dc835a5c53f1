import pytest
from open_clip import IMAGENET_CLASSNAMES, OPENAI_IMAGENET_TEMPLATES, SIMPLE_IMAGENET_TEMPLATES

from curation.clip.templates import NAMES, named_templates, parse_templates, prompts, read_templates
from curation.errors import BadArgument, MissingFile


@pytest.mark.parametrize(
    ("name", "theirs"), [("clip80", OPENAI_IMAGENET_TEMPLATES), ("simple7", SIMPLE_IMAGENET_TEMPLATES)]
)
def test_the_sets_of_the_paper_are_word_for_word_those_of_open_clip(name, theirs):
    some = IMAGENET_CLASSNAMES[:3]
    assert prompts(some, named_templates(name)) == [[template(one) for template in theirs] for one in some]
    assert len(named_templates(name)) == int(name[-2:].lstrip("e"))


def test_every_name_that_is_offered_is_a_set():
    assert {name: len(named_templates(name)) for name in NAMES} == {"clip80": 80, "simple7": 7, "photo": 1, "plain": 1}


def test_own_ones_stand_one_a_line_or_as_an_ensemble_a_class():
    assert parse_templates("{} at night\r\n\n  my {}") == ("{} at night", "my {}")
    assert parse_templates(' {"dog": ["a {}", "it barks"]}') == {"dog": ("a {}", "it barks")}
    assert prompts(["dog"], {"dog": ("a {}", "it barks")}) == [["a dog", "it barks"]]


def test_nothing_but_the_two_braces_is_filled():
    assert prompts(["{0} {x}"], ["{a} {} {0.__class__}"]) == [["{a} {0} {x} {0.__class__}"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "templates: 0 templates; give 1 to 1,000"),
        ("a photo", "'a photo': a template holds {} once, where the name goes: a photo of a {}."),
        ("{} and {}", "'{} and {}': a template holds {} once"),
        ("{}" + "x" * 1000, "a template of more than 1,000 characters"),
        ("{}\n" * 1001, "1,001 templates"),
        ('{"dog": "a {}"}', "'dog': the templates of a class are a list of texts"),
        ('{"dog": []}', "'dog': 0 templates"),
        ('{"dog": [', "begin like JSON and are none"),
        ("{ }", "an object without a class"),
    ],
)
def test_what_is_no_template_is_refused_in_words(text, message):
    with pytest.raises(BadArgument) as refused:
        parse_templates(text)
    assert message in str(refused.value)


def test_a_class_without_templates_is_named():
    with pytest.raises(BadArgument, match=r"no templates for 2 of the classes \('cat', 'fox'\)"):
        prompts(["dog", "cat", "fox"], {"dog": ["a {}"], "fox": []})
    with pytest.raises(BadArgument, match="no template: give at least one"):
        prompts(["dog"], [])


def test_a_set_is_known_by_name_and_else_read_from_a_file(tmp_path):
    assert read_templates("photo") == ("a photo of a {}.",)
    (tmp_path / "own.txt").write_text("a {}", encoding="utf-8-sig")
    assert read_templates(str(tmp_path / "own.txt")) == ("a {}",)
    with pytest.raises(MissingFile, match="neither a file nor a set of templates; sets are clip80, simple7"):
        read_templates("clip81")
    (tmp_path / "own.txt").write_bytes(b"\xff {}")
    with pytest.raises(BadArgument, match="cannot be read as text"):
        read_templates(str(tmp_path / "own.txt"))
