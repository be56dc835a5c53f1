"""How code is compiled: once for this machine and this source, and kept beside it.

numba keeps what it compiled, and compiles again when the file of a function changes. It does not see that the function
took in others from other files, or constants: after an update it would go on with the old ones. So what we compile is
kept in a folder whose name is a digest of all sources that any compiled function is made of.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import config, njit

_SOURCES = ("curves_kernel.py", "uniform_kernel.py", "matching/*.py")


def compiled(**options: Any) -> Callable[[Any], Any]:
    """Like `numba.njit(**options)`, without the GIL, and kept."""

    def compile_and_keep(function: Any) -> Any:
        before = config.CACHE_DIR  # type: ignore[attr-defined]
        config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]
        try:
            return njit(nogil=True, cache=True, **options)(function)
        finally:
            config.CACHE_DIR = before  # type: ignore[attr-defined]

    return compile_and_keep


@cache
def _cache_folder() -> str:
    package = Path(__file__).parent
    sources = sorted(path for pattern in _SOURCES for path in package.glob(pattern))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return str(package / "__pycache__" / f"compiled-{digest[:16]}")
