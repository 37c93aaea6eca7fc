"""What changes on the demo's page, as the script wants it: texts by place, rows of tables, states of the machines to try.

Refuses to change anything, and to show a whole phone number.
"""

from datetime import datetime
from typing import Any

from weld.cli.demo.accounts import Accounts
from weld.cli.demo.codes import CodeBook
from weld.cli.demo.hooks import Received, Receivers
from weld.cli.demo.live import Living
from weld.cli.demo.sheet import STATES, Language
from weld.cli.demo.stories import PLOTS, Told
from weld.core import totp

_STEP_S = 30


def state_of(
    accounts: Accounts, alive: Living, codes: CodeBook, receivers: Receivers, now: datetime, language: Language
) -> dict[str, Any]:
    """The page at this moment."""
    left_s = _STEP_S - int(now.timestamp()) % _STEP_S
    texts = {"now": _now(alive, language), "totp-left": f"{left_s} s", "refused": str(receivers.refused)}
    texts |= {f"totp-{one.login}": totp.code(one.totp_secret, totp.step(now)) for one in accounts.officers}
    return {
        "texts": texts,
        "machines": _machines(alive, language),
        "tables": {
            "codes": [
                [{"text": one.code, "kind": "big"}, {"text": one.phone, "kind": "mono"}, _age(now, one.at, language)]
                for one in codes.newest
            ],
            "told": [_told(one, language) for one in reversed(alive.stories.told[-6:])],
            "hooks": [_hook(one, now, language) for one in receivers.newest],
        },
    }


def _now(alive: Living, language: Language) -> str:
    count, hour, speed = alive.counts(), alive.day.shown, f"{alive.day.speed:g}"
    if language == "en":
        return (
            f"{hour} in the city (×{speed}) · {count['machines']} machines, {count['online']} online, "
            f"{count['unlocked']} unlocked, {count['arcing']} welding"
        )
    return (
        f"城里 {hour}（×{speed}） · {count['machines']} 台，在线 {count['online']}，"
        f"开机 {count['unlocked']}，焊接中 {count['arcing']}"
    )


def _machines(alive: Living, language: Language) -> dict[str, dict[str, str]]:
    found = {}
    for machine in alive.city.machines:
        if machine.role == "try":
            device = alive.devices[machine.number]
            state = device.state
            shown = "link" if state != "off" and not device.online else state
            zh, en = STATES[shown]
            found[machine.plate] = {"state": shown, "text": en if language == "en" else zh}
    return found


def _told(told: Told, language: Language) -> list[Any]:
    plot = PLOTS[told.name]
    going = "" if told.ended else ("…" if language == "en" else "进行中")
    return [told.at, plot.en if language == "en" else plot.zh, {"text": told.machine.tail, "kind": "mono"}, going]


def _hook(received: Received, now: datetime, language: Language) -> list[Any]:
    data = received.hook.body["data"]
    opened = received.hook.body["type"] == "alert.opened"
    name = data["name_en"] if language == "en" else data["name_zh"]
    ended = "" if opened else (" (closed)" if language == "en" else "（已销号）")
    return [
        _age(now, received.hook.received_at, language),
        {"text": received.by, "kind": "name"},
        {"text": f"{data['code']} {name}{ended}", "level": data["level"]},
        {"text": (data["plate"] or "")[-4:], "kind": "mono"},
    ]


def _age(now: datetime, at: datetime, language: Language) -> dict[str, str]:
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < 60:
        return {"text": f"{seconds} s" if language == "en" else f"{seconds} 秒前", "kind": "age"}
    return {"text": f"{seconds // 60} min" if language == "en" else f"{seconds // 60} 分钟前", "kind": "age"}
