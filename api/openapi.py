"""The OpenAPI document, made from the routes without a server. Refuses to be edited by hand: it is generated and compared."""

from typing import Any

from api.app import routes


def document() -> dict[str, Any]:
    """OpenAPI 3.1 of everything under the public port; `x-rule` names who may call what."""
    found = routes().openapi()
    for methods in found["paths"].values():
        for operation in methods.values():
            if operation["x-rule"] in {"public", "open"}:
                operation.pop("security", None)  # a token is looked at everywhere, but here it is not asked for
    return found
