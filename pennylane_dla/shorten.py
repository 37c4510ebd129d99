"""Text that has to fit a place."""


def shorten(text: str, width: int) -> str:
    """The text, cut to ``width`` characters where it is longer.

    >>> shorten("expval(Z(0) @ Z(1))", 10), shorten("expval", 10)
    ('expval(Z(…', 'expval')
    """
    return text if len(text) <= width else text[: width - 1] + "…"
