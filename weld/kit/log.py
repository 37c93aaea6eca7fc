"""Logs: events with constant names and data in keywords, one chain for all processes, to stderr.

`configure` once per process, which puts its name and number into every line; then `structlog.get_logger()` anywhere. Ids are
bound once, where their work begins, with structlog.contextvars, and tasks started from there carry them on: the worker,
the shard, the command and its chip, the delivery, the request; never a person's. What other libraries log through
`logging` goes the same way.
Refuses personal numbers: a line of text that holds an identity number (18 characters, also inside T + 18) or a mobile
number becomes "[refused]" and is counted, so that the mistake is seen and the person is not.
"""

import logging
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping

import structlog
from prometheus_client import Counter
from structlog.typing import EventDict, Processor, WrappedLogger

REFUSED = "[refused]"

_refused = Counter("weldgate_log_refused", "Lines of log text refused because they held a personal number")

# Digits on both sides would make it another number: a millisecond epoch has 13, a nanosecond epoch 19.
_PERSONAL = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|(?:0086|86)?1[3-9]\d{9})(?!\d)")

# Random ids and hashes hold such runs by chance: a UUID, or 32 and more hex digits with at least one letter in them.
# A 17-character plate is 6 digits, a letter, 9 digits and a check character: no run in it is long enough.
_RANDOM = re.compile(
    r"(?<![0-9a-zA-Z])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?=[0-9]*[a-f])[0-9a-f]{32,})(?![0-9a-zA-Z])",
    re.IGNORECASE,
)

# These print for themselves and cannot hold a personal number as text.
_PLAIN = (bool, int, float, type(None))


def configure(process: str, *, json: bool, level: int = logging.INFO) -> None:
    """Set up structlog and logging for this process; later calls replace earlier ones."""
    shared = _shared(process)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # modules make their loggers before this is called
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared, json=json))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # httpx writes down whole addresses; those of receivers may hold their secrets
    logging.getLogger("httpx").setLevel(logging.WARNING)
    _take_over_uvicorn()


def _shared(process: str) -> list[Processor]:
    pid = os.getpid()

    def name_the_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"], event["pid"] = process, pid
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        name_the_process,
    ]


def _formatter(shared: list[Processor], *, json: bool) -> logging.Formatter:
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False) if json else plain
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            refuse_personal_numbers,  # after the exception has become text, before anything is printed
            renderer,
        ],
    )


def _take_over_uvicorn() -> None:
    """It brings handlers of its own, which would go round the chain."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def refuse_personal_numbers(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The processor: everything that will be printed, keys included, line by line."""
    return {_clean_text(str(key)): _clean(value) for key, value in event.items()}


def _clean(value: object) -> object:
    match value:
        case str():
            return _clean_text(value)
        case _ if isinstance(value, _PLAIN):
            return value
        case Mapping():
            return {_clean_text(str(key)): _clean(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(inner) for inner in value]
        case bytes() | bytearray():
            return _clean_text(value.decode("utf-8", "backslashreplace"))
        case _:
            return _clean_text(_printed(value))


def _printed(value: object) -> str:
    """As text now and not later in the renderer, where nobody would look at it any more."""
    show: Callable[[object], str] = str if isinstance(value, BaseException) else repr
    try:
        return show(value)
    except Exception as error:  # noqa: BLE001 - a log line must not end the work that it tells of
        return f"<{type(value).__name__}: {type(error).__name__} while printing>"


def _clean_text(text: str) -> str:
    if not _holds_personal_number(text):
        return text
    lines = text.split("\n")
    cleaned = [REFUSED if _holds_personal_number(line) else line for line in lines]
    _refused.inc(sum(line == REFUSED for line in cleaned) or 1)
    return "\n".join(cleaned)


def _holds_personal_number(text: str) -> bool:
    if not any(character.isdigit() for character in text):
        return False
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)  # full-width digits are digits too
    return _PERSONAL.search(_RANDOM.sub(" ", plain)) is not None
