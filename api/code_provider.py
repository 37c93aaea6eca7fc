"""One-time codes leave here: the port that carries a code to a phone, the console as its simplest form, and HTTP.

The console names the request and never the phone, so that its output holds nothing personal; of a message that did not leave
the log tells the request and the kind of failure. Refuses to make codes, and to log a phone, a code or a template.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import httpx
import structlog

from api.settings import ApiSettings

log = structlog.get_logger()


class CodeProvider(Protocol):
    """Carries a code to a phone; an error here is the provider's, the worker asks again."""

    async def send(self, phone: str, code: str, request: UUID) -> None: ...


class ConsoleProvider:
    """Prints the code on stdout, for smoke, tests and the demo."""

    async def send(self, phone: str, code: str, request: UUID) -> None:  # noqa: ARG002 - the phone is not to be seen
        sys.stdout.write(f"one-time code {code} for request {request}\n")
        sys.stdout.flush()


class HttpProvider:
    """Posts the code to whoever sends messages for the installation. Follows no redirect: it would get the phone number."""

    def __init__(self, settings: ApiSettings) -> None:
        """ValueError where the template is no JSON or leaves the code or the phone out."""
        self._template = json.loads(settings.sms_body)
        if not all(word in settings.sms_body for word in ("{phone}", "{code}")):
            raise ValueError("WELDGATE_SMS_BODY lacks {phone} or {code}")
        self._url = settings.sms_url
        self._within_s = settings.sms_within_s
        self._minutes = str(max(1, settings.api_code_lasts_s // 60))
        file = settings.sms_authorization_file
        self._headers = {} if file is None else {"Authorization": file.read_text(encoding="utf-8").strip()}

    async def send(self, phone: str, code: str, request: UUID) -> None:
        body = _filled(self._template, {"{phone}": phone, "{code}": code, "{minutes}": self._minutes})
        try:
            async with httpx.AsyncClient(timeout=self._within_s, follow_redirects=False, trust_env=False) as client:
                answer = await client.post(self._url, json=body, headers=self._headers)
        except httpx.HTTPError as error:
            log.warning("code_not_sent", request=str(request), error=type(error).__name__)
            return
        if not answer.is_success:
            log.warning("code_not_sent", request=str(request), status=answer.status_code)


def provider_of(settings: ApiSettings) -> CodeProvider:
    """What carries codes in this installation."""
    return HttpProvider(settings) if settings.sms_url else ConsoleProvider()


def _filled(template: Any, words: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    match template:
        case dict():
            return {key: _filled(value, words) for key, value in template.items()}
        case list():
            return [_filled(value, words) for value in template]
        case str():
            for mark, word in words.items():
                template = template.replace(mark, word)
            return template
        case _:
            return template
