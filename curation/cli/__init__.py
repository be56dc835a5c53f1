"""The command `headtail`: each command calls one function of the library and prints what it says.

Exit code 0, 1 (it failed) or 2 (the arguments are wrong); an error is one line on stderr. Heavy imports stay inside the
commands, so that `headtail --help` answers at once.
"""

import os
import sys
from collections.abc import Sequence

from cyclopts import CycloptsError

from curation.cli import (  # noqa: F401  # they register their commands
    classify,
    compare,
    curate,
    entries,
    evaluate,
    export,
    image,
    ladder,
    metadata,
    pool,
    runs,
    server,
    size,
    train,
)
from curation.cli.apps import app
from curation.errors import CurationError
from curation.options import check_path
from curation.terminal import plain

__all__ = ["app", "main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command (of sys.argv); the only place where errors become text and an exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        _check_names(given)
        app(given, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _fail(f"{' '.join(str(error).split())} ('headtail --help' shows what there is)", 2)
    except CurationError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        _fail("stopped", 1)
    except OSError as error:
        _fail(f"{error.filename or 'system'}: {error.strerror or error}", 1)


def _check_names(arguments: Sequence[str]) -> None:
    """BadArgument for a path that is no UTF-8; only the `check` commands look at files whatever they are called."""
    if "check" not in arguments[:2]:
        for argument in arguments:
            check_path(argument)


def _fail(message: str, code: int) -> None:
    print(f"headtail: {plain(message)}", file=sys.stderr)
    sys.exit(code)
