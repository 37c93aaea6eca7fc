"""The demo's page as text: what stands on it from the start, in Chinese or English, and the words for what changes.

Plain HTML without script or style inside; page.js fills in what changes. Refuses to know the city's state: it is handed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

from weld.cli.demo.accounts import Accounts
from weld.cli.demo.city import City, Machine
from weld.cli.demo.hands import ACTS
from weld.cli.demo.stories import PLOTS
from weld.core.certificate import Work

Language = Literal["zh", "en"]

STATES: Mapping[str, tuple[str, str]] = {
    "locked": ("已上锁", "Locked"),
    "armed": ("等待在场：请按绿色按钮", "Waiting for presence: press the button"),
    "unlocked": ("已解锁", "Unlocked"),
    "arcing": ("焊接中", "Welding"),
    "blocked": ("已停用", "Out of use"),
    "faulted": ("故障", "Faulty"),
    "tampered": ("疑似拆改", "Possibly tampered"),
    "maintenance": ("检修", "Maintenance"),
    "off": ("没通电", "Unplugged"),
    "link": ("断网", "No link"),
}
_WORK: Mapping[Work, tuple[str, str]] = {
    "ordinary": ("一般焊接", "ordinary work"),
    "building": ("建筑工地", "building site"),
    "special_equipment": ("特种设备", "special equipment"),
}


FIRST: tuple[tuple[str, str], ...] = (
    (
        "打开手机页，用 19900000001 登录（验证码在示范页上），输入一台试用机的号码，开机；再在示范页上替它焊 10 秒",
        "phone page: sign in as 19900000001 (its code is on the demo page), enter a machine to try, start it, let it weld",
    ),
    (
        "示范页：对另一台没人扫码的试用机点“绕过芯片焊 8 秒”，几秒后执法队收到 webhook",
        "demo page: weld past the chip of another machine to try; seconds later the teams receive the webhook",
    ),
    (
        "值班台：用 duty 登录（密码和动态码在示范页上），看地图、告警和证据",
        "console: sign in as duty (password and code are on the demo page): map, alerts, evidence",
    ),
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The page in one language. `links`: what the code on each plate to try says."""

    language: Language
    public_url: str
    accounts: Accounts
    city: City
    links: Mapping[str, str]

    def say(self, zh: str, en: str) -> str:
        """The one or the other, safe to stand in the page."""
        return escape(en if self.language == "en" else zh)

    def html(self) -> str:
        """The whole page."""
        lang, other = ("en", "zh") if self.language == "en" else ("zh-CN", "en")
        return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{self.say("焊码通 · 示范城市", "weldgate · the demo city")}</title>
<link rel="stylesheet" href="/tokens.css">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
<header>
<h1>{self.say("焊码通 · 示范城市", "weldgate · the demo city")}</h1>
<span class="now" id="now"></span>
<a class="lang" href="/?lang={other}" hreflang="{other}">{"中文" if other == "zh" else "English"}</a>
</header>
<main>
<p id="said" role="status"></p>
{self._first()}
<div class="pair">{self._addresses()}{self._codes()}</div>
{self._machines()}
<div class="pair">{self._stories()}{self._hooks()}</div>
</main>
</body>
</html>
"""

    def _first(self) -> str:
        items = "".join(f"<li>{self.say(*step)}</li>" for step in FIRST)
        return f"<section><h2>{self.say('先试这三件事', 'Try first')}</h2><ol>{items}</ol></section>"

    def _addresses(self) -> str:
        phone, console = f"{self.public_url}/", f"{self.public_url}/console/"
        officers = "".join(
            f"<tr><td class=mono>{one.login}</td><td class=mono>{escape(one.password)}</td>"
            f'<td class=big id="totp-{one.login}"></td><td>{self.say(one.zh, one.en)}</td></tr>'
            for one in self.accounts.officers
        )
        return f"""<section>
<h2>{self.say("地址与值班账号", "Addresses and officers")}</h2>
<p>{self.say("手机页", "phone page")} <a class=mono href="{phone}">{phone}</a><br>
{self.say("值班台", "console")} <a class=mono href="{console}">{console}</a></p>
<table><thead><tr><th>{self.say("账号", "login")}</th><th>{self.say("密码", "password")}</th>
<th>{self.say("动态码", "code")} <span id="totp-left"></span></th><th></th></tr></thead><tbody>{officers}</tbody></table>
</section>"""

    def _codes(self) -> str:
        people = "".join(
            f"<tr><td class=mono>{one.worker.phone}</td><td class=name>{escape(one.worker.name)}</td>"
            f"<td>{self.say(one.zh, one.en)}</td></tr>"
            for one in self.accounts.workers
        )
        return f"""<section>
<h2>{self.say("焊工手机与验证码", "Workers' phones and one-time codes")}</h2>
<table><tbody id="codes" data-empty="{self.say("还没有人要验证码", "nobody has asked for a code yet")}"></tbody></table>
<table><thead><tr><th>{self.say("手机号", "phone")}</th><th></th><th>{self.say("扫码时", "when he scans")}</th></tr></thead>
<tbody>{people}</tbody></table>
</section>"""

    def _machines(self) -> str:
        cards = "".join(self._card(one) for one in self.city.machines if one.role == "try")
        return f"""<section>
<h2>{self.say("试用的机器", "Machines to try")}</h2>
<p>{self.say("二维码就是铭牌上的码；按钮是机器旁边的手。", "The code is the plate's; buttons are hands at the machine.")}</p>
<div class="cards">{cards}</div>
</section>"""

    def _card(self, machine: Machine) -> str:
        plate = machine.plate
        notes = [self.say(*_WORK[machine.work])]
        notes += [self.say("要按按钮", "asks for the button")] if machine.presence == "button" else []
        if machine.longest_s is not None:
            notes.append(self.say(f"许可只有 {machine.longest_s} 秒", f"permission of {machine.longest_s} s only"))
        acts = "".join(
            f'<button data-post="/machines/{plate}/{name}">{self.say(act.zh, act.en)}</button>'
            for name, act in ACTS.items()
            if name != "button" or machine.presence == "button"
        )
        alt = f"{self.say('铭牌二维码', 'code of the plate')} {plate}"
        return f"""<article class="card">
<a href="{escape(self.links[plate])}"><img src="/machines/{plate}.svg" alt="{alt}"></a>
<div><div class=tail>{self.say("尾号", "tail")} {machine.tail}</div><div class=mono>{plate}</div>
<div>{machine.model.name} · {" · ".join(notes)}</div>
<div><span class=state id="state-{plate}"></span>
<a href="{self.public_url}/console/machines/{plate}">{self.say("在值班台看", "in the console")}</a></div></div>
<div class="acts">{acts}</div>
</article>"""

    def _stories(self) -> str:
        rows = "".join(
            f"<tr><td>{self.say(plot.zh, plot.en)}</td><td class=mono>{plot.alert or ''}</td>"
            f'<td class=end><button data-post="/stories/{name}">{self.say("演一遍", "play")}</button></td></tr>'
            for name, plot in PLOTS.items()
        )
        return f"""<section>
<h2>{self.say("故事", "Stories")}</h2>
<p>{self.say("城里隔一会儿会自己出一件事；也可以现在就演。", "One happens now and then by itself; or play one now.")}</p>
<table><tbody>{rows}</tbody></table>
<table><tbody id="told" data-empty=""></tbody></table>
</section>"""

    def _hooks(self) -> str:
        empty = self.say("还没有收到", "none yet")
        return f"""<section>
<h2>{self.say("执法队收到的 webhook", "Webhooks that the teams received")}</h2>
<p>{self.say("每一条都验过签名；签名不对的：", "Each signature was verified; refused: ")}<span id="refused">0</span></p>
<table><tbody id="hooks" data-empty="{empty}"></tbody></table>
</section>"""
