"""The engine that tests of runs use where it does not matter which: one unit after the other, in this process."""

from curation.engines import Cancelled, Status
from curation.engines.local import LocalEngine


class InlineEngine:
    name = "inline"
    status = Status(workers=1, nodes=())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def check(self, folder, reads):
        pass

    def map_units(self, fn, units, env, *, on_done, cancel=lambda: False, max_retries=0):
        for unit in units:
            if cancel():
                raise Cancelled
            on_done(unit, fn(unit, env))
        if cancel():
            raise Cancelled


INLINE = InlineEngine()


class SharedEngine(LocalEngine):
    def __exit__(self, kind, error, trace):
        pass


LOCAL = SharedEngine(2)
"""Worker processes that all tests share: they are started where a test first uses them, and end with this process."""
