"""Why a number or a code is wrong: one shape for plates, identity numbers, credit codes, certificate numbers and phones.

Refuses to repeat the number: the text may be shown, logged and sent where the number may not.
"""

from dataclasses import dataclass

from weld.core.law import Words


@dataclass(frozen=True, slots=True)
class Fault:
    """`code` for programs, `position` (the first character is 1) where one character is to blame, `text` for people; `zh` is the
    same in Chinese where people of an office read it."""

    code: str
    text: str
    position: int | None = None
    zh: str = ""

    @property
    def words(self) -> Words:
        """The text in both languages; English stands in where there is no other."""
        return Words(self.zh or self.text, self.text)


def shape_fault(text: str, alphabets: tuple[str, ...]) -> Fault | None:
    """The first character that is not in its place's alphabet, or the wrong length."""
    needed, found = len(alphabets), len(text)
    if found != needed:
        return Fault(
            "length", f"{needed} characters are needed, there are {found}", zh=f"应有 {needed} 位，实有 {found} 位"
        )
    for position, (character, alphabet) in enumerate(zip(text, alphabets, strict=True), start=1):
        if character not in alphabet:
            return Fault(
                "character",
                f"character {position} must be one of {alphabet}",
                position,
                f"位置 {position} 只能是 {alphabet} 中的一个",
            )
    return None
