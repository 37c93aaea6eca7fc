"""What a screen shows of a person: enough to recognise somebody one knows, not enough to learn who it is.

Refuses to unmask: reading the full value is another right and leaves an audit row.
"""


def mask_name(name: str) -> str:
    """The family name's first character: 张**."""
    return name[:1] + "*" * (len(name) - 1) if len(name) > 1 else "*"


def mask_phone(phone: str) -> str:
    """The first three and the last four digits: 138****1234."""
    return _middle_hidden(phone, 3, 4)


def mask_identity(number: str) -> str:
    """The first three and the last four characters: 410***********1234."""
    return _middle_hidden(number, 3, 4)


def _middle_hidden(text: str, first: int, last: int) -> str:
    hidden = len(text) - first - last
    if hidden < 4:  # so short that the rest would give it away
        return "*" * len(text)
    return text[:first] + "*" * hidden + text[-last:]
