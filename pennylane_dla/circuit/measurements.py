"""Measurements as observables: Pauli sums and projector products."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product

import numpy as np
import pennylane as qp
from pennylane import measurements as mp

from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct

from .ansatz import Measurement
from .operations import ROUNDING

MAX_OUTCOMES = 1024
MAX_MATRIX_WIRES = 6
SMALLEST, LARGEST = 1e-75, 1e75  # fourth powers of coefficients are floats


class _Unsupported(Exception):
    """Why nothing can be predicted for a measurement."""


def read_measurements(measurements: Sequence, wires: Sequence, known: bool = True) -> tuple[Measurement, ...]:
    """One :class:`Measurement` each; ``probs`` gives one for each outcome.

    Args:
        measurements: of the tape
        wires: wire labels of the circuit
        known: whether the numbers in the observables are known
    """
    place = {wire: q for q, wire in enumerate(wires)}
    result: list[Measurement] = []
    for process in measurements:
        if isinstance(process, mp.ProbabilityMP):
            result += _probabilities(process, place)
        else:
            result.append(_single(process, place, known))
    return tuple(result)


def _single(process, place: dict, known: bool) -> Measurement:
    label = repr(process)
    kind = {mp.ExpectationMP: "expval", mp.VarianceMP: "var"}.get(type(process))
    if kind is None:
        kind = process.__class__.__name__.removesuffix("MP").lower()
        return Measurement(kind, label, None, f"{kind} is not a number with a gradient that this package predicts")
    if process.obs is None:
        return Measurement(kind, label, None, "it has no observable (a mid-circuit measurement or eigenvalues only)")
    if getattr(process.obs, "data", ()) and not known:
        return Measurement(kind, label, None, "its coefficients are not known inside jit or vmap")
    try:
        return Measurement(kind, label, observable_of(process.obs, place))
    except _Unsupported as reason:
        return Measurement(kind, label, None, str(reason))


def observable_of(obs, place: dict) -> PauliSum | ProjectorProduct:
    """A PennyLane observable on the wires of the circuit."""
    if isinstance(obs, qp.Projector):
        projector = _basis_projector(obs, place)
        if projector is not None:
            return projector
    if isinstance(obs, (qp.pauli.PauliWord, qp.pauli.PauliSentence)):
        raise _Unsupported("it is no operator; measure it as .operation()")
    sentence = obs.pauli_rep
    if sentence is None:
        if len(obs.wires) > MAX_MATRIX_WIRES:
            raise _Unsupported(
                f"{obs.name} on {len(obs.wires)} wires has no Pauli representation; up to "
                f"{MAX_MATRIX_WIRES} wires it is decomposed, beyond that write it as a Hamiltonian"
            )
        sentence = qp.pauli_decompose(_matrix(obs), wire_order=obs.wires, pauli=True, check_hermitian=False)
    return pauli_sum(sentence, place)


def _matrix(obs) -> np.ndarray:
    """Its matrix on its own wires."""
    try:
        matrix = obs.sparse_matrix().toarray() if obs.has_sparse_matrix else qp.matrix(obs, wire_order=obs.wires)
    except Exception as error:  # whatever PennyLane raises for a qutrit or a mode
        raise _Unsupported(f"{obs.name} has no matrix ({type(error).__name__})") from error
    if matrix.shape != (2 ** len(obs.wires),) * 2:
        raise _Unsupported(f"{obs.name} is no observable of qubits")
    return matrix


def pauli_sum(sentence, place: dict) -> PauliSum:
    """A PennyLane ``PauliSentence`` as a :class:`PauliSum`."""
    words, wires, coefficients = [], [], []
    try:
        numbers = [complex(qp.math.toarray(qp.math.unwrap([c])[0])) for c in sentence.values()]
    except (TypeError, ValueError):
        raise _Unsupported("its observable has a coefficient that is no number") from None
    largest = max(map(abs, numbers), default=0.0)
    if not np.isfinite(largest):
        raise _Unsupported("its observable has a coefficient that is NaN or infinite")
    for word, c in zip(sentence, numbers, strict=True):
        if abs(c.imag) > 1e-9 * largest:
            raise _Unsupported("its observable is not Hermitian (complex Pauli coefficients)")
        if abs(c) > ROUNDING * largest:
            wires.append([place[wire] for wire in word])
            words.append("".join(word.values()))
            coefficients.append(c.real)
    if coefficients and not SMALLEST < largest < LARGEST:
        raise _Unsupported(f"its largest coefficient is {largest:.1e}, too far from 1: rescale the observable")
    if not words:
        wires, words, coefficients = [[]], [""], [0.0]
    strings = PauliStrings.from_local(wires, words, len(place))
    return PauliSum.collect(strings, np.array(coefficients))


def _basis_projector(obs, place: dict) -> ProjectorProduct | None:
    """A projector on a computational basis state; ``None`` for another state."""
    state = np.asarray(qp.math.toarray(obs.parameters[0])).reshape(-1)
    if len(state) != len(obs.wires) or not np.all((state == 0) | (state == 1)):
        return None
    return ProjectorProduct(
        tuple(place[w] for w in obs.wires), tuple(1 - 2 * int(bit.real) for bit in state), len(place)
    )


def _probabilities(process, place: dict) -> list[Measurement]:
    if process.obs is not None:
        return [Measurement("probs", repr(process), None, "probabilities in the eigenbasis of an observable")]
    wires = tuple(process.wires) or tuple(place)
    label = f"probs(wires=[{', '.join(map(str, wires))}])"
    result = []
    for bits in islice(product((0, 1), repeat=len(wires)), MAX_OUTCOMES):
        signs = tuple(1 - 2 * bit for bit in bits)
        projector = ProjectorProduct(tuple(place[w] for w in wires), signs, len(place))
        result.append(Measurement("probs", f"{label}[{''.join(map(str, bits))}]", projector))
    if 2 ** len(wires) > MAX_OUTCOMES:
        reason = f"only the first {MAX_OUTCOMES} of 2^{len(wires)} outcomes are reported"
        result.append(Measurement("probs", f"{label}[…]", None, reason))
    return result
