"""Laws of the angles: moments against numerical integration, and what is refused."""

import numpy as np
import pytest

from pennylane_dla.circuit.ansatz import Angle, Arguments
from pennylane_dla.errors import DLAError
from pennylane_dla.variance.law import AngleLaw, Characteristic, Moments, Normal, Uniform


def arguments(*shapes):
    size = sum(int(np.prod(s)) for s in shapes)
    names = tuple("abc"[: len(shapes)])
    return Arguments(names, tuple(shapes), np.full(size, 2 * np.pi), lambda rows: rows)


def integrated(law, scale, offset):
    """Moments of ``α = scale θ + offset`` by quadrature on a fine grid."""
    if isinstance(law, Normal):
        x, w = np.polynomial.hermite_e.hermegauss(60)
        theta, weights = law.mean + law.std * x, w / w.sum()
    else:
        x, w = np.polynomial.legendre.leggauss(60)
        theta, weights = (law.low + law.high) / 2 + (law.high - law.low) / 2 * x, w / 2
    c, s = np.cos(scale * theta + offset), np.sin(scale * theta + offset)
    return Moments(*(float(weights @ v) for v in (c, s, c * c, s * s, s * c)))


@pytest.mark.parametrize("law", [Normal(0.1), Normal(0.3, mean=0.7), Normal(0.0, mean=1.1), Uniform(-0.2, 0.9)])
@pytest.mark.parametrize("scale, offset", [(1.0, 0.0), (-2.0, 0.4)])
def test_moments(law, scale, offset):
    joint = AngleLaw.resolve(law, arguments((2,)))
    moments = joint.moments(Angle(offset, (1,), (scale,)))
    np.testing.assert_allclose(moments, integrated(law, scale, offset), atol=1e-12)


def test_uniform_over_the_period_has_no_moments_but_squares():
    joint = AngleLaw.resolve(None, arguments((1,)))
    assert joint.uniform
    assert joint.moments(Angle(0.3, (0,), (2.0,))) == Moments(0, 0, 0.5, 0.5, 0)


def test_sums_of_elements_multiply():
    joint = AngleLaw.resolve({"a": Normal(0.2), "b": Normal(0.5, mean=0.1)}, arguments((1,), (1,)))
    moments = joint.moments(Angle(0.0, (0, 1), (1.0, 3.0)))
    together = AngleLaw.resolve(Normal(np.hypot(0.2, 1.5), mean=0.3), arguments((1,)))
    np.testing.assert_allclose(moments, together.moments(Angle(0.0, (0,), (1.0,))), atol=1e-14)


@pytest.mark.parametrize("quarters", range(-3, 5))
def test_fixed_quarter_turns_are_exact(quarters):
    joint = AngleLaw.resolve(None, arguments((1,)))
    moments = joint.moments(Angle(quarters * np.pi / 2))
    assert set(np.abs(moments)) <= {0.0, 1.0} and moments.cc + moments.ss == 1


def test_a_law_for_one_argument_only():
    joint = AngleLaw.resolve({"b": Normal(0.1)}, arguments((2,), (2, 2)))
    assert not joint.uniform
    assert joint.law_of(1) == Uniform() and joint.law_of(2) == Normal(0.1) and joint.law_of(5) == Normal(0.1)


def test_draws_have_the_characteristic_function():
    """Mean of ``e^{iθ}`` over 40,000 draws; standard error below 0.005, tolerance four of them."""
    rng = np.random.default_rng(1)
    for law in (Normal(0.4, 0.2), Uniform(0.0, 1.0)):
        draws = AngleLaw.resolve(law, arguments((1,))).draw(rng, 40_000)
        assert abs(np.exp(1j * draws).mean() - law.characteristic(1.0)) < 0.02


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: Normal(-0.1), "std=-0.1"),
        (lambda: Normal(np.nan), "std=nan"),
        (lambda: Normal(0.1, mean=np.inf), "mean=inf"),
        pytest.param(lambda: Normal("wide"), "wide", marks=pytest.mark.wrong_types),
        (lambda: Uniform(1.0), "both"),
        (lambda: Uniform(1.0, 1.0), "low < high"),
        (lambda: Uniform(0.0, np.inf), "low < high"),
        pytest.param(lambda: Uniform("a", "b"), "low < high", marks=pytest.mark.wrong_types),
        (lambda: Characteristic(lambda t: 0.5), "must be 1 at 0"),
        (lambda: Characteristic(lambda t: np.nan), "must be 1 at 0"),
        (lambda: Characteristic(lambda t: "one"), "number"),
        (lambda: Characteristic(np.cosh).characteristic(1.0), "exceeds 1"),
        (lambda: Characteristic(np.cos).draw(np.random.default_rng(0), np.ones(1), 1), "cannot be sampled"),
        (lambda: AngleLaw.resolve({"d": Normal(0.1)}, arguments((1,))), "no trainable argument"),
        (lambda: AngleLaw.resolve(0.1, arguments((1,))), "is not a law"),
    ],
)
def test_bad_laws(build, words):
    with pytest.raises(DLAError, match=words):
        build()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Uniform(-1e308, 1e308),
        lambda: Uniform(0, 1e9),
        lambda: Normal(1e300),
        lambda: Normal(10**400),
        lambda: Normal(0.1, mean=-1e200),
    ],
)
def test_angles_without_digits_are_refused(make):
    with pytest.raises(DLAError, match="radians|finite"):
        make()
