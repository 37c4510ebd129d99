"""Names of simple Lie algebras and readable integers."""

import pytest

from pennylane_dla.algebra.naming import format_dimension, format_size, simple


@pytest.mark.parametrize(
    "family, size, expected",
    [
        ("so", 2, ("u(1)", 1, 1)),
        ("so", 3, ("su(2)", 3, 1)),
        ("sp", 2, ("su(2)", 3, 1)),
        ("so", 4, ("su(2)", 3, 2)),
        ("sp", 4, ("so(5)", 10, 1)),
        ("so", 5, ("so(5)", 10, 1)),
        ("so", 6, ("su(4)", 15, 1)),
        ("so", 8, ("so(8)", 28, 1)),
        ("sp", 8, ("sp(8)", 36, 1)),
        ("su", 2**40, ("su(2^40)", 4**40 - 1, 1)),
    ],
)
def test_one_name_for_each_algebra(family, size, expected):
    assert simple(family, size) == expected
    name, dim, copies = expected
    total = {"so": size * (size - 1) // 2, "sp": size * (size + 1) // 2, "su": size**2 - 1}[family]
    assert dim * copies == total


@pytest.mark.parametrize(
    "value, text",
    [
        (0, "0"),
        (255, "255"),
        (-3, "-3"),
        (10**14, "100000000000000"),
        (4**1000 - 1, "4^1000 − 1 ≈ 1.1e602"),
        (2 * 4**1000, "2^2001 ≈ 2.3e602"),
        (10**400 - 1, "≈ 1.0e400"),
        (999 * 10**400, "≈ 1.0e403"),
        (994 * 10**400, "≈ 9.9e402"),
        (-(10**20), "≈ -1.0e20"),
    ],
)
def test_readable_integers(value, text):
    assert format_dimension(value) == text


def test_beyond_what_python_prints():
    """``str`` refuses integers of more than 4300 digits."""
    assert format_dimension(123 * 10**5000) == "≈ 1.2e5002"


def test_sizes_inside_names():
    assert format_size(2**20) == "1048576"
    assert format_size(2**21) == "2^21"
    assert format_size(2000) == "2000"
