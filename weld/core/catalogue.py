"""The alert types that this version raises: code, level, names, and what the platform does about them.

Levels: 1 red (act now), 2 orange (same day), 3 yellow (three days), 4 blue (notice). Codes follow the catalogue of the trade
(Shandong's six and Chongqing's seven published types among them); each states its trigger. Refuses to decide: detect.py,
access.py and outage.py do.
"""

from dataclasses import dataclass
from typing import Literal

AlertCode = Literal["A01", "A02", "A03", "A04", "A05", "A06", "A08", "A09", "B02", "D01", "D05", "D06", "E02", "O01"]


@dataclass(frozen=True, slots=True)
class AlertKind:
    """One type of alert. `locks`: the platform also orders the machine to lock once the arc has ended."""

    code: AlertCode
    level: Literal[1, 2, 3, 4]
    zh: str
    en: str
    locks: bool = False


ALERTS: dict[AlertCode, AlertKind] = {
    kind.code: kind
    for kind in (
        AlertKind("A01", 3, "无证扫码拦截", "Start attempt without a usable certificate"),
        AlertKind("A02", 4, "证书临期", "Certificate about to end or due for re-examination"),
        AlertKind("A03", 3, "证书到期仍扫码", "Start attempt with an expired or overdue certificate"),
        AlertKind("A04", 2, "证书已撤销或注销", "Certificate revoked or cancelled"),
        AlertKind("A05", 1, "疑似假证", "Certificate needs checking against the register"),
        AlertKind("A06", 3, "项目或场所不符", "Certificate for another kind of work or place"),
        AlertKind("A08", 4, "年龄或离岗不符", "Age outside the limits, or long off the post"),
        AlertKind("A09", 2, "一证多机", "Certificate already in a live session elsewhere"),
        AlertKind("B02", 2, "超时作业", "Arc after the end of the permission", locks=True),
        AlertKind("D01", 1, "疑似改装（绕过芯片）", "Current while the contact reads open: chip bypassed"),
        AlertKind("D05", 1, "疑似克隆芯片", "Cloned chip or repeated key with other content"),
        AlertKind("D06", 3, "用后失联", "Silence after heavy use"),
        AlertKind("E02", 2, "无会话起弧", "Arc without a licensed session", locks=True),
        AlertKind("O01", 1, "大面积失联", "Many chips offline at once"),
    )
}
