"""The one family of errors that users see: one line that says what was given, what is allowed and what to do.

Anything that is not a `CurationError` is a bug and shows its traceback.
"""


class CurationError(Exception):
    """Something the user can mend. Commands print it in one line and exit with `exit_code`."""

    exit_code = 1


class BadArgument(CurationError):
    """A value outside what is allowed."""

    exit_code = 2


class MissingFile(BadArgument):
    """A path that does not exist, or a pattern that matches nothing."""


class UnreadableFile(CurationError):
    """A file that is not what its name says, or is damaged."""


class MissingColumn(BadArgument):
    """A table without a column that is needed."""


class BadMetadata(CurationError):
    """Metadata without a single usable entry."""


class EmptyPool(CurationError):
    """A pool without a single pair."""


class BadRun(CurationError):
    """A folder that is not a run, or a run in a state that does not allow what was asked."""


class DiskFull(CurationError):
    """No room, or none of what a quota allows; what was written before is kept."""


class UnknownPair(BadArgument):
    """A uid that the run does not hold."""


class UnknownEntry(BadArgument):
    """An entry that the metadata does not hold."""


class MissingExtra(BadArgument):
    """A part of headtail that is installed only when asked for."""
