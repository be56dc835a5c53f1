"""Lists of class names, the labels of a task: from text, from files, and those of ImageNet as open_clip ships them."""

import ast
import csv
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from itertools import islice
from pathlib import Path
from string import capwords
from typing import Any

from curation import files
from curation.errors import BadArgument, MissingColumn, MissingFile, UnreadableFile

MOST_NAMES = 20_000
"""More names than any task has; as many as can be shown and looked for at once."""

LONGEST_NAME = 200

_COUNTED = re.compile(r"(?P<name>.*\S)\s*,\s*(?P<count>\d+(\.\d+)?(e[+-]?\d+)?)")
_REMARK = re.compile(r"\s*\([^()]*\)\s*$")
_HEADS = {"name", "class", "class_name", "classname", "label"}


@dataclass(frozen=True)
class ClassList:
    """The names of a task, each once, and how often each class is met: T before it is made to sum to 1.

    names:   as written, without blanks around them
    weights: above 0, one for each name; 1 where the list has no counts
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]

    @property
    def uniform(self) -> bool:
        """Whether every class weighs the same."""
        return len(set(self.weights)) <= 1

    def as_text(self) -> str:
        """What `parse_names` reads as the same list."""
        alone = all(weight == 1.0 for weight in self.weights) and not any(map(_COUNTED.fullmatch, self.names))
        counts = [int(weight) if weight.is_integer() else weight for weight in self.weights]
        rows = zip(self.names, counts, strict=True)
        return "\n".join(name if alone else f"{name}, {count!r}" for name, count in rows)


def parse_names(text: str) -> ClassList:
    """One name a line, or "name, count"; a name that comes again adds to its count, a line without a count counts 1.

    raises BadArgument (no name, too many, one too long, a count of 0)

    >>> parse_names("dog\\nhot dog, 3\\n\\ndog, 2")
    ClassList(names=('dog', 'hot dog'), weights=(3.0, 3.0))
    """
    # not splitlines: that also cuts at characters which a name may hold
    return _class_list(map(_counted, text.replace("\r", "\n").split("\n")))


def read_names(path: Path) -> ClassList:
    """The class names of a file.

    .txt      as `parse_names` reads it
    .json     a list of names, or an object {name: count}
    .csv      the first column, and the second where it holds a count; a first line such as "name,count" is passed over
    .parquet  a column `name`, `class`, `label` or the like; a column `count` or `probability`, if there is one

    raises MissingFile, UnreadableFile, MissingColumn, BadArgument
    """
    if not path.is_file():
        raise MissingFile(f"{path}: no such file")
    if path.suffix == ".parquet":
        return _from_parquet(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from None
    return parse_file(path.name, data)


def parse_file(name: str, data: bytes) -> ClassList:
    """What `read_names` does, for the bytes of a .txt, .json or .csv file; its name is read for the suffix only.

    raises MissingFile (another suffix), UnreadableFile, BadArgument
    """
    suffix = Path(name).suffix.lower()
    if suffix not in (".txt", ".json", ".csv"):
        raise MissingFile(f"{name}: class names are read from .txt, .json, .csv and .parquet, not from {suffix!r}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{name}: not UTF-8 (byte {error.start})") from None
    if suffix == ".txt":
        return parse_names(text)
    if suffix == ".csv":
        return _from_csv(name, text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"{name}: no JSON ({error})") from None
    if not isinstance(value, list | dict):
        raise UnreadableFile(
            f"{name}: a JSON {type(value).__name__}; give a list of names or an object {{name: count}}"
        )
    rows = value.items() if isinstance(value, dict) else ((item, 1.0) for item in value)
    return _class_list(rows)


def imagenet_names() -> ClassList:
    """The names of ImageNet's 1,000 classes as CLIP words them, out of the installed open_clip_torch (MIT licence).

    Two names stand for two classes each, and count 2. They are read from its source as a literal: nothing of open_clip
    is imported or run. raises MissingFile
    """
    try:
        path = Path(str(distribution("open_clip_torch").locate_file("open_clip/zero_shot_metadata.py")))
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (PackageNotFoundError, OSError, SyntaxError):
        raise MissingFile("open_clip_torch: not installed, so ImageNet's names are not there; give a file") from None
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "IMAGENET_CLASSNAMES":
            return _class_list((name, 1.0) for name in ast.literal_eval(statement.value))
    raise MissingFile(f"{path}: has no IMAGENET_CLASSNAMES; give a file with the names")


def spellings(name: str) -> list[str]:
    """The name as written, then as metadata may spell it, each once.

    With spaces for underscores, without a remark in brackets; each in lower case, In Title Case, With its first letter
    as a capital.

    >>> spellings("fire_Truck (toy)")[:4], spellings("dog")
    (['fire_Truck (toy)', 'fire Truck (toy)', 'fire Truck', 'fire truck (toy)'], ['dog', 'Dog'])
    """
    spaced = name.replace("_", " ").strip()
    plain = _REMARK.sub("", spaced)
    found = [name, spaced, plain]
    for text in (spaced, plain):
        found += [text.lower(), capwords(text), text[:1].upper() + text[1:].lower(), text[:1].upper() + text[1:]]
    return [text for text in dict.fromkeys(found) if text]


def near_spellings(name: str) -> list[str]:
    """Its singular or plural by the rules of English, and its words joined or parted otherwise; in all its spellings.

    >>> near_spellings("hot dog")[:3], near_spellings("berries")[0]
    (['hot dogs', 'hotdog', 'hot-dog'], 'berry')
    """
    own = spellings(name)
    found = []
    for text in own:
        found += [*_other_numbers(text), text.replace(" ", ""), text.replace(" ", "-"), text.replace("-", " ")]
    return [text for text in dict.fromkeys(found) if text and text not in own]


def parts(name: str) -> list[str]:
    """Runs of whole words of the name, without the name itself, the longest and the last ones first.

    >>> parts("great white shark")
    ['white shark', 'great white', 'shark', 'white', 'great']
    """
    words = _REMARK.sub("", name.replace("_", " ")).split()[:10]
    runs = [(length, at) for length in range(len(words) - 1, 0, -1) for at in range(len(words) - length, -1, -1)]
    return [" ".join(words[at : at + length]) for length, at in runs]


def _other_numbers(text: str) -> list[str]:
    """What may be its singular or its plural; which of them is a word, the metadata tells."""
    hissing = text.endswith(("s", "x", "z", "ch", "sh"))
    found = [text[:-3] + "y"] if text.endswith("ies") else []
    if text.endswith("es"):
        found.append(text[:-2])
    if text.endswith("s"):
        found.append(text[:-1])
    if text.endswith("y") and text[-2:-1] not in "aeiou":
        return [*found, text[:-1] + "ies"]
    return [*found, text + ("es" if hissing else "s")]


def _counted(line: str) -> tuple[str, float]:
    found = _COUNTED.fullmatch(line.strip())
    return (found["name"], float(found["count"])) if found else (line, 1.0)


def _class_list(rows: Iterable[tuple[Any, Any]]) -> ClassList:
    """Names and counts; raises BadArgument."""
    weights: dict[str, float] = {}
    for name, count in rows:
        if not isinstance(name, str) or isinstance(count, bool) or not isinstance(count, int | float):
            raise BadArgument(f"{str(name)[:LONGEST_NAME]!r}: class names are texts, and their counts numbers")
        # a lone surrogate, which JSON can carry, could be neither shown nor written
        name = name.replace("\r", " ").replace("\n", " ").strip().encode("utf-8", "replace").decode()
        if not name:
            continue
        if len(name) > LONGEST_NAME:
            raise BadArgument(f"{name[:40]!r}...: a class name of more than {LONGEST_NAME} characters")
        if not 0 < count < math.inf:
            raise BadArgument(f"{name!r}: a count of {count:g}; give one above 0, or leave the name out")
        weights[name] = weights.get(name, 0.0) + float(count)
        if len(weights) > MOST_NAMES:
            raise BadArgument(f"more than {MOST_NAMES:,} class names")
    if not weights:
        raise BadArgument("no class name: give one a line")
    return ClassList(tuple(weights), tuple(weights.values()))


def _from_csv(name: str, text: str) -> ClassList:
    try:
        rows = [row for row in islice(csv.reader(text.splitlines()), 2 * MOST_NAMES) if row]
    except csv.Error as error:
        raise UnreadableFile(f"{name}: no CSV ({error})") from None
    if rows and rows[0][0].strip().lower() in _HEADS:
        rows = rows[1:]
    return _class_list((row[0], _as_count(row[1]) if len(row) > 1 else 1.0) for row in rows)


def _as_count(cell: str) -> float:
    """The count in a cell; 1 where it holds something else."""
    try:
        return float(cell)
    except ValueError:
        return 1.0


def _from_parquet(path: Path) -> ClassList:
    names = files.open_parquet(path).schema_arrow.names
    column = next((name for name in names if name in _HEADS), None)
    if column is None:
        raise MissingColumn(f"{path}: no column {' or '.join(sorted(_HEADS))} (found: {', '.join(names) or 'none'})")
    weight = next((name for name in ("count", "probability") if name in names), None)
    table = files.read_table(path, [column] + ([weight] if weight else []))
    weights = table[weight].to_pylist() if weight else [1.0] * len(table)
    return _class_list(zip(table[column].to_pylist(), weights, strict=True))
