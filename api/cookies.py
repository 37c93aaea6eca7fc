"""The cookies of our own pages: how a sign-in is put into one, read back and taken away, and the proof that a page is ours.

Refuses a cookie for whatever changes something unless the browser says that the request comes from our own origin.
SameSite=Strict holds back the cookie of a first page that is opened from another app only; what that page then asks for
brings it.
"""

from typing import Final, Literal

from fastapi import Request, Response

from api.parts import parts_of
from api.problems import RefusedError
from api.settings import ApiSettings

Name = Literal["wg_worker", "wg_device", "wg_staff", "wg_errand"]
WORKER: Final = "wg_worker"
DEVICE: Final = "wg_device"
STAFF: Final = "wg_staff"
ERRAND: Final = "wg_errand"

_SAFE = {"GET", "HEAD"}


def put(
    response: Response,
    settings: ApiSettings,
    name: Name,
    token: str,
    lasts_s: int,
    *,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """The browser keeps this token where no script reads it. `lax` for what must come along from another site's link."""
    response.set_cookie(
        *(_full_name(settings, name), token),
        max_age=lasts_s,
        path="/",
        secure=_by_https(settings),
        httponly=True,
        samesite=same_site,
    )


def written(settings: ApiSettings, name: Name, token: str, lasts_s: int) -> tuple[str, str]:
    """The cookie's name and the header that sets it, for an answer that somebody else makes."""
    response = Response()
    put(response, settings, name, token, lasts_s)
    return _full_name(settings, name), response.headers["set-cookie"]


def clear(response: Response, settings: ApiSettings, name: Name) -> None:
    """The browser forgets it."""
    put(response, settings, name, "", 0)


def read(request: Request, name: Name) -> str | None:
    """The token in this cookie."""
    return request.cookies.get(_full_name(parts_of(request).settings, name)) or None


def proven(request: Request, name: Name) -> str | None:
    """The token in this cookie, for signing in with; RefusedError where it would change something for another's page."""
    token = read(request, name)
    if token is not None and request.method not in _SAFE and not _is_ours(request):
        raise RefusedError("cross_origin")
    return token


def refuse_foreign(request: Request) -> None:
    """RefusedError for a browser's request from another origin: nobody is signed in to somebody else's account."""
    if _is_ours(request) is False:
        raise RefusedError("cross_origin")


def _is_ours(request: Request) -> bool | None:
    """Whether our own page sent it; None where nothing tells, as with a program."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site == "same-origin"
    if origin is None:
        return None
    # Browsers say Sec-Fetch-Site to secure addresses only, and old ones never. A proxy may have taken the TLS off.
    settings = parts_of(request).settings
    return origin in {f"{request.url.scheme}://{request.headers.get('host')}", settings.public_url}


def _full_name(settings: ApiSettings, name: Name) -> str:
    # The prefix makes the browser refuse such a cookie from a neighbouring host, or without TLS.
    return f"__Host-{name}" if _by_https(settings) else name


def _by_https(settings: ApiSettings) -> bool:
    return settings.public_url.startswith("https://")
