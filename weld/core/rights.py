"""What an officer may be allowed: the closed list of rights that roles and keys hold and that routes ask for.

Refuses rights that no route asks for: whoever adds a route with a new right adds it here, and gives it to roles in
weld/core/roles.py.
"""

from typing import Final

# What people do who answer for machines, workers and alerts.
BUSINESS_RIGHTS: Final = (
    "alerts:read",
    "alerts:act",
    "machines:read",
    "machines:write",
    "machines:lock",
    "sessions:read",
    "records:export",
    "quarantine:read",
    "deliveries:read",
    "deliveries:act",
    "workers:read",
    "workers:act",
    "plates:print",
    "enterprises:read",
    "enterprises:write",
    "endpoints:write",
    "registers:write",
)

# What shows or destroys a person in full. It takes a person at a screen and a fresh proof: no key may hold one of these.
PERSONAL_RIGHTS: Final = ("workers:reveal", "workers:export", "workers:erase")

# What the three administrators do to the installation itself. No key may hold one of these.
ADMINISTRATION_RIGHTS: Final = (
    "divisions:write",
    "departments:write",
    "officers:read",
    "officers:write",
    "roles:grant",
    "keys:write",
    "audit:read",
)

RIGHTS: Final = BUSINESS_RIGHTS + PERSONAL_RIGHTS + ADMINISTRATION_RIGHTS
