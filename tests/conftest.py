"""Fixtures that all tests share."""

from tests.database import database, server

__all__ = ["database", "server"]
