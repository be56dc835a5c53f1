import ast
import re
from pathlib import Path

import pytest

from curation.ui.text import label, number, plain, share

ROOT = Path(__file__).parents[2]
PYTHON = [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "curation" / "ui").glob("*.py")]
SCRIPTS = sorted((ROOT / "curation" / "ui").glob("*.js"))

FORBIDDEN_CALLS = {"html", "image", "write", "write_stream", "iframe", "toast", "chat_message", "video", "audio", "pdf"}
MARKDOWN_CALLS = {
    "markdown", "caption", "header", "subheader", "title", "error", "warning", "info", "success", "metric", "progress",
    "button", "checkbox", "toggle", "expander", "popover", "tabs", "link_button", "page_link", "badge",
    "form_submit_button", "_number",
}  # fmt: skip
FORBIDDEN_SCRIPT = (
    r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|document\.write|\beval\b|new Function|srcdoc|"
    r"\.href|https?:"
)


def calls(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.name)
def test_nothing_reads_text_as_html_or_fetches_an_address(path):
    text = path.read_text()
    assert not re.search(r"unsafe_allow|components\.v1|use_container_width", text)
    for name, node in calls(path):
        of_streamlit = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value).startswith("st")
        assert not (of_streamlit and name in FORBIDDEN_CALLS), f"{path.name}:{node.lineno} st.{name}"


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.name)
def test_only_numbers_are_put_into_markdown(path):
    # text from data never stands in an f-string that Streamlit reads as markdown: what stands there is a number
    for name, node in calls(path):
        if name in MARKDOWN_CALLS:
            shown = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg != "key")]
            for value in (part for argument in shown for part in ast.walk(argument)):
                if isinstance(value, ast.FormattedValue) and value.format_spec is None:
                    source = ast.unparse(value.value)
                    numbers = r"(number|share|counted|rounded|seconds|_looked_at)\("
                    safe = re.match(rf"{numbers}|icon$|(pool|kept|tail|of_language)$", source)
                    assert safe, f"{path.name}:{node.lineno} {source}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_our_components_set_text_as_text(path):
    assert SCRIPTS
    assert not re.findall(FORBIDDEN_SCRIPT, path.read_text())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a dog", "a dog"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("a\0b\x1bc\x85", "a\ufffdb\ufffdc\ufffd"),
        ("x" * 2048, "x" * 2048),
        ("x" * 2049, "x" * 2047 + "…"),
    ],
)
def test_plain_text_is_cut_and_free_of_control_characters(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a  dog\n\ton\u2028a mat ", "a dog on a mat"),
        ("\u202egpj.exe\u2066", "gpj.exe"),
        ("", ""),
        ("**b** :material/home: $x$ <b>", "**b** :material/home: $x$ <b>"),
        ("y" * 61, "y" * 59 + "…"),
        ("z" * 10_000_000, "z" * 59 + "…"),
    ],
)
def test_a_label_is_one_line(text, shown):
    assert label(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, "1"),
        (20000.0, "20,000"),
        (812.34, "812.34"),
        (1234567.5, "1,234,567.5"),
        (10**15 - 1, "999,999,999,999,999"),
    ],
)
def test_numbers_are_shown_in_full(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (1, 3, "33.3 %"),
        (0, 7, "0.0 %"),
        (7, 7, "100.0 %"),
        (0, 0, "0.0 %"),
        (1, 10_000, "0.01 %"),
        (9_999_999, 10_000_000, "99.99999 %"),
        (1, 10**12, "0.000000 %"),
    ],
)
def test_a_share_reads_as_none_or_all_only_where_it_is(part, whole, shown):
    assert share(part, whole) == shown
