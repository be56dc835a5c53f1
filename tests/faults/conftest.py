"""What tests of faults share."""

from collections.abc import Iterator

import pytest

from faults.subjects import Zygote


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """Forks commands of headtail, for a start from nothing takes a second."""
    made = Zygote()
    yield made
    made.close()
