"""Hands at the machines to try: what somebody standing there could do, one word an act.

Refuses every other machine: the city's own are its crews' business.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from simulator.device import Device
from weld.cli.demo.city import City, Machine


class Act(NamedTuple):
    """What a pair of hands can do, and how it is called."""

    zh: str
    en: str
    do: Callable[[Device, Machine], None]


def _set_a(machine: Machine) -> float:
    """What a welder sets on it: the middle."""
    low_a, high_a = machine.model.set_a
    return (low_a + high_a) / 2


ACTS: Mapping[str, Act] = {
    "button": Act("按绿色按钮", "press the green button", lambda device, _: device.press_button()),
    "weld": Act("焊 10 秒", "weld 10 s", lambda device, machine: device.start_weld(_set_a(machine), 10)),
    "bypass": Act("绕过芯片焊 8 秒", "weld past the chip 8 s", lambda device, machine: device.start_bypass(_set_a(machine), 8)),
    "unplug": Act("拔插头", "unplug", lambda device, _: device.unplug()),
    "plug": Act("插插头", "plug in", lambda device, _: device.plug_in()),
    "free": Act("现场解除闭锁", "free it on site", lambda device, _: device.free()),
    "drop": Act("断网 60 秒", "drop the link 60 s", lambda device, _: device.start_outage(60)),
}  # fmt: skip


class Hands:
    """`hands.act(plate, "button")`; False where there is no such machine to try or no such act."""

    def __init__(self, city: City, devices: list[Device]) -> None:
        self.tries = [(machine, devices[machine.number]) for machine in city.machines if machine.role == "try"]

    def act(self, plate: str, name: str) -> bool:
        """Do it now; whoever welds or waits goes on by himself."""
        act = ACTS.get(name)
        found = next(((machine, device) for machine, device in self.tries if machine.plate == plate), None)
        if act is None or found is None:
            return False
        act.do(found[1], found[0])
        return True
