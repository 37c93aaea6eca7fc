"""What ingest counts, for the metrics door. Label values come from closed lists; never a chip."""

from prometheus_client import Counter, Gauge, Histogram

RECEIVED = Counter("weldgate_ingest_received_total", "Deliveries read from the broker")
FATES = Counter("weldgate_ingest_messages_total", "What became of messages", ["fate"])
ALERTS = Counter("weldgate_ingest_alerts_total", "Alerts raised that page somebody")
BATCHES = Counter("weldgate_ingest_batches_total", "Batches by outcome", ["outcome"])
BATCH_SIZE = Histogram("weldgate_ingest_batch_messages", "Messages in a batch", buckets=(1, 4, 16, 64, 256, 1024, 4096))
COMMIT_MS = Histogram(
    "weldgate_ingest_commit_ms",
    "Time of a batch's transaction",
    buckets=(1, 2, 5, 10, 20, 50, 100, 250, 500, 1000, 5000),
)
WAITING = Gauge("weldgate_ingest_waiting", "Deliveries that wait for the store")
SHARDS = Gauge("weldgate_ingest_shards", "Shards held by this worker")
CHIPS = Gauge("weldgate_ingest_chips", "Chips remembered by this worker")
SUBSCRIBED = Counter("weldgate_ingest_subscribed_total", "Sessions that the broker did not have any more")
REPLIES = Counter("weldgate_ingest_replies_total", "Words sent to chips", ["kind"])
LEASES_LOST = Counter("weldgate_ingest_leases_lost_total", "Shards that another worker took over")
