"""Prompt templates: how the name of a class becomes texts, by set and for each class. Nothing in here imports torch."""

import ast
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from curation.errors import BadArgument, MissingFile

Templates = Sequence[str] | Mapping[str, Sequence[str]]
"""Texts with {} where the name of the class goes; or, for each class by its name, an ensemble of its own."""

MOST_TEMPLATES = 1_000
LONGEST_TEMPLATE = 1_000

_OF_OPEN_CLIP = {"clip80": "OPENAI_IMAGENET_TEMPLATES", "simple7": "SIMPLE_IMAGENET_TEMPLATES"}
_OWN = {"photo": ("a photo of a {}.",), "plain": ("{}",)}

NAMES = {
    "clip80": "the 80 of the CLIP paper",
    "simple7": "7 of them, chosen by its authors",
    "photo": "a photo of a {}.",
    "plain": "the name alone",
}
"""The sets that have a name, and what they are."""


def named_templates(name: str) -> tuple[str, ...]:
    """A set of templates by its name, one of `NAMES`.

    clip80 and simple7 are those of Radford et al. 2021 (arXiv:2103.00020, section 3.1.4) as the installed open_clip
    (MIT licence) words them; they are read from its source, of which nothing is run.

    raises BadArgument (an unknown name), MissingFile

    >>> named_templates("photo"), len(named_templates("clip80")), named_templates("clip80")[0]
    (('a photo of a {}.',), 80, 'a bad photo of a {}.')
    """
    if name in _OWN:
        return _OWN[name]
    if name not in _OF_OPEN_CLIP:
        raise BadArgument(f"{name!r}: no set of templates has this name; there are {', '.join(NAMES)}")
    return _of_open_clip()[name]


def parse_templates(text: str) -> Templates:
    """Templates of one's own: one a line, with one {} in each; or JSON {class: [templates]}, an ensemble a class.

    In an ensemble of its own a text may do without {}: it is a sentence about this class.

    raises BadArgument

    >>> parse_templates("a photo of a {}.\\n\\na {}, up close")
    ('a photo of a {}.', 'a {}, up close')
    >>> parse_templates('{"crane": ["a {}, the bird", "a tall wading bird"]}')
    {'crane': ('a {}, the bird', 'a tall wading bird')}
    """
    if text.lstrip().startswith("{") and not text.lstrip().startswith("{}"):
        return _ensembles(text)
    found = tuple(line.strip() for line in text.replace("\r", "\n").split("\n") if line.strip())
    return _checked(found, "templates")


def read_templates(name_or_file: str) -> Templates:
    """The set of this name, or those in a file as `parse_templates` reads it; raises BadArgument, MissingFile."""
    if name_or_file in NAMES:
        return named_templates(name_or_file)
    path = Path(name_or_file)
    if not path.is_file():
        raise MissingFile(f"{name_or_file}: neither a file nor a set of templates; sets are {', '.join(NAMES)}")
    try:
        return parse_templates(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        raise BadArgument(f"{path}: cannot be read as text; give templates one a line, or JSON") from None


def prompts(classnames: Sequence[str], templates: Templates) -> list[list[str]]:
    """The texts of each class, in the order of its templates; raises BadArgument for a class without templates.

    >>> prompts(["dog", "cat"], ["a {}.", "my {}"])
    [['a dog.', 'my dog'], ['a cat.', 'my cat']]
    """
    if isinstance(templates, Mapping):
        missing = [name for name in classnames if not templates.get(name)]
        if missing:
            named = ", ".join(repr(name) for name in missing[:3])
            raise BadArgument(f"no templates for {len(missing)} of the classes ({named}); give each class a list")
        return [[_filled(template, name) for template in templates[name]] for name in classnames]
    if not templates:
        raise BadArgument("no template: give at least one, such as 'a photo of a {}.'")
    return [[_filled(template, name) for template in templates] for name in classnames]


def _filled(template: str, name: str) -> str:
    return template.replace("{}", name)  # not format: a template comes from anywhere


def _checked(templates: tuple[str, ...], where: str, *, own: bool = False) -> tuple[str, ...]:
    if not 0 < len(templates) <= MOST_TEMPLATES:
        raise BadArgument(f"{where}: {len(templates):,} templates; give 1 to {MOST_TEMPLATES:,}")
    for template in templates:
        if len(template) > LONGEST_TEMPLATE:
            raise BadArgument(f"{template[:40]!r}...: a template of more than {LONGEST_TEMPLATE:,} characters")
        if template.count("{}") != 1 and not (own and "{}" not in template):
            raise BadArgument(f"{template!r}: a template holds {{}} once, where the name goes: a photo of a {{}}.")
    return templates


def _ensembles(text: str) -> dict[str, tuple[str, ...]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BadArgument("templates: begin like JSON and are none; give one a line, or {class: [templates]}") from None
    found = {}
    for name, texts in value.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise BadArgument(f"{name[:40]!r}: the templates of a class are a list of texts")
        # a lone surrogate, which JSON can carry, could be neither shown nor tokenized
        clean = tuple(text.strip().encode("utf-8", "replace").decode() for text in texts)
        found[name.strip().encode("utf-8", "replace").decode()] = _checked(clean, repr(name[:40]), own=True)
    if not found:
        raise BadArgument("templates: an object without a class; give {class: [templates]}")
    return found


@cache
def _of_open_clip() -> dict[str, tuple[str, ...]]:
    """The sets of open_clip, whose functions of c are read as texts: importing them would load torch."""
    try:
        path = Path(str(distribution("open_clip_torch").locate_file("open_clip/zero_shot_metadata.py")))
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (PackageNotFoundError, OSError, SyntaxError):
        raise MissingFile("open_clip_torch: not installed, so its templates are not there; give a file") from None
    assigned = {ast.unparse(one.targets[0]): one.value for one in tree.body if isinstance(one, ast.Assign)}
    return {name: _texts(assigned[variable]) for name, variable in _OF_OPEN_CLIP.items()}


def _texts(functions: ast.expr) -> tuple[str, ...]:
    assert isinstance(functions, ast.Tuple | ast.List)
    bodies = [function.body for function in functions.elts if isinstance(function, ast.Lambda)]
    return tuple(
        "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in body.values)
        for body in bodies
        if isinstance(body, ast.JoinedStr)
    )
