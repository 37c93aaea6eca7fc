"""What goes wrong in the city now and then, and on demand: one story a name, each on a machine that nobody is working at.

A story acts with the same hands as everybody: phones, plugs, jumpers, a copied chip. Refuses to tell the platform anything: what
it should notice, it has to notice.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from simulator.device import Device
from weld.cli.demo.city import CAST, City, Machine
from weld.cli.demo.people import AWAY, People
from weld.kit.clock import Clock

_CLICK_WITHIN_S = 30.0
_OVERRUN_S = 60.0  # the permission of the machines for it

MakeClone = Callable[[Machine], Device]


class NotNowError(RuntimeError):
    """This story cannot be played just now; why, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True)
class Plot:
    """What a story shows, for people: the alert that it raises, if any, and a line in each language."""

    alert: str | None
    zh: str
    en: str


PLOTS: Mapping[str, Plot] = {
    "expired": Plot("A03", "证件过期的焊工扫码，被拒绝", "a worker with an expired certificate scans and is refused"),
    "bypass": Plot("D01", "没扫码，绕过芯片焊接", "somebody welds past the chip of a locked machine"),
    "overrun": Plot("B02", "许可只有 60 秒，到期还在焊", "a permission of 60 s ends while the arc burns"),
    "clone": Plot("D05", "同一个芯片号出现了第二个芯片", "a second chip appears under the same name"),
    "offline": Plot(
        None, "作业中断网 30 秒，数据随后补传", "the link is lost for 30 s in a session; the data arrives late"
    ),
}


@dataclass
class Told:
    """One playing of a story."""

    name: str
    machine: Machine
    at: str
    ended: bool = False


@dataclass
class Stories:
    """`told = stories.play("bypass")`; it goes on by itself."""

    city: City
    devices: list[Device]
    people: People
    clock: Clock
    make_clone: MakeClone
    shown_time: Callable[[], str]
    tell: Callable[[Told], None]
    told: list[Told] = field(default_factory=list)
    _taken: set[int] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _dice: random.Random = field(default_factory=random.Random)

    def play(self, name: str) -> Told:
        """Begin a story; NotNowError where no machine is free for it."""
        acts = {
            "expired": self._expired,
            "bypass": self._bypass,
            "overrun": self._overrun,
            "clone": self._clone,
            "offline": self._offline,
        }
        if any(one.name == name and not one.ended for one in self.told):
            raise NotNowError("这个故事正在演：演完再来", "it is being played just now: wait until it has ended")
        machine = self._free_machine(name)
        told = Told(name, machine, self.shown_time())
        self._taken.add(machine.number)
        self.told = [*self.told[-19:], told]
        task = asyncio.create_task(self._act(acts[name], told))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.tell(told)
        return told

    async def now_and_then(self, speed: float) -> None:
        """One after another in a mixed order, until cancelled."""
        while True:
            names = list(PLOTS)
            self._dice.shuffle(names)
            for name in names:
                await self.clock.sleep(max(40.0, self._dice.uniform(150, 330) / speed))
                try:
                    self.play(name)
                except NotNowError:
                    continue

    async def stop(self) -> None:
        """Drop whatever is being played."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _act(self, act: Callable[[Machine, Device], Awaitable[None]], told: Told) -> None:
        try:
            await act(told.machine, self.devices[told.machine.number])
        except AWAY:
            pass  # the platform was away: there was nothing to see
        finally:
            told.ended = True
            self._taken.discard(told.machine.number)

    def _free_machine(self, name: str) -> Machine:
        role = "overrun" if name == "overrun" else "city"
        manned = {crew.machine.number for crew in self.city.crews}
        free = [
            one
            for one in self.city.machines
            if one.role == role
            and one.work == "ordinary"
            and one.presence == "none"
            and one.number not in manned
            and one.number not in self._taken
            and self.devices[one.number].online
            and self.devices[one.number].state == "locked"
        ]
        if not free:
            raise NotNowError("现在没有空着的机器：过一会儿再来", "no machine is free for it: try again in a minute")
        return self._dice.choice(free)

    # -- the stories

    async def _expired(self, machine: Machine, _device: Device) -> None:
        await self.people.scan(CAST["expired"], machine.plate)

    async def _bypass(self, machine: Machine, device: Device) -> None:
        await device.bypass_weld(self._dice.uniform(*machine.model.set_a), 9)

    async def _overrun(self, machine: Machine, device: Device) -> None:
        if await self._unlock("overrun", machine, device):
            await self.clock.sleep(_OVERRUN_S - 20)
            await device.weld(self._dice.uniform(*machine.model.set_a), 45)
            await self.clock.sleep(30)  # the platform orders the machine to lock; then somebody comes and frees it
            if device.state == "blocked":
                device.free()

    async def _clone(self, machine: Machine, device: Device) -> None:
        async with self.make_clone(machine):
            await self.clock.sleep(12)
        device.reboot()  # the platform follows the higher boot number, which is the copy's: the real one goes above it

    async def _offline(self, machine: Machine, device: Device) -> None:
        if not await self._unlock("offline", machine, device):
            return
        await device.weld(140, 8)
        device.start_outage(30)
        await device.weld(150, 18)
        await self.clock.sleep(20)
        if device.session is not None:
            await self.people.end(CAST["offline"], device.session)
            await device.wait_contact("open", _CLICK_WITHIN_S)

    async def _unlock(self, role: str, machine: Machine, device: Device) -> bool:
        if await self.people.scan(CAST[role], machine.plate):
            return False
        await device.wait_contact("closed", _CLICK_WITHIN_S)
        return True
