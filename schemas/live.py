"""Bodies of the HTTP interface for the live map: the snapshot, the figures, and the events of the live stream.

The stream (`GET /live`, Server-Sent Events) sends `hello`, `machines`, `alerts`, `figures`, `beat` and `resync`; after
`resync` a screen asks for the snapshot again. Refuses anything personal.
"""

from datetime import datetime

from schemas.desk import Alert, Look
from schemas.http import Shape


class MapMachines(Shape):
    """Every machine in scope as columns of equal length. `lat`, `lon` are WGS-84; null: no place is known."""

    plate: list[str]
    division: list[str]
    look: list[int]
    lat: list[float | None]
    lon: list[float | None]


class MapSnapshot(Shape):
    """The picture at one moment. Hand `cursor` to the stream as `since` and nothing is missed in between."""

    at: datetime
    cursor: str
    looks: list[Look]
    machines: MapMachines
    alerts: list[Alert]


class Level(Shape):
    """Open alerts of one level."""

    level: int
    open: int
    unsigned: int


class Hour(Shape):
    """Starts in one hour of today, in the zone of the platform."""

    hour: int
    today: int
    week_ago: int


class Stopped(Shape):
    """Starts refused today for one reason: the first of each refusal."""

    code: str
    text_zh: str
    text_en: str
    count: int


class Figures(Shape):
    """The figures above the map. Days are days of Asia/Shanghai; `at` is when they were counted."""

    at: datetime
    machines: int
    chipped: int
    online: int
    open_sessions: int
    arcing: int
    workers: int
    workers_usable: int
    workers_expiring: int
    starts_today: int
    starts_same_time_yesterday: int
    refused_today: int
    refused_same_time_yesterday: int
    alerts_open: int
    levels: list[Level]
    stopped: list[Stopped]
    hours: list[Hour]
    known_ms_today: int
    contact_ms_today: int


class MachineChange(Shape):
    """A machine whose look changed."""

    plate: str
    division: str
    look: Look
    lat: float | None
    lon: float | None
    current_a: float | None
    at: datetime


class MachinesEvent(Shape):
    """`event: machines`: what changed since the last one, one entry a machine."""

    at: datetime
    machines: list[MachineChange]


class AlertsEvent(Shape):
    """`event: alerts`: alerts that are new or changed; a closed one comes once more with its state."""

    at: datetime
    alerts: list[Alert]


class Beat(Shape):
    """`event: beat` and `event: hello`: the server's time; every five seconds, so that a screen knows its age."""

    at: datetime


class LiveEvents(Shape):
    """The shapes of the stream's data, by event name; never sent as such, it puts them into the contract."""

    hello: Beat | None = None
    beat: Beat | None = None
    resync: Beat | None = None
    machines: MachinesEvent | None = None
    alerts: AlertsEvent | None = None
    figures: Figures | None = None


class MapNote(Shape):
    """Who answers for the base map, and its approval number (审图号), as the deploying authority sets them."""

    owner: str
    approval: str


class InstallationView(Shape):
    """What everybody may know of this installation."""

    name: str
    public_url: str
    hotline: str
    demo: bool
    map: MapNote
