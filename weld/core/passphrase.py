"""Whether a password that a person chose is worth having. Refuses to compare and to hash: password.py does.

Length counts most (at least twelve characters); what stands on every list of guesses, repeats itself or holds the login is
refused, as it would be among the first that are tried.
"""

import unicodedata
from typing import Final

from weld.core.fault import Fault

SHORTEST: Final = 12
_DISTINCT = 6
_GUESSED = (
    "password", "passw0rd", "weldgate", "welding", "admin", "qwerty", "asdfgh", "123456", "654321", "111111", "000000",
    "iloveyou", "letmein", "welcome", "abc123", "changeme", "default", "secret", "1q2w3e", "woaini", "hanma", "demo-",
)  # fmt: skip


def password_fault(chosen: str, login: str) -> Fault | None:
    """Why this password is refused for this login."""
    plain = unicodedata.normalize("NFKC", chosen).lower()
    if len(plain) < SHORTEST:
        return Fault("short", f"at least {SHORTEST} characters are needed", zh=f"至少要 {SHORTEST} 个字符")
    if len(set(plain)) < _DISTINCT:
        return Fault(
            "repeats", f"at least {_DISTINCT} different characters are needed", zh=f"至少要有 {_DISTINCT} 个不同的字符"
        )
    if login and login.lower() in plain:
        return Fault("login", "it must not hold the login", zh="不能包含账号")
    rest = plain
    for word in _GUESSED:
        rest = rest.replace(word, "")
    if len(rest) < SHORTEST - 4:
        return Fault("guessed", "it is among the first that are guessed", zh="太容易被猜到，换一个")
    return None
