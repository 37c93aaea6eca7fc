"""The town of the api's tests, for those who try to get in."""

from tests.api.conftest import town

__all__ = ["town"]
