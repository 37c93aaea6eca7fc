"""Why a number or a code is wrong: one shape for plates, identity numbers, credit codes, certificate numbers and phones.

Refuses to repeat the number: the text may be shown, logged and sent where the number may not.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """`code` for programs, `position` (the first character is 1) where one character is to blame, `text` for people."""

    code: str
    text: str
    position: int | None = None


def shape_fault(text: str, alphabets: tuple[str, ...]) -> Fault | None:
    """The first character that is not in its place's alphabet, or the wrong length."""
    if len(text) != len(alphabets):
        return Fault("length", f"{len(alphabets)} characters are needed, there are {len(text)}")
    for position, (character, alphabet) in enumerate(zip(text, alphabets, strict=True), start=1):
        if character not in alphabet:
            return Fault("character", f"character {position} must be one of {alphabet}", position)
    return None
