"""What dispatch counts, for the metrics door. Label values come from closed lists; never an endpoint."""

from prometheus_client import Counter, Gauge, Histogram

from weld.kit.metrics import MS_BUCKETS

OUTBOX_AGE_S = Gauge("weldgate_dispatch_outbox_age_seconds", "Age of the oldest fact without deliveries")
DELIVERY_AGE_S = Gauge(
    "weldgate_dispatch_delivery_age_seconds", "How long the delivery that is due longest waits for its attempt"
)
FACTS = Counter("weldgate_dispatch_facts_total", "Facts that got their deliveries", ["fate"])
DELIVERIES = Counter("weldgate_dispatch_deliveries_total", "Attempts by what became of the delivery", ["result"])
ATTEMPT_MS = Histogram("weldgate_dispatch_attempt_ms", "Time of an attempt", buckets=MS_BUCKETS)
IN_FLIGHT = Gauge("weldgate_dispatch_in_flight", "Attempts under way")

# There from the start with 0: Prometheus sees no rise in a number that appears as 1.
for fate in ("expanded", "historical", "no_alert", "broken"):
    FACTS.labels(fate)
for result in ("delivered", "again", "dead", "gone", "stopped"):
    DELIVERIES.labels(result)
