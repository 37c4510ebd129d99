"""Numbers that a user passes, checked at the door."""

from __future__ import annotations

import math
import numbers

from .errors import DLAError


def whole_number(name: str, value, least: int, most: int | None = None, advice: str = "") -> int:
    """An integer within bounds; a bool is none.

    Args:
        name: of the argument, for the message
        value: as passed
        least: smallest allowed
        most: largest allowed; ``None`` for no limit
        advice: what to do, a sentence

    Raises:
        DLAError: for anything else

    >>> whole_number("max_dim", 16, 1)
    16
    """
    number = int(value) if isinstance(value, numbers.Integral) and not isinstance(value, bool) else None
    if number is None or number < least:
        shown = repr(value)
    elif most is None or number <= most:
        return number
    else:
        shown = repr(value) if number.bit_length() < 200 else f"an integer of {number.bit_length()} bits"
    wanted = f"an integer of at least {least}" if most is None else f"an integer from {least} to {most:.3g}"
    raise DLAError(f"{name}={shown}: it must be {wanted}.{' ' if advice else ''}{advice}")


def positive_number(name: str, value, advice: str, finite: bool = False, zero: bool = False) -> float:
    """A positive real number; infinity where ``finite`` is false, 0 where ``zero`` is true.

    Args:
        name: of the argument, for the message
        value: as passed
        advice: what to do, a sentence
        finite: whether infinity is refused
        zero: whether 0 is allowed

    Raises:
        DLAError: for anything else, and for what no float can hold
    """
    try:
        number = float(value) if isinstance(value, numbers.Real) else math.nan
    except OverflowError:
        number = math.nan
    if isinstance(value, bool) or not (number > 0 or (zero and number == 0)) or (finite and math.isinf(number)):
        shown = "too large a number" if isinstance(value, int) and value > 0 and math.isnan(number) else repr(value)
        raise DLAError(f"{name}={shown}: it must be a positive number{', or 0' if zero else ''}. {advice}")
    return number


def index_of(name: str, value, count: int, owner: str) -> int:
    """A position in a sequence, negative ones from the end, as a position from the start.

    Args:
        name: of the argument, for the message
        value: as passed
        count: of what is there
        owner: whose they are

    Raises:
        DLAError: for no integer, and out of range
    """
    number = int(value) if isinstance(value, numbers.Integral) and not isinstance(value, bool) else None
    if number is None or not -count <= number < count:
        raise DLAError(f"{name}={value!r}: {owner} has {count} measurements, counted from 0.")
    return number % count
