"""The scene, for every test of dispatch."""

import pytest

from tests.database import Database
from tests.dispatch.scene import Scene


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)
