"""What an officer may be allowed: the closed list of rights that accounts and keys hold and that routes ask for.

Refuses rights that no route asks for: whoever adds a route with a new right adds it here.
"""

from typing import Final

RIGHTS: Final = (
    "alerts:read",
    "alerts:act",
    "machines:read",
    "machines:lock",
    "sessions:read",
    "quarantine:read",
    "deliveries:read",
    "deliveries:act",
    "workers:read",
    "workers:act",
    "plates:print",
    "registers:write",
)
