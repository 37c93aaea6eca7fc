"""The town that every test of the api gets for itself."""

from collections.abc import AsyncIterator

import pytest

from tests.api.town import Town, founded
from tests.database import Database


@pytest.fixture
async def town(database: Database) -> AsyncIterator[Town]:
    """A fresh town."""
    async with founded(database) as fresh:
        yield fresh
