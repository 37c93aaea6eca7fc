"""The law behind a refusal, as the phone quotes it, and the type of every text that people read.

Sources: domain.md 4.2 and 5 (安全生产法 as of 2021; 特种作业人员安全技术培训考核管理规定, Order 30 as amended; the joint
notice on hot work of 2025-04-17). The wording is to be checked by a lawyer. Refuses the names of crimes.
"""

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence or two, in both languages."""

    zh: str
    en: str

    def in_language(self, language: Language) -> str:
        return self.en if language == "en" else self.zh


MUST_HOLD = Words(
    "《安全生产法》第三十条：特种作业人员取得相应资格，方可上岗作业。",
    "Work Safety Law, Article 30: special workers need the qualification before they work.",
)
REVIEW = Words(
    "《特种作业人员安全技术培训考核管理规定》第二十六条：未按期复审的，操作证失效。",
    "Rule on special workers (Order 30), Article 26: a certificate not re-examined in time is void.",
)
NO_LENDING = Words(
    "《特种作业人员安全技术培训考核管理规定》第三十六条：操作证不得转借、转让、冒用。",
    "Rule on special workers (Order 30), Article 36: certificates may not be lent, transferred or borrowed.",
)
NO_FORGERY = Words(
    "《特种作业人员安全技术培训考核管理规定》第三十六条：不得伪造或使用伪造的操作证。",
    "Rule on special workers (Order 30), Article 36: certificates may not be forged, nor forged ones used.",
)
WITHDRAWN = Words(
    "《特种作业人员安全技术培训考核管理规定》第三十条、第三十一条：证件撤销、注销后不得上岗。",
    "Rule on special workers (Order 30), Articles 30 and 31: no work after a certificate was revoked or cancelled.",
)
DOMAIN = Words(
    "2025年4月17日动火作业联合通告：按作业类别持相应的证。",
    "Joint notice on hot work of 17 April 2025: each kind of work needs its own certificate.",
)
AGE = Words(
    "《特种作业人员安全技术培训考核管理规定》第四条：年满十八周岁，且不超过国家法定退休年龄。",
    "Rule on special workers (Order 30), Article 4: at least 18 years old and not above the statutory retirement age.",
)
ITEM = Words(
    "《特种作业人员安全技术培训考核管理规定》附件：熔化焊接与热切割、压力焊、钎焊各有各的证。",
    "Rule on special workers (Order 30), annex: fusion welding, pressure welding and brazing each need their own item.",
)
OFF_POST = Words(
    "《特种作业人员安全技术培训考核管理规定》第三十二条：离岗六个月以上，实操考试合格后方可上岗。",
    "Rule on special workers (Order 30), Article 32: after six months off the post a practical test comes first.",
)
ORDER = Words("依据写在暂停通知里。", "The notice of the suspension names its basis.")
NOT_SAFE = Words(
    "《安全生产法》第三十六条：安全设备应保证正常运转。",
    "Work Safety Law, Article 36: safety equipment must work properly.",
)
