import time

import pytest

from curation.metadata.wikitext import plain_text


@pytest.mark.parametrize(
    ("wikitext", "plain"),
    [
        ("'''Dog''' and ''cat''", "Dog and cat"),
        ("a [[dog]], [[Cat|cats]], [[Horse]]s", "a dog, cats, Horses"),
        ("[[:Category:Dogs|dogs]]", "dogs"),
        ("a[[File:Dog.jpg|thumb|a [[dog]] and [[Cat|cats]]]]b", "a\nb"),
        ("x [[Category:Dogs]] [[fr:Chien]]", "x"),
        ("[[Datei:Hund.jpg|ein Hund]] Hund", "Hund"),
        ("a dog<ref>Smith, {{cite|x}}</ref> barks<ref name=x /> loud<references/>", "a dog barks loud"),
        ("a {{convert|5|km|{{x}}}} road", "a\nroad"),
        ("before\n{| class=x\n| a\n{|\n| b\n|}\n|}\nafter", "before\nafter"),
        ("{{Infobox\n| a = {{b}}\n|}}text", "text"),
        ("a <!-- hidden {{ -->dog", "a dog"),
        ("H<sub>2</sub>O<br/>new<p>line", "H2O\nnew\nline"),
        ("<math>a^2</math>x<gallery>\nFile:a.jpg|b\n</gallery>y", "x\ny"),
        ("see [http://example.org the page] or http://example.org/x now", "see the page or\nnow"),
        ("== Head ==\n* one\n# two\n:: three\n----\nfour", "Head\none\ntwo\nthree\nfour"),
        ("5&nbsp;km &amp; 3\u00a0km \u200bx", "5 km & 3 km x"),
        ("__NOTOC__a  \t b", "a b"),
        ("left {{open, [[half, <ref>x and 'one'", "left {{open, [[half, x and 'one'"),
        ("", ""),
    ],
)
def test_a_reader_sees(wikitext, plain):
    assert plain_text(wikitext, {"File", "Category", "Datei"}) == plain


@pytest.mark.parametrize(
    "mark", ["{{", "}}", "[[", "<ref>", "<ref ", "<!--", "\n{|", "\n|}", "''", "=", "[http://", "<", " "]
)
def test_a_mark_that_is_repeated_for_ever_does_not_take_for_ever(mark):
    started = time.monotonic()
    plain_text(mark * (2_000_000 // len(mark)))
    # measured below 3 s on a busy core; what is quadratic takes hours
    assert time.monotonic() - started < 60
