"""A real broker for the tests of running devices."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from weld.cli.mosquitto import Mosquitto


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder: Path = tmp_path_factory.mktemp("broker") / "home"
    with Mosquitto(folder, remove=True) as running:
        yield running
