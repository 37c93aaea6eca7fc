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
    "《特种作业人员安全技术培训考核管理规定》：到期未复审的，操作证失效。",
    "Rule on special workers (Order 30): a certificate not re-examined in time is void.",
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
    "《特种作业人员安全技术培训考核管理规定》：证件撤销、注销后不得上岗。",
    "Rule on special workers (Order 30): no work after a certificate was revoked or cancelled.",
)
DOMAIN = Words(
    "2025年4月17日动火作业联合通告：按作业类别持相应的证。",
    "Joint notice on hot work of 17 April 2025: each kind of work needs its own certificate.",
)
AGE = Words(
    "《特种作业人员安全技术培训考核管理规定》：年满十八周岁，且不超过国家法定退休年龄。",
    "Rule on special workers (Order 30): at least 18 years old and not above the statutory retirement age.",
)
NOT_SAFE = Words(
    "《安全生产法》第三十六条：安全设备应保证正常运转。",
    "Work Safety Law, Article 36: safety equipment must work properly.",
)
