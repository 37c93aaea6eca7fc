"""The texts on personal data that workers are asked to agree to: dated files, Chinese and English, the newest in force.

A file is never edited once it was in force: who agreed to which version must stay readable. Refuses a version in one language.
"""

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "consents"


class ConsentTextError(ValueError):
    """The texts cannot be used; the message says what is missing."""


class Text(NamedTuple):
    """One version in both languages."""

    version: date
    zh: str
    en: str


def read(folder: Path) -> tuple[Text, ...]:
    """All versions, oldest first."""
    files = {file.name: file.read_text(encoding="utf-8").strip() for file in sorted(folder.glob("*.txt"))}
    days = sorted({name.split(".")[0] for name in files})
    try:
        texts = tuple(Text(date.fromisoformat(day), files[f"{day}.zh.txt"], files[f"{day}.en.txt"]) for day in days)
    except (KeyError, ValueError) as error:
        raise ConsentTextError(f"{folder.name}: {error}: each version is DAY.zh.txt and DAY.en.txt") from None
    if len(files) != 2 * len(texts) or not texts:
        raise ConsentTextError(f"{folder.name}: each version is DAY.zh.txt and DAY.en.txt")
    return texts


@cache
def shipped() -> tuple[Text, ...]:
    """The texts of this program."""
    return read(FOLDER)


def newest(texts: Sequence[Text], today: date) -> Text:
    """The version in force on a day; the first for days before all of them."""
    begun = [text for text in texts if text.version <= today]
    return begun[-1] if begun else texts[0]
