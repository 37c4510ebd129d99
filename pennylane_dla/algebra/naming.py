"""Names of the simple Lie algebras, one for each, and readable huge integers.

Small isomorphisms are resolved in favour of the ``su`` name, then ``so``:
``so(2) = u(1)``, ``so(3) = sp(2) = su(2)``, ``so(4) = 2 su(2)``, ``sp(4) = so(5)``, ``so(6) = su(4)``.
``sp(2^g)`` is the compact symplectic algebra of ``2^g × 2^g`` matrices, of dimension ``2^{g-1}(2^g + 1)``
(rank ``2^{g-1}``; some papers write ``sp(2^{g-1})`` for it).
"""

from __future__ import annotations

import math

EXPLICIT_DIGITS = 15  # integers up to this length are written out
EXPLICIT_POWER = 20  # powers of two up to 2^20 are written out inside names


def simple(family: str, size: int) -> tuple[str, int, int]:
    """The resolved name of ``family(size)``.

    Args:
        family: ``"su"``, ``"so"``, ``"sp"`` or ``"u"``
        size: dimension of the defining matrices

    Returns:
        name, dimension of one simple factor, number of factors (2 for ``so(4)``, else 1)

    **Example**

    >>> simple("so", 4), simple("sp", 4), simple("so", 6)
    (('su(2)', 3, 2), ('so(5)', 10, 1), ('su(4)', 15, 1))
    """
    copies = 1
    if family == "so" and size == 2:
        family, size = "u", 1
    elif (family, size) in (("so", 3), ("sp", 2)):
        family, size = "su", 2
    elif family == "so" and size == 4:
        family, size, copies = "su", 2, 2
    elif family == "sp" and size == 4:
        family, size = "so", 5
    elif family == "so" and size == 6:
        family, size = "su", 4
    dim = {
        "u": 1,
        "su": size * size - 1,
        "so": size * (size - 1) // 2,
        "sp": size * (size + 1) // 2,
    }[family]
    return f"{family}({format_size(size)})", dim, copies


def format_size(size: int) -> str:
    """``"16"``, and ``"2^1000"`` for large powers of two.

    >>> format_size(48), format_size(2**1000)
    ('48', '2^1000')
    """
    exponent = size.bit_length() - 1
    if exponent > EXPLICIT_POWER and size == 1 << exponent:
        return f"2^{exponent}"
    return format_dimension(size)


def format_dimension(value: int) -> str:
    """An integer as people read it: small ones in full, ``4^n − 1`` as such, others rounded.

    >>> format_dimension(496), format_dimension(4**1000 - 1)
    ('496', '4^1000 − 1 ≈ 1.1e602')
    >>> format_dimension(2**30 * 2001), format_dimension(2**1000)
    ('2148557389824', '2^1000 ≈ 1.1e301')
    """
    magnitude = abs(value)
    if magnitude < 10**EXPLICIT_DIGITS:
        return str(value)
    sign = "-" if value < 0 else ""
    rounded = f"{sign}{_rounded(magnitude)}"
    exponent = magnitude.bit_length() - 1
    if magnitude == 1 << exponent:
        return f"{sign}2^{exponent} ≈ {rounded}"
    if magnitude & (magnitude + 1) == 0 and exponent % 2 and not sign:
        return f"4^{(exponent + 1) // 2} − 1 ≈ {rounded}"
    return f"≈ {rounded}"


def _rounded(value: int) -> str:
    """Two significant digits: ``1.1e602``, from the leading digits only (decimal conversion of a
    huge integer is quadratic, and Python limits it)."""
    digits = int(math.log10(value)) if value < 2**1000 else _digits(value)
    mantissa = float(value * 10**20 // 10**digits) / 1e20
    if mantissa >= 9.95:  # rounds up to the next power, or the logarithm was one short
        mantissa, digits = mantissa / 10, digits + 1
    return f"{mantissa:.1f}e{digits}"


def _digits(value: int) -> int:
    """Largest ``d`` with ``10^d <= value``."""
    shift = value.bit_length() - 64
    digits = int(math.log10(value >> shift) + shift * math.log10(2))
    while 10 ** (digits + 1) <= value:
        digits += 1
    while 10**digits > value:
        digits -= 1
    return digits
