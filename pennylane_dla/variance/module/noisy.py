r"""Exact variances for sums of strings with Pauli noise: covariances on all strings that are reached.

Pauli noise multiplies a string by a factor, so that on strings a covariance is multiplied by ``λλᵀ``. Noise between
the gates of one argument (an error after each gate of a QAOA layer) does not commute with them, and the layer is no
longer one rotation. It still is a matrix ``T(u)`` on strings that is a trigonometric polynomial in the one angle ``u``,
so that

.. math:: E[T c c^T T^T] = \sum_j w_j\, T(u_j)\, E[c c^T]\, T(u_j)^T

over finitely many points is exact for every law: the weights are made from its characteristic function at the
frequencies that occur. ``dT/du`` gives the derivative in the same way.

The covariance is that of :mod:`~pennylane_dla.variance.module`, noise acts as in :mod:`~pennylane_dla.variance.exact`.

Source: Diaz et al., arXiv:2310.11505, modules beyond the Lie algebra.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from pennylane_dla.algebra.sums.coordinates import Coordinates
from pennylane_dla.algebra.sums.invariant_span import Grown, OverBudget
from pennylane_dla.allowance import afford, checkpoint, paced
from pennylane_dla.circuit.ansatz import Angle, Channel
from pennylane_dla.circuit.effective import EffectiveAnsatz
from pennylane_dla.pauli import PauliSum
from pennylane_dla.pauli.strings import anticommutation_matrix
from pennylane_dla.variance.channel_images import ChannelImages
from pennylane_dla.variance.estimate import Declined, Prediction, VarianceEstimate
from pennylane_dla.variance.gradient_mean import mean_by_element
from pennylane_dla.variance.problem import Problem

from .observable_module import distinct_generators, pushed_observable

METHOD = "module"
MAX_STRINGS = 4096
MAX_POINTS = 4096  # at which one layer is evaluated
MAX_WORK = 1e11  # floating point operations of sparse products, half a minute
SECONDS = 3e-10  # for each of them
GATE_WORK = 1e7  # what a gate costs at one point whatever its size: small sparse matrices are slow
_ROUNDING = 1e-14


class _TooMuchWork(Exception):
    """Too much work, and why."""


@dataclass(frozen=True)
class Layer:
    """Consecutive rotations with the same angle up to scale and offset, and the noise between them.

    Args:
        first: the first rotation
        last: one behind the last rotation
        angle: ``u``, without offset; no elements where all of them are known
        scales: each rotation has the angle ``scale · u + offset``
    """

    first: int
    last: int
    angle: Angle
    scales: tuple[float, ...]


def predict(problem: Problem) -> Prediction:
    """Exact variance of the loss and of every gradient component, with Pauli noise anywhere.

    Args:
        problem: a circuit in which the gates of one argument stand together, with at most noise between them

    Returns:
        exact values, or the reason why this engine does not apply
    """
    effective = problem.effective
    others = {g.name or "a channel" for g in problem.ansatz.gates if isinstance(g, Channel) and not g.diagonal}
    if others:
        return Prediction.unavailable(f"noise that is not diagonal in the Pauli strings: {', '.join(sorted(others))}")
    layers = _layers(effective)
    if layers is None:
        return Prediction.unavailable(effective.correlated or "an argument returns in separate blocks")
    for k in range(effective.num_rotations):
        strings = effective.generator(k).strings
        if anticommutation_matrix(strings, strings).any():
            return Prediction.unavailable(f"{effective.names[k]} rotates by terms that do not commute")
    observable = pushed_observable(problem)
    if isinstance(observable, Declined):
        return Prediction.unavailable(observable.reason)
    try:
        walk = _NoisyWalk(problem, layers, observable)
        mean, second, slopes, mean_slopes = walk.sweep()
    except _TooMuchWork as reason:
        return Prediction.unavailable(str(reason))
    except OverBudget as stop:
        return Prediction.unavailable(f"the observable reaches at least {stop.dim} Pauli strings: {stop.reason}")
    size = float(walk.observable @ walk.observable) * float(walk.state @ walk.state)
    variance = second - mean**2
    return Prediction(
        VarianceEstimate(0.0 if abs(variance) <= _ROUNDING * size else max(float(variance), 0.0), method=METHOD),
        VarianceEstimate(slopes, np.zeros_like(slopes), METHOD),
        (float(mean) if abs(mean) > _ROUNDING * size**0.5 else 0.0) + observable.constant,
        {"strings": len(walk.state)},
        gradient_mean=mean_by_element(problem, mean_slopes, METHOD),
    )


def _layers(effective: EffectiveAnsatz) -> list[Layer] | None:
    """The circuit in layers, or ``None`` where an element drives two of them."""
    layers: list[Layer] = []
    for k, angle in enumerate(effective.angles):
        if not angle.affine:
            return None
        scale = 1.0
        if layers and not angle.fixed and angle.elements == layers[-1].angle.elements:
            ratios = np.divide(angle.coefficients, layers[-1].angle.coefficients)
            if np.ptp(ratios) <= 1e-12 * abs(ratios[0]):
                layers[-1] = Layer(layers[-1].first, k + 1, layers[-1].angle, (*layers[-1].scales, float(ratios[0])))
                continue
        layers.append(Layer(k, k + 1, angle._replace(offset=0.0), (scale,)))
    driven = [element for layer in layers for element in layer.angle.elements]
    return layers if len(driven) == len(set(driven)) else None


class _NoisyWalk:
    """Covariances on the strings in reach, layer by layer from both ends."""

    def __init__(self, problem: Problem, layers: list[Layer], observable: PauliSum):
        effective = problem.effective
        self.problem, self.layers, self.effective = problem, layers, effective
        rotations = [effective.generator(k) for k in range(effective.num_rotations)]
        generators, self.which, self.ratios = distinct_generators(rotations)
        self.terms = [  # each string of each generator on its own: they commute, and each turns pairs of strings
            PauliSum(g.strings[j : j + 1], g.coefficients[j : j + 1]) for g in generators for j in range(len(g))
        ]
        self.starts = np.cumsum([0] + [len(g) for g in generators])
        coordinates = Coordinates(self.terms) if self.terms else Coordinates([observable])
        coordinates.locate(observable.strings)
        reached = Grown()
        most = min(MAX_STRINGS, problem.budget.max_dim)
        while not coordinates.expanded.all():
            coordinates.expand(np.flatnonzero(~coordinates.expanded))
            if len(coordinates) > most:
                raise OverBudget(len(coordinates), f"stopped at {most}")
            reached.to(len(coordinates), len(coordinates))
        size = len(coordinates)
        if 8 * size**2 * (len(layers) + 8) > problem.budget.max_memory:
            raise OverBudget(size, f"covariances exceed max_memory={problem.budget.max_memory}")
        self.observable, self.state = coordinates.vector(observable), effective.state.expectation(coordinates.strings)
        weights = np.eye(len(self.terms))
        self.actions = [coordinates.action(row) for row in weights] if self.terms else []
        self.noise: dict[int, np.ndarray] = {}
        self.work = 0.0
        for channel in effective.channels:
            factors = ChannelImages(channel).factors(coordinates.strings)
            self.noise[channel.position] = self.noise.get(channel.position, 1.0) * factors

    def sweep(self) -> tuple[float, float, Float[np.ndarray, " elements"], Float[np.ndarray, " elements"]]:
        """Mean and second moment of the loss, and the variance and the mean of each derivative."""
        gates = self.effective.num_rotations
        at = self._damped(gates, np.outer(self.observable, self.observable), self.observable)
        points = [self._points(layer) for layer in paced(self.layers, "the layers")]
        afford(SECONDS * self.work, "the covariances")
        stored = []
        layers = list(zip(reversed(self.layers), reversed(points), strict=True))
        for layer, (nodes, weights) in paced(layers, "the covariances", 3 * len(layers)):
            stored.append(at)
            at = self._damped(layer.first, *self._averaged(layer, nodes, weights, *at))
        covariance, mean = at
        total, second = float(self.state @ mean), float(self.state @ covariance @ self.state)
        slopes, means = np.zeros((2, self.problem.ansatz.arguments.num_elements))
        at = np.outer(self.state, self.state), self.state
        size = float(self.observable @ self.observable) * float(self.state @ self.state)
        for layer, (nodes, weights) in paced(layers[::-1], "the covariances"):
            at, behind = self._damped(layer.first, *at), stored.pop()
            if not layer.angle.fixed:
                square, slope, largest = self._slope(layer, nodes, weights, at, behind)
                variance = square - slope**2
                if abs(variance) <= _ROUNDING * size * largest**2:
                    variance = 0.0
                if abs(slope) <= _ROUNDING * size**0.5 * largest:
                    slope = 0.0
                for element, coefficient in zip(layer.angle.elements, layer.angle.coefficients, strict=True):
                    slopes[element], means[element] = coefficient**2 * max(variance, 0.0), coefficient * slope
            at = self._averaged(layer, nodes, weights, *at, backwards=True)
        return total, second, slopes, means

    def _damped(self, position: int, covariance, mean):
        factors = self.noise.get(position)
        if factors is None:
            return covariance, mean
        return covariance * np.outer(factors, factors), mean * factors

    def _averaged(self, layer: Layer, nodes, weights, covariance, mean, backwards: bool = False):
        total, first = np.zeros_like(covariance), np.zeros_like(mean)
        for node, weight in zip(nodes, weights, strict=True):
            checkpoint()
            matrix, _ = self._matrix(layer, node, slope=False)
            if backwards:
                matrix = matrix.T.tocsr()
            total += weight * (matrix @ (matrix @ covariance).T)  # a covariance is symmetric
            first += weight * (matrix @ mean)
        return total, first

    def _slope(self, layer: Layer, nodes, weights, ahead, behind):
        """``E[(∂l/∂u)²]``, ``E[∂l/∂u]`` and the largest frequency."""
        square = slope = 0.0
        for node, weight in zip(nodes, weights, strict=True):
            checkpoint()
            _, change = self._matrix(layer, node)
            square += weight * float(np.vdot(ahead[0], change @ (change @ behind[0]).T))
            slope += weight * float(ahead[1] @ (change @ behind[1]))
        return square, slope, sum(self._frequencies(layer))

    def _matrix(
        self, layer: Layer, node: float, slope: bool = True
    ) -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array]:
        """``T(u)`` and, with ``slope``, ``dT/du`` in the Heisenberg picture: the last gate of the layer acts first."""
        size = len(self.state)
        matrix = scipy.sparse.csr_array(scipy.sparse.eye_array(size))
        change = scipy.sparse.csr_array((size, size))
        for k in range(layer.last - 1, layer.first - 1, -1):
            scale = layer.scales[k - layer.first]
            angle = scale * node + self.effective.angles[k].offset
            if layer.angle.fixed:
                angle = self.effective.angles[k].offset
            for j in self._terms(k):
                action = self.actions[j] * self.ratios[k]
                frequency = 2 * abs(float(self.terms[j].coefficients[0]) * self.ratios[k])
                once, twice = action @ matrix, action @ (action @ matrix)
                sine, cosine = np.sin(frequency * angle) / frequency, (1 - np.cos(frequency * angle)) / frequency**2
                matrix = matrix + sine * once + cosine * twice
                if slope:
                    change = change + sine * (action @ change) + cosine * (action @ (action @ change))
                    change = change + scale * (action @ matrix)
            if k > layer.first and k in self.noise:
                damping = scipy.sparse.diags_array(self.noise[k], format="csr")
                matrix, change = damping @ matrix, damping @ change
        return matrix, change

    def _terms(self, k: int) -> range:
        return range(self.starts[self.which[k]], self.starts[self.which[k] + 1])

    def _frequencies(self, layer: Layer) -> list[float]:
        """Of each term, in ``u``."""
        return [
            abs(2 * float(self.terms[j].coefficients[0]) * self.ratios[k] * layer.scales[k - layer.first])
            for k in range(layer.first, layer.last)
            for j in self._terms(k)
        ]

    def _points(self, layer: Layer) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
        """Where the layer is evaluated, and with which weights its average is exact."""
        if layer.angle.fixed:
            return np.zeros(1), np.ones(1)
        frequencies = self._frequencies(layer)
        unit, degrees = _common(frequencies)
        degree = 2 * sum(degrees)
        if unit is None:
            raise _TooMuchWork("the angles of a layer have no common period")
        if 2 * degree + 1 > MAX_POINTS:
            raise _TooMuchWork(f"a layer needs {2 * degree + 1} points of its angle, more than {MAX_POINTS}")
        law = self.problem.law
        phi = np.array([law.characteristic(layer.angle, k * unit) for k in range(degree + 1)], complex)
        count = degree + 1 if not phi[1:].any() else 2 * degree + 1
        nodes = 2 * np.pi * np.arange(count) / (count * unit)
        waves = np.exp(-1j * np.outer(nodes, unit * np.arange(1, degree + 1)))
        weights = (1 + 2 * np.real(waves @ phi[1:])) / count
        each = 4 * len(self.state) * self._matrix(layer, 0.3 / unit)[1].nnz + GATE_WORK * (layer.last - layer.first)
        self.work += count * each
        if self.work > MAX_WORK:
            raise _TooMuchWork(
                f"too many gates under one argument with noise between them ({count} points of its angle)"
            )
        return nodes, weights


def _common(frequencies: list[float]) -> tuple[float | None, Int[np.ndarray, " m"]]:
    """The largest number of which all are multiples, and the multiples."""
    ratios = [Fraction(f / frequencies[0]).limit_denominator(64) for f in frequencies]
    if any(abs(float(r) - f / frequencies[0]) > 1e-9 for r, f in zip(ratios, frequencies, strict=True)):
        return None, np.zeros(0, int)
    denominator = lcm(*(r.denominator for r in ratios))
    numerators = [r.numerator * (denominator // r.denominator) for r in ratios]
    divisor = gcd(*numerators)
    return frequencies[0] * divisor / denominator, np.array(numerators, int) // divisor
