"""How far a chip's clock stands behind ours, from what it says and when that came.

A message needs some time on its way and never less than none, so the smallest difference between receipt and the chip's own time
is the closest to the truth; it may grow slowly, to follow a clock that drifts. The method is the lower envelope of one-way
delays, as in Moon, Skelly and Towsley, "Estimation and removal of clock skew" (INFOCOM 1999). Refuses to correct anything:
times as sent are never rewritten (P16).
"""

# What the estimate may grow with each message. A quartz of 100 ppm drifts 1 ms in the 10 s between two messages at work.
RISE_MS = 1


def behind_ms(known_ms: int | None, at_ms: int, received_ms: int) -> int:
    """The estimate after one live message, in ms: above 0 the chip's clock is behind ours, below 0 it is ahead."""
    seen_ms = received_ms - at_ms
    return seen_ms if known_ms is None or seen_ms < known_ms + RISE_MS else known_ms + RISE_MS
