"""Languages: their codes, and which one a text is in (arXiv:2507.22062)."""

from curation.languages.codes import UNDETERMINED, WITHOUT_SPACES, as_listed, language_code, normalised
from curation.languages.identification import check_installed, identify

__all__ = ["UNDETERMINED", "WITHOUT_SPACES", "as_listed", "check_installed", "identify", "language_code", "normalised"]
