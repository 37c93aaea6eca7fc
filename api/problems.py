"""Every no of the interface in one shape: codes from the closed list, texts in the language asked for, one status each.

Refuses to repeat what was sent (it may be personal) and to tell internals.
"""

from collections.abc import Sequence
from uuid import UUID

from fastapi.responses import JSONResponse

from schemas import http
from weld.core.law import Language
from weld.core.reasons import REASONS, ReasonCode

# 403: this person may not, whatever the machine; 409: not now; the rest as HTTP has it.
_NOT_QUALIFIED: frozenset[ReasonCode] = frozenset(
    {
        "no_certificate",
        "certificate_unverified",
        "certificate_expired",
        "certificate_not_yet_valid",
        "review_overdue",
        "certificate_revoked",
        "certificate_cancelled",
        "certificate_suspended",
        "certificate_suspected_fake",
        "wrong_item",
        "wrong_domain",
        "worker_suspended",
        "under_age",
        "over_age",
        "off_post",
        "verification_stale",
        "not_allowed",
    }
)
_STATUS: dict[ReasonCode, int] = {
    "unknown_plate": 404,
    "plate_check_failed": 404,
    "not_found": 404,
    "signed_out": 401,
    "code_wrong": 401,
    "code_expired": 401,
    "sign_in_wrong": 401,
    "sign_in_held": 429,
    "step_up_required": 403,
    "passkey_refused": 403,
    "single_sign_on_refused": 403,
    "device_waiting": 403,
    "cross_origin": 403,
    "sign_in_again": 403,
    "too_many_attempts": 429,
    "too_many_codes": 429,
    "idempotency_key_reused": 422,
    "idempotency_key_missing": 422,
    "bad_request": 422,
    "platform_unavailable": 503,
    "internal_error": 500,
}


class RefusedError(Exception):
    """The answer is no, and nothing of this request is to stay: the transaction rolls back."""

    def __init__(
        self,
        *reasons: ReasonCode,
        detail: str | None = None,
        status: int | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(", ".join(reasons))
        self.reasons = reasons
        self.detail = detail
        self.status = status or status_of(reasons)
        self.retry_after_s = retry_after_s


def status_of(reasons: Sequence[ReasonCode]) -> int:
    """403 as soon as the person does not qualify, else the first reason's own, else 409."""
    if any(reason in _NOT_QUALIFIED for reason in reasons):
        return 403
    return _STATUS.get(reasons[0], 409)


def problem(
    reasons: Sequence[ReasonCode], language: Language, request_id: UUID, detail: str | None = None
) -> http.Problem:
    """The body of a refusal."""
    lines = [_line(reason, language) for reason in reasons]
    return http.Problem(error=reasons[0], detail=detail or lines[0].text, reasons=lines, request_id=request_id)


def answer(
    reasons: Sequence[ReasonCode],
    language: Language,
    request_id: UUID,
    *,
    detail: str | None = None,
    status: int | None = None,
    retry_after_s: int | None = None,
) -> JSONResponse:
    """The response of a refusal; returned from an endpoint it leaves what was written to be committed."""
    body = problem(reasons, language, request_id, detail).model_dump(mode="json")
    headers: dict[str, str] = {}
    code = status or status_of(reasons)
    if code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if code in {429, 503}:
        headers["Retry-After"] = str(retry_after_s or (60 if code == 429 else 5))
    return JSONResponse(body, code, headers)


def _line(code: ReasonCode, language: Language) -> http.Reason:
    reason = REASONS[code]
    return http.Reason(
        code=code,
        text=reason.text.in_language(language),
        way_out=reason.way_out.in_language(language),
        basis=reason.basis.in_language(language) if reason.basis else None,
    )


def language_of(header: str | None) -> Language:
    """The first of our languages that Accept-Language prefers; Chinese where it names none."""
    best: tuple[float, Language] = (0.0, "zh")
    for part in (header or "").split(","):
        name, _, rest = part.strip().lower().partition(";")
        language: Language | None = "zh" if name.startswith("zh") else "en" if name.startswith("en") else None
        weight = _weight(rest)
        if language is not None and weight > best[0]:
            best = (weight, language)
    return best[1]


def _weight(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q=") or "1")
    except ValueError:
        return 0.0
