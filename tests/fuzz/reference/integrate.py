"""Means and variances of loss and gradient.

On the product grid of all modes the loss is a trigonometric polynomial, so that its Fourier coefficients are exact.
Under a law with characteristic function ``φ`` then ``E[l] = Σ c_k φ(k)`` and ``E[l²] = Σ c_k c*_k' φ(k − k')``, and a
derivative multiplies ``c_k`` by ``i k``. Where the grid is too large, both are sampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .leaves import Circuit, NoReference
from .modes import Modes, find_modes, is_variance
from .simulator import leaf_matrices, losses, simulate

MAX_NUMBERS = 1_500_000  # grid points times numbers of a state
MAX_POINTS = 150_000
MAX_AXIS = 2000  # frequencies of one element, of which all differences are looked at


@dataclass(frozen=True, eq=False)
class Moments:
    """What a reference says of one observable.

    Args:
        mean: ``E[l]``
        variance: ``Var[l]``
        gradient_mean: shape ``(elements,)``
        gradient_variance: shape ``(elements,)``
        errors: standard errors of these four; zeros where exact
        exact: whether the grid was integrated
        scale: largest square of the loss, for tolerances
    """

    mean: float
    variance: float
    gradient_mean: np.ndarray
    gradient_variance: np.ndarray
    errors: tuple
    exact: bool
    scale: float


def integrate(circuit: Circuit, laws: list[tuple], samples: int = 3000, seed: int = 1) -> list[Moments]:
    """One :class:`Moments` for each number that the circuit returns.

    Args:
        circuit: one tape
        laws: of every element, as in :class:`~tests.fuzz.case.Argument`
        samples: where sampling is needed
        seed: of sampling

    Raises:
        NoReference: where not even sampling is possible
    """
    factor = 2 if any(map(is_variance, circuit.measurements)) else 1
    try:
        modes = find_modes(circuit, factor)
    except NoReference:
        modes = None
    size = 2**circuit.num_wires * (2**circuit.num_wires if _noisy(circuit) else 1)
    if modes is None or modes.points * size > MAX_NUMBERS or modes.points > MAX_POINTS or _widest(modes) > MAX_AXIS:
        return _sampled(circuit, laws, modes, samples, seed)
    return _exact(circuit, laws, modes)


def _widest(modes: Modes) -> int:
    """Frequencies of one element: those of its modes add."""
    counts: dict[int, int] = {}
    for mode in modes.modes:
        counts[mode.element] = counts.get(mode.element, 1) * (2 * mode.degree + 1)
    return max(counts.values(), default=1)


def _noisy(circuit: Circuit) -> bool:
    return any(leaf.kraus() is not None for leaf in circuit.leaves)


def grid_losses(circuit: Circuit, modes: Modes) -> list[np.ndarray]:
    """The loss on the product grid, one axis a mode."""
    counts = [2 * m.degree + 1 for m in modes.modes]
    ndim = len(counts)
    batches = []
    for leaf, slopes in zip(circuit.leaves, modes.slopes, strict=True):
        parameters = leaf.offset.reshape((1,) * ndim + (-1,))
        for axis, count in enumerate(counts):
            if len(slopes) and np.any(slopes[:, axis]):
                phases = 2 * np.pi * np.arange(count) / count
                shape = [1] * ndim
                shape[axis] = count
                parameters = parameters + phases.reshape(*shape, 1) * slopes[:, axis]
        batches.append(leaf_matrices(leaf, parameters))
    states = simulate(circuit, batches, ndim)
    return [np.broadcast_to(value, counts) for m in circuit.measurements for value in losses(circuit, states, m, ndim)]


def _exact(circuit: Circuit, laws, modes: Modes) -> list[Moments]:
    counts = [2 * m.degree + 1 for m in modes.modes]
    owners = [m.element for m in modes.modes]
    groups = [[i for i, o in enumerate(owners) if o == e] for e in sorted(set(owners))]
    frequencies, means, grams = [], [], []
    for group in groups:  # modes of one element are one axis: their frequencies add
        total = np.zeros(1)
        labels = np.zeros((1, 0))
        for i in group:
            k = np.fft.fftfreq(counts[i], 1 / counts[i]).round()
            total = (total[:, None] + k * modes.modes[i].unit).reshape(-1)
            labels = np.concatenate([np.repeat(labels, len(k), axis=0), np.tile(k, len(labels))[:, None]], axis=1)
        law = laws[owners[group[0]]]
        frequencies.append(total)
        means.append(_characteristic(law, total, labels))
        grams.append(_characteristic(law, total[:, None] - total, labels[:, None] - labels))
    results = []
    for values in grid_losses(circuit, modes):
        coefficients = np.fft.fftn(values) / values.size if values.ndim else values.astype(complex)
        coefficients = coefficients.reshape([len(f) for f in frequencies])
        mean, second = _moments(coefficients, means, grams)
        gradient_mean, gradient_variance = np.zeros(len(laws)), np.zeros(len(laws))
        for axis, group in enumerate(groups):
            shape = [1] * coefficients.ndim
            shape[axis] = -1
            slope_mean, slope_second = _moments(coefficients * (1j * frequencies[axis]).reshape(shape), means, grams)
            gradient_mean[owners[group[0]]] = slope_mean
            gradient_variance[owners[group[0]]] = slope_second - slope_mean**2
        zeros = np.zeros(len(laws))
        scale = float(np.max(np.abs(values)) ** 2)
        results.append(
            Moments(mean, second - mean**2, gradient_mean, gradient_variance, (0.0, 0.0, zeros, zeros), True, scale)
        )
    return results


def _moments(coefficients, means, grams) -> tuple[float, float]:
    mean, paired = coefficients, coefficients
    for axis, (vector, gram) in enumerate(zip(means, grams, strict=True)):
        mean = np.tensordot(mean, vector, axes=(0, 0))
        paired = np.moveaxis(np.tensordot(gram, paired, axes=(0, axis)), 0, axis)
    return float(np.real(mean)), float(np.vdot(coefficients, paired).real)


def _characteristic(law: tuple, frequency: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """``E[exp(i f x)]``; for a full period (or a long window) one where all labels vanish, else zero."""
    kind, *numbers = law
    if kind == "uniform":
        return np.all(labels == 0, axis=-1).astype(complex)
    if kind == "window":
        low, high = numbers
        return np.exp(0.5j * frequency * (low + high)) * np.sinc(frequency * (high - low) / (2 * np.pi))
    std, mean = numbers
    return np.exp(1j * frequency * mean - (frequency * std) ** 2 / 2)


def _sampled(circuit: Circuit, laws, modes: Modes | None, samples: int, seed: int) -> list[Moments]:
    """Samples, and central differences for the gradients."""
    rng = np.random.default_rng(seed)
    size = 2**circuit.num_wires * (2**circuit.num_wires if _noisy(circuit) else 1)
    samples = max(300, min(samples, 400_000 // size))
    columns = []
    for element, (kind, *numbers) in enumerate(laws):
        if kind == "uniform":
            mine = [m for m in modes.modes if m.element == element] if modes is not None else []
            window = 2 * np.pi * 10_007.3 if modes is None or len(mine) > 1 else 2 * np.pi / mine[0].unit if mine else 1
            columns.append(rng.uniform(0, window, samples))
        elif kind == "window":
            columns.append(rng.uniform(*numbers, samples))
        else:
            columns.append(rng.normal(numbers[1], numbers[0], samples))
    points = np.stack(columns, axis=1)
    value = evaluate(circuit, points)
    step = 1e-5
    slopes = []
    driving = sorted({e for leaf in circuit.leaves for e in leaf.elements})
    for element in driving:
        shift = step * (np.arange(len(laws)) == element)
        up, down = evaluate(circuit, points + shift), evaluate(circuit, points - shift)
        slopes.append([(u - d) / (2 * step) for u, d in zip(up, down, strict=True)])
    results = []
    for i, v in enumerate(value):
        mean, variance, error_mean, error_variance = _statistics(v)
        gm, gv, em, ev = (np.zeros(len(laws)) for _ in range(4))
        for element, slope in zip(driving, slopes, strict=True):
            gm[element], gv[element], em[element], ev[element] = _statistics(slope[i])
        results.append(
            Moments(mean, variance, gm, gv, (error_mean, error_variance, em, ev), False, float(np.max(np.abs(v)) ** 2))
        )
    return results


def _statistics(v: np.ndarray):
    mean, variance, n = v.mean(), v.var(ddof=1), len(v)
    fourth = np.mean((v - mean) ** 4)
    return mean, variance, np.sqrt(variance / n), np.sqrt(max(fourth - variance**2, 0) / n) + 1e-9


def evaluate(circuit: Circuit, points: np.ndarray) -> list[np.ndarray]:
    """Losses at points of shape ``(samples, elements)``."""
    batches = [
        leaf_matrices(leaf, leaf.offset + points @ leaf.slopes.T if leaf.elements else leaf.offset[None])
        for leaf in circuit.leaves
    ]
    states = simulate(circuit, batches, 1)
    return [
        np.broadcast_to(value, (len(points),)) for m in circuit.measurements for value in losses(circuit, states, m, 1)
    ]
