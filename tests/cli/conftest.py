"""The town of the api's tests, for commands that enter things."""

from tests.api.conftest import town

__all__ = ["town"]
