"""People who keep the registers: officers of their own for the tests of these pages, and rows for their tables.

Entered as the stage's own officers are, so that no two tests want the same one-time code. Refuses to know the screens.
"""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyotp

from api import sheets
from tests.pages.stage import PASSWORD, Stage
from weld.cli.seed import seed
from weld.cli.town import CREDIT_CODE, DIVISION
from weld.core.identity import identity_check

HEADINGS = [
    "姓名", "身份证号", "手机号", "企业统一社会信用代码", "行政区划代码", "证书种类", "证书编号", "作业类别", "准操项目",
    "有效期起", "有效期止", "发证机关", "备注",
]  # fmt: skip


def clerk(stage: Stage, login: str, *, scope: str = "platform", role: str = "division_regulator") -> str:
    """The login of a new officer with this one role."""
    stage.totp[login] = pyotp.random_base32()
    words = {"login": login, "name": "登记员", "scope": scope, "roles": [role], "password": PASSWORD}
    file = stage.stack.folder / f"{login}.json"
    file.write_text(json.dumps({"officers": [words | {"totp_secret": stage.totp[login]}]}, ensure_ascii=False))
    work = seed(
        file,
        stage.stack.role_url("api"),
        stage.stack.installation.vault,
        now=datetime.now(UTC),
        shards=4,
        say=lambda _: None,
    )
    stage.run(work)
    file.unlink()
    return login


def identity_number(number: int) -> str:
    """A made-up identity number with a good check character; no two alike: a thousand are born on each day."""
    born = date(1985, 1, 1) + timedelta(days=number // 1000)
    first = f"410502{born:%Y%m%d}{number % 1000:03d}"
    return first + identity_check(first)


def row(which: int, /, **changed: str) -> list[str]:
    """A row of an import: a welder with an operation certificate."""
    identity = identity_number(which)
    cells = {
        "name": f"样例{which}",
        "identity": identity,
        "phone": f"1380000{which:04d}",
        "enterprise": CREDIT_CODE,
        "division": DIVISION,
        "kind": "特种作业操作证",
        "number": f"T{identity}",
        "category": "焊接与热切割作业",
        "item": "熔化焊接与热切割作业",
        "valid_from": "2025-01-01",
        "valid_to": "2030-12-31",
        "issuer": "河南省应急管理厅",
        "note": "",
    }
    return list((cells | changed).values())


def table(*rows: list[str]) -> dict[str, Any]:
    """A CSV as a file that somebody chooses."""
    text = "".join(sheets.line(each) for each in [HEADINGS, *rows])
    return {"name": "roster.csv", "mimeType": "text/csv", "buffer": text.encode("utf-8-sig")}
