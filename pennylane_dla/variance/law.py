"""The distribution of the parameters, and the moments of a rotation's angle under it.

A law enters only through its characteristic function ``φ(t) = E[e^{itθ}]``; a fixed gate is the law of a constant, so
one formula serves trainable gates, data, T gates and Cliffords.
"""

from __future__ import annotations

import abc
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pennylane_dla.circuit.ansatz import Angle, Arguments
from pennylane_dla.errors import DLAError

MAX_ANGLE = 1e8  # radians: beyond, a float has not enough digits left to say where on the circle it is


class Law(abc.ABC):
    """The law of one argument: its elements are independent and distributed alike."""

    @abc.abstractmethod
    def characteristic(self, t: float) -> complex:
        """``φ(t) = E[e^{itθ}]``, for ``t ≠ 0``."""

    @abc.abstractmethod
    def draw(self, rng: np.random.Generator, periods: np.ndarray, size: int) -> np.ndarray:
        """Samples of shape ``(size, len(periods))``, for simulation; ``periods`` of the elements."""


@dataclass(frozen=True)
class Uniform(Law):
    """Uniform angles, by default over the common period of the gates an element drives.

    Where the gates have no common period it is the limit of a long window. Both give
    ``φ(t) = 0`` at every frequency that occurs.

    Args:
        low: lower end in radians; together with ``high``, or neither
        high: upper end in radians
    """

    low: float | None = None
    high: float | None = None

    def __post_init__(self):
        if (self.low is None) != (self.high is None):
            raise DLAError("Uniform takes both low and high, or neither (one full period).")
        if self.low is None or self.high is None:
            return
        if not (_finite(self.low, self.high) and self.low < self.high):
            raise DLAError(f"Uniform needs finite low < high; got low={self.low}, high={self.high}.")
        _check_size("Uniform", low=self.low, high=self.high)
        object.__setattr__(self, "low", float(self.low))
        object.__setattr__(self, "high", float(self.high))

    def characteristic(self, t: float) -> complex:
        if self.low is None or self.high is None:
            return 0j
        half = (self.high - self.low) / 2
        return np.exp(0.5j * t * (self.high + self.low)) * np.sinc(t * half / np.pi)

    def draw(self, rng: np.random.Generator, periods: np.ndarray, size: int) -> np.ndarray:
        if self.low is not None and self.high is not None:
            return rng.uniform(self.low, self.high, (size, len(periods)))
        window = np.where(np.isfinite(periods), periods, 2 * np.pi * 10_007)
        return rng.uniform(0, 1, (size, len(periods))) * window


@dataclass(frozen=True)
class Normal(Law):
    """Normally distributed angles.

    Args:
        std: standard deviation in radians
        mean: mean in radians
    """

    std: float
    mean: float = 0.0

    def __post_init__(self):
        if not (_finite(self.std, self.mean) and self.std >= 0):
            raise DLAError(f"Normal needs a finite mean and std ≥ 0; got std={self.std}, mean={self.mean}.")
        _check_size("Normal", std=self.std, mean=self.mean)
        object.__setattr__(self, "std", float(self.std))
        object.__setattr__(self, "mean", float(self.mean))

    def characteristic(self, t: float) -> complex:
        return np.exp(1j * t * self.mean - (t * self.std) ** 2 / 2)

    def draw(self, rng: np.random.Generator, periods: np.ndarray, size: int) -> np.ndarray:
        return rng.normal(self.mean, self.std, (size, len(periods)))


@dataclass(frozen=True)
class Characteristic(Law):
    """Any law, given by its characteristic function.

    Args:
        function: ``t -> E[e^{itθ}]``, with ``function(0) = 1``
    """

    function: Callable[[float], complex]

    def __post_init__(self):
        at_zero = self._value(0.0)
        if not abs(at_zero - 1) < 1e-9:
            raise DLAError(
                f"A characteristic function must be 1 at 0; this one is {at_zero:.6g}. Divide it by that value."
            )

    def _value(self, t: float) -> complex:
        try:
            value = self.function(t)
        except Exception as error:  # whatever the user's function raises
            raise DLAError(
                f"The characteristic function fails at t={t:g} ({type(error).__name__}: {error}). angles takes a law "
                "or a function of one real number t that returns E[exp(itθ)]."
            ) from error
        try:
            return complex(value)
        except (TypeError, ValueError):
            raise DLAError(f"A characteristic function returns a number; this one gave {value!r} at t={t:g}.") from None

    def characteristic(self, t: float) -> complex:
        value = self._value(float(t))
        if not abs(value) <= 1 + 1e-9:
            raise DLAError(f"|φ(t)| exceeds 1 at t={t:g} ({value:.6g}): not a characteristic function.")
        return value

    def draw(self, rng: np.random.Generator, periods: np.ndarray, size: int) -> np.ndarray:
        raise DLAError("A law given by its characteristic function cannot be sampled; use Uniform or Normal.")


class Moments(NamedTuple):
    """Moments of ``α`` that a rotation ``exp(-iαP/2)`` needs: with ``c = cos α``, ``s = sin α``,
    ``E[c], E[s], E[c²], E[s²], E[sc]``."""

    c: float
    s: float
    cc: float
    ss: float
    sc: float

    @classmethod
    def from_characteristic(cls, first: complex, second: complex) -> Moments:
        """From ``φ(1)`` and ``φ(2)`` of ``α``."""
        first, second = complex(first), complex(second)
        return cls(first.real, first.imag, (1 + second.real) / 2, (1 - second.real) / 2, second.imag / 2)


@dataclass(frozen=True, eq=False)
class AngleLaw:
    """The joint law of all trainable elements: independent, one :class:`Law` for each trainable leaf.

    Args:
        laws: one for each of ``arguments.names``
        arguments: the trainable arguments
    """

    laws: tuple[Law, ...]
    arguments: Arguments

    @classmethod
    def resolve(cls, angles, arguments: Arguments) -> AngleLaw:
        """From what a user writes: ``None`` (uniform), a law, a characteristic function, or a
        mapping from argument names to these (others stay uniform)."""
        if isinstance(angles, Mapping):
            top = {name: name.split("[")[0] for name in arguments.names}
            unknown = set(angles) - set(top) - set(top.values())
            if unknown:
                raise DLAError(f"angles: no trainable argument {sorted(map(str, unknown))}; there are {sorted(top)}.")
            chosen = [angles.get(name, angles.get(top[name])) for name in arguments.names]
        else:
            chosen = [angles] * len(arguments.names)
        return cls(tuple(_as_law(c) for c in chosen), arguments)

    @property
    def uniform(self) -> bool:
        """Whether every element has the default law."""
        return all(law == Uniform() for law in self.laws)

    def law_of(self, element: int) -> Law:
        """The law of one element."""
        return self.laws[int(np.searchsorted(self._ends, element, side="right"))]

    @property
    def _ends(self) -> np.ndarray:
        return np.cumsum([int(np.prod(shape)) for shape in self.arguments.shapes])

    def characteristic(self, angle: Angle, t: float) -> complex:
        """``E[e^{itα}]`` of an angle; ``nan`` where its value is data that is not known."""
        if t == 0:
            return 1.0
        value = np.exp(1j * t * angle.offset)
        if not angle.affine:  # its own parameter, uniform
            return 0.0
        for element, coefficient in zip(angle.elements, angle.coefficients, strict=True):
            value *= self.law_of(element).characteristic(t * coefficient)
        return value

    def moments(self, angle: Angle) -> Moments:
        """What a rotation by a single string needs."""
        if angle.fixed:  # exact zeros for Cliffords
            quarter = angle.offset / (np.pi / 2)
            if np.isfinite(quarter) and abs(quarter - round(quarter)) < 1e-9:
                c, s = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][round(quarter) % 4]
                return Moments(c, s, c * c, s * s, 0.0)
        return Moments.from_characteristic(self.characteristic(angle, 1.0), self.characteristic(angle, 2.0))

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Samples of all elements, shape ``(size, num_elements)``."""
        parts, start = [np.zeros((size, 0))], 0
        for law, end in zip(self.laws, self._ends, strict=True):
            parts.append(law.draw(rng, self.arguments.periods[start:end], size))
            start = end
        return np.concatenate(parts, axis=1)


def _check_size(name: str, **angles) -> None:
    for key, value in angles.items():
        if abs(float(value)) > MAX_ANGLE:
            raise DLAError(
                f"{name}: {key}={float(value):g} is beyond {MAX_ANGLE:g} radians, where a float no longer says "
                "where on the circle it is. Use dla.Uniform() for angles that may be anywhere."
            )


def _finite(*values) -> bool:
    """Whether all are finite real numbers (arrays without axes count)."""
    try:
        return all(np.ndim(v) == 0 and np.isrealobj(v) and _is_number(v) and np.isfinite(float(v)) for v in values)
    except OverflowError:  # an integer beyond the floats
        return False


def _is_number(value) -> bool:
    return isinstance(value, numbers.Real) or (hasattr(value, "dtype") and np.issubdtype(value.dtype, np.number))


def _as_law(given) -> Law:
    if given is None:
        return Uniform()
    if isinstance(given, Law):
        return given
    if callable(given):
        return Characteristic(given)  # pyright: ignore[reportArgumentType]: it asks for values itself
    raise DLAError(
        f"angles={given!r} is not a law: use dla.Uniform(), dla.Normal(std), a characteristic function, "
        "or a dictionary from argument names to these."
    )
