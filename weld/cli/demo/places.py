"""Where the made-up city lies: the real divisions of Anyang, places of industry in them, and the words that invented names are
made of.

Only the divisions are real. Coordinates are WGS-84, chosen to lie inside their division. Refuses anybody who exists.
"""

from typing import Any, Literal, NamedTuple

Work = Literal["ordinary", "building", "special_equipment"]


class Place(NamedTuple):
    """A district or county: how many of the invented enterprises are there, and around which points."""

    code: str
    zh: str
    en: str
    enterprises: int
    centres: tuple[tuple[float, float], ...]

    @property
    def short(self) -> str:
        """文峰 of 文峰区."""
        return self.zh.rstrip("区县市")


PLACES = (
    Place("410502", "文峰区", "Wenfeng", 6, ((36.070, 114.385), (36.040, 114.410), (36.085, 114.365))),
    Place("410503", "北关区", "Beiguan", 5, ((36.130, 114.370), (36.160, 114.380))),
    Place("410505", "殷都区", "Yindu", 5, ((36.120, 114.285), (36.128, 114.240))),
    Place("410506", "龙安区", "Long'an", 5, ((36.070, 114.295), (36.045, 114.270))),
    Place("410522", "安阳县", "Anyang County", 4, ((36.090, 114.530), (36.060, 114.560))),
    Place("410523", "汤阴县", "Tangyin", 4, ((35.925, 114.365), (35.895, 114.400))),
    Place("410526", "滑县", "Huaxian", 4, ((35.570, 114.525), (35.540, 114.560))),
    Place("410527", "内黄县", "Neihuang", 3, ((35.960, 114.895), (35.900, 114.800))),
    Place("410581", "林州市", "Linzhou", 4, ((36.080, 113.820), (36.045, 113.850))),
)


class Trade(NamedTuple):
    """What an enterprise does, and which kind of work its machines are for."""

    zh: str
    work: Work


TRADES = (
    Trade("焊接实训", "ordinary"),
    Trade("钢构", "ordinary"),
    Trade("建筑安装", "building"),
    Trade("重型机械", "ordinary"),
    Trade("压力容器", "special_equipment"),
    Trade("汽车部件", "ordinary"),
    Trade("农机制造", "ordinary"),
    Trade("市政工程", "building"),
    Trade("门窗加工", "ordinary"),
    Trade("管道工程", "ordinary"),
    Trade("锅炉安装", "special_equipment"),
    Trade("设备维修", "ordinary"),
    Trade("冶金备件", "ordinary"),
)


class Model(NamedTuple):
    """A kind of welding machine: the letter on its plate, the largest current, what a welder sets."""

    name: str
    kind: str
    rated_a: float
    set_a: tuple[float, float]


# ZX7: stick electrode; NBC: gas-shielded wire; WS: tungsten.
MODELS = (
    Model("ZX7-315", "A", 315.0, (90, 170)),
    Model("ZX7-400", "A", 400.0, (110, 220)),
    Model("NBC-350", "B", 350.0, (120, 240)),
    Model("NBC-500", "B", 500.0, (180, 300)),
    Model("WS-315", "C", 315.0, (60, 140)),
    Model("ZX7-500", "A", 500.0, (130, 250)),
)
MAKERS = ("样例焊机", "样例电气", "样例焊割设备")

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "安邦昌达恩丰国海嘉康立明宁平庆仁山泰伟祥新兴阳永元云泽正志忠"


def divisions() -> list[dict[str, Any]]:
    """The divisions as a seed file has them."""
    above = [
        {"code": "41", "name_zh": "河南省", "name_en": "Henan"},
        {"code": "4105", "name_zh": "安阳市", "name_en": "Anyang", "parent": "41"},
    ]
    return above + [
        {"code": place.code, "name_zh": place.zh, "name_en": place.en, "parent": "4105"} for place in PLACES
    ]
