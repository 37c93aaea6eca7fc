"""Waiting for an event, but not for ever: the pause of every loop that must notice `stop` at once.

Refuses to be a clock: seconds here are real ones.
"""

import asyncio


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event came within `seconds`; returns as soon as it does."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
