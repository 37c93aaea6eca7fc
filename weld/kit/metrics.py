"""Metrics: one registry for the whole process (prometheus_client's own), and what its users would otherwise repeat.

A metric stands next to the verb that it counts. Refuses labels without a bound (a device's id, a person's).
"""

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

# From "at once" to "the reader has given up": latencies are kept in whole milliseconds, as people speak of them.
MS_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 30_000.0)

CONTENT_TYPE = CONTENT_TYPE_LATEST


def render() -> bytes:
    """Everything counted so far, as Prometheus reads it."""
    return generate_latest(REGISTRY)
