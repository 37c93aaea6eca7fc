"""What ingest counts, for the metrics door. Label values come from closed lists; never a chip."""

from prometheus_client import Counter, Gauge, Histogram

from weld.kit.metrics import MS_BUCKETS

RECEIVED = Counter("weldgate_ingest_received_total", "Deliveries read from the broker")
FATES = Counter(
    "weldgate_ingest_messages_total", "What became of messages: new, duplicate, presence, or why not", ["fate"]
)
WRITTEN = Counter("weldgate_ingest_written_total", "Rows of evidence written", ["table"])
LATE = Counter("weldgate_ingest_late_total", "New messages that came late, by whose lateness it was", ["kind"])
ALERTS = Counter("weldgate_ingest_alerts_total", "Alerts raised that page somebody")

BATCHES = Counter("weldgate_ingest_batches_total", "Batches by outcome", ["outcome"])
BATCH_SIZE = Histogram("weldgate_ingest_batch_messages", "Messages in a batch", buckets=(1, 4, 16, 64, 256, 1024, 4096))
COMMIT_MS = Histogram("weldgate_ingest_commit_ms", "Time of a batch's transaction", buckets=MS_BUCKETS)
LAG_MS = Histogram(
    "weldgate_ingest_lag_ms", "From reading the oldest message of a batch to its commit", buckets=MS_BUCKETS
)
WAITING = Gauge("weldgate_ingest_waiting", "Deliveries that wait for the store")
PAUSED = Gauge("weldgate_ingest_paused", "1 while reading from the broker is stopped because too much waits")

GROUPS = Gauge("weldgate_ingest_groups", "Groups of shards held by this worker")
CONFIGURED = Gauge("weldgate_ingest_groups_configured", "Groups that there are for all workers together")
CATCHING_UP = Gauge("weldgate_ingest_groups_catching_up", "Groups held for which the broker still has old messages")
LEASES_LOST = Counter("weldgate_ingest_leases_lost_total", "Groups that another worker took over")
LEASES_HANDED = Counter("weldgate_ingest_leases_handed_total", "Groups that were handed over in order")
SUBSCRIBED = Counter("weldgate_ingest_subscribed_total", "Sessions that the broker did not have any more")
CHIPS = Gauge("weldgate_ingest_chips", "Chips remembered by this worker")

REPLIES = Counter("weldgate_ingest_replies_total", "Words sent to chips", ["kind"])
UNCONFIRMED = Gauge("weldgate_ingest_unconfirmed_chips", "Chips that wait for a `stored`")
STORED_AGE_S = Gauge(
    "weldgate_ingest_stored_age_seconds", "How long the chip that waits longest has waited for its `stored`"
)
GAPS = Gauge("weldgate_ingest_gaps", "Holes in chips' streams that are being asked for")

# There from the start with 0: Prometheus sees no rise in a number that appears as 1.
for _fate in (
    "new", "duplicate", "presence", "bad_topic", "oversized", "undecodable", "unknown_kind", "invalid", "unknown_chip",
    "foreign_shard", "future", "too_old", "changed_key", "boot_below_floor", "poison", "unreadable",
):  # fmt: skip
    FATES.labels(_fate)
for _outcome in ("committed", "split", "database_lost", "memory_wrong"):
    BATCHES.labels(_outcome)
