"""Exact finite-depth second moments by propagating Pauli strings (THEORY section 3, evaluation (a)).

In the Heisenberg picture a rotation ``exp(-iαP/2)`` takes a string ``Q`` that anticommutes with ``P`` to
``cos α Q + sin α (iPQ)``. The second moment of the loss needs the pairs ``Q ⊗ Q'``; averaged over ``α`` each gate is a linear map
on their weights, so is its derivative, and two sweeps (one from each end) give the loss and every gradient component.
The pairs are kept by their difference ``R = Q + Q'`` (``sectors.py``): for independent uniform angles and one term only ``R = 0``.

References: West et al., arXiv:2502.16404; Heyraud et al., arXiv:2302.04649.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from pennylane_dla.circuit.ansatz import UnknownState
from pennylane_dla.circuit.effective import EffectiveAnsatz
from pennylane_dla.compat import numerics
from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct, StringTable

from .chain_rule import to_elements
from .estimate import Prediction, VarianceEstimate
from .first_moment import mean_loss
from .law import AngleLaw, Moments
from .problem import Problem
from .reach import light_cone, reachable, restrict
from .sectors import pair_weights, surviving_sectors

METHOD = "exact"
MAX_DENSE_QUBITS = 11  # 4^11 weights: 32 MiB
SMALL_TABLE = 2**14  # beyond, direct addressing (where it fits) is faster than a table of partners
MAX_PROJECTOR_WIRES = 12


def predict(problem: Problem) -> Prediction:
    """Exact variance of the loss and of every gradient component at the given depth.

    ``Var[l] = Σ_{Q,Q'} E_{QQ'} Tr[ρQ] Tr[ρQ'] − E[l]²``.

    Args:
        problem: a circuit whose generators are single strings with independent angles

    Returns:
        exact values, or the reason why this engine does not apply
    """
    effective = problem.effective
    reason = _obstacle(problem)
    if reason:
        return Prediction.unavailable(reason)
    moments = rotation_moments(effective, problem.law)
    if not np.isfinite(moments).all():
        return Prediction.unavailable("data values are unknown under jit: call inspect with concrete data")
    observable = problem.observable
    if isinstance(observable, ProjectorProduct):
        observable = observable.expand()
    observable = effective.clifford.push(observable)
    if not len(observable):  # a multiple of the identity
        zero = VarianceEstimate(0.0, method=METHOD)
        gradient = VarianceEstimate(np.zeros(problem.ansatz.arguments.num_elements), method=METHOD)
        return Prediction(zero, gradient, observable.constant, {"strings": 0})

    task = _prepare(effective, observable, moments, problem.budget.max_dim, problem.budget.max_memory)
    if isinstance(task, str):
        return Prediction.unavailable(task)
    second, derivative_second = _sweep(task, task.weights, task.ends, "pairs" if len(task.sectors) > 1 else "diagonal")
    trainable = np.array([not effective.angles[k].fixed for k in task.live], bool)
    if np.any(task.moments[trainable, :2]):
        mean, derivative_mean = _sweep(task, task.first_weights, task.overlap, "first")
        mean += observable.constant
    else:
        mean, derivative_mean = mean_loss(effective.strings[task.live], task.moments, observable, effective.state), 0.0
    variance = _difference(second, (mean - observable.constant) ** 2)
    per_rotation = np.zeros(effective.num_rotations)
    per_rotation[task.live] = _difference(derivative_second, derivative_mean**2)
    elements = to_elements(effective.angles, per_rotation, problem.ansatz.arguments.num_elements)
    return Prediction(
        VarianceEstimate(float(variance), method=METHOD),
        VarianceEstimate(elements, np.zeros_like(elements), METHOD),
        mean,
        {"strings": task.num_strings, "sectors": len(task.sectors)},
    )


def rotation_moments(effective: EffectiveAnsatz, law: AngleLaw) -> Float[np.ndarray, "rotations 5"]:
    """:class:`~pennylane_dla.variance.law.Moments` of each rotation ``exp(-iαP/2)``, the sign of ``P`` taken into ``α``."""
    rows = np.array([law.moments(angle) for angle in effective.angles], float).reshape(-1, 5)
    negative = effective.coefficients[effective.offsets[:-1]] < 0
    rows[negative] *= np.array([1, -1, 1, 1, -1])
    return rows


def _obstacle(problem: Problem) -> str | None:
    effective = problem.effective
    if effective.correlated:
        return effective.correlated
    if not effective.single:
        index = int(np.argmax(np.diff(effective.offsets) > 1))
        return f"the generator of {effective.names[index]} is a sum of strings"
    if effective.channels:
        return "noise channels"
    if isinstance(effective.state, UnknownState):
        return effective.state.reason
    if isinstance(problem.observable, ProjectorProduct) and len(problem.observable.wires) > MAX_PROJECTOR_WIRES:
        return f"a projector on {len(problem.observable.wires)} wires has too many terms to enumerate"
    return None


@dataclass(frozen=True, eq=False)
class _Task:
    """Arrays of one computation, before padding.

    ``table`` is ``None`` where strings are addressed directly by their bits (index ``x + 2^k z``).
    """

    live: np.ndarray  # rotations in the light cone, by position
    rotations: PauliStrings  # theirs, on the qubits of the light cone
    moments: np.ndarray
    table: StringTable | None
    num_strings: int
    num_qubits: int
    sectors: PauliStrings
    weights: np.ndarray  # (sectors, strings): c_Q c_{Q+R}
    ends: np.ndarray  # (sectors, strings): Tr[ρQ] Tr[ρ(Q+R)]
    first_weights: np.ndarray  # (1, strings): c_Q
    overlap: np.ndarray  # (1, strings): Tr[ρQ]


def _prepare(
    effective: EffectiveAnsatz, observable: PauliSum, moments: np.ndarray, max_dim: int, max_memory: int
) -> _Task | str:
    strings = effective.strings
    moving = np.flatnonzero(moments[:, 3] != 0)
    qubits = light_cone(observable.strings, strings[moving])
    cap = SMALL_TABLE if len(qubits) <= MAX_DENSE_QUBITS else max_dim
    terms = observable.strings
    table, moves = reachable(terms, strings[moving], cap)
    if table is None and len(qubits) > MAX_DENSE_QUBITS:
        return f"more than {max_dim} strings are reached by the observable (max_dim)"
    if table is not None:
        moving = moving[moves]
        qubits = light_cone(table.strings, strings[:0])
    damped = np.flatnonzero((moments[:, 3] == 0) & (moments[:, 0] != 1))
    live = np.union1d(moving, damped)
    num_strings = len(table) if table else 4 ** len(qubits)
    max_sectors = max(1, max_memory // (8 * 64 * num_strings))
    sectors = surviving_sectors(terms, strings[live], [Moments(*row) for row in moments[live]], max_sectors)
    if sectors is None:
        return f"more than {max_sectors} pairs of terms survive (max_memory)"

    if table is None:
        members = all_strings(qubits, strings.num_wires)
        index = direct_index(restrict(terms, qubits))
    else:  # sorted by what they are on the qubits that matter
        table = StringTable.of(restrict(table.strings, qubits))
        members, index = extend(table.strings, qubits, strings.num_wires), table.find(restrict(terms, qubits))
    overlap = effective.state.expectation(members)
    weights, ends = np.zeros((2, len(sectors), num_strings))
    pairs = pair_weights(terms, observable.coefficients, sectors)
    for r in range(len(sectors)):
        weights[r, index] = pairs[r]
        shifted = PauliStrings(members.x ^ sectors.x[r], members.z ^ sectors.z[r], members.num_wires)
        ends[r] = overlap * effective.state.expectation(shifted)
    first_weights = np.zeros((1, num_strings))
    first_weights[0, index] = observable.coefficients
    return _Task(
        live, restrict(strings[live], qubits), moments[live], table, num_strings, len(qubits),
        restrict(sectors, qubits), weights, ends, first_weights, overlap[None],
    )


def all_strings(qubits: np.ndarray, num_wires: int) -> PauliStrings:
    """All ``4^k`` strings on ``qubits``, in the order of :func:`direct_index`."""
    k = len(qubits)
    index = np.arange(4**k, dtype=np.uint32)[:, None]
    return extend(PauliStrings(index & np.uint32(2**k - 1), index >> np.uint32(k), k), qubits, num_wires)


def extend(strings: PauliStrings, qubits: np.ndarray, num_wires: int) -> PauliStrings:
    """Strings on some ``qubits`` as strings on all."""
    bits = np.zeros((2, len(strings), num_wires), np.uint8)
    bits[:, :, qubits] = strings.bits()
    return PauliStrings.from_bits(*bits)


def direct_index(strings: PauliStrings) -> np.ndarray:
    """``x + 2^k z`` as an integer."""
    return strings.x[:, 0].astype(np.int64) | (strings.z[:, 0].astype(np.int64) << strings.num_wires)


# --------------------------------------------------------------------------------------------------------------
# The sweeps. Shapes are padded to powers of two, so that another circuit of similar size reuses the compiled code.


def _sweep(task: _Task, weights: np.ndarray, ends: np.ndarray, mode: str) -> tuple[float, np.ndarray]:
    """Moments of the loss and of ``∂l/∂α`` for the rotations of the task.

    Args:
        task: the circuit
        weights: observable side, ``(sectors, strings)``
        ends: state side
        mode: ``"diagonal"`` (second moments, ``R = 0`` only), ``"pairs"`` (second moments) or ``"first"``
    """
    num_sectors = _pad(len(task.sectors) + 1) if mode == "pairs" else 1  # a zero sector to read from
    dense = task.table is None
    size = task.num_strings if dense else _pad(task.num_strings + 1)  # a zero string to read from
    count = max(1, len(task.live))
    length = min(64, _pad(count))
    segments = -(-count // length)
    words = task.rotations.x.shape[1]

    def padded(array, shape, fill=0):
        return np.pad(
            array, [(0, s - a) for a, s in zip(array.shape, shape, strict=True)], constant_values=fill
        )

    if dense:
        index = np.arange(size, dtype=np.uint32)
        x = (index & np.uint32(2**task.num_qubits - 1))[:, None]
        z = (index >> np.uint32(task.num_qubits))[:, None]
        partners = np.zeros((1, 1), np.int32)
        rows = direct_index(task.rotations).astype(np.int32)
    else:
        x, z = (padded(part, (size, words)) for part in (task.table.strings.x, task.table.strings.z))
        partners, rows = _partner_table(task.table, task.rotations, size)
    total = segments * length
    gates = (
        padded(task.rotations.x, (total, words)),
        padded(task.rotations.z, (total, words)),
        padded(rows, (total,)),
        padded(task.moments, (total, 5)),
        padded(_sector_partners(task.sectors, task.rotations, num_sectors), (total, num_sectors)),
    )
    with numerics():
        space = (
            jnp.asarray(x), jnp.asarray(z), jnp.asarray(partners),
            *(jnp.asarray(padded(part[:num_sectors], (num_sectors, words))) for part in (task.sectors.x, task.sectors.z)),
        )
        parts = [
            tuple(jnp.asarray(g[i * length : (i + 1) * length]) for g in gates) for i in range(segments)
        ]
        at_segments = [jnp.asarray(padded(weights, (num_sectors, size)))]
        for part in reversed(parts[1:]):
            at_segments.append(_to_the_start(at_segments[-1], space, part, dense, mode))
        ends = jnp.asarray(padded(ends, (num_sectors, size)))
        derivatives = []
        for i, part in enumerate(parts):
            start, ends_after, moments = _through(at_segments.pop(), ends, space, part, dense, mode)
            if i == 0:
                loss = float(jnp.vdot(start, ends))
            ends = ends_after
            derivatives.append(np.asarray(moments))
    return loss, np.concatenate(derivatives)[: len(task.live)]


@partial(jax.jit, static_argnames=("dense", "mode"))
def _to_the_start(weights, space, gates, dense, mode):
    """Observable side: the weights before a segment, from those after it."""
    step = _kernel(space, dense, mode)
    return jax.lax.scan(lambda w, gate: (step(w, gate, 1)[0], None), weights, gates, reverse=True)[0]


@partial(jax.jit, static_argnames=("dense", "mode"))
def _through(weights, ends, space, gates, dense, mode):
    """State side: the ends after a segment, and ``E[(∂l/∂α)²]`` of its gates."""
    step = _kernel(space, dense, mode)
    start, derived = jax.lax.scan(lambda w, gate: step(w, gate, 1), weights, gates, reverse=True)

    def forward(v, gate_and_derived):
        gate, derived = gate_and_derived
        return step(v, gate, -1)[0], jnp.vdot(v, derived)

    ends, moments = jax.lax.scan(forward, ends, (gates, derived))
    return start, ends, moments


def _kernel(space, dense, mode):
    """The averaged gate on pair weights, and the same for its derivative."""
    x, z, partners, sector_x, sector_z = space
    index = jnp.arange(x.shape[0])

    def step(w: Float[Array, "sectors strings"], gate, direction):
        """``direction = -1`` is the transpose: the rotation by ``-α``."""
        px, pz, row, moments, sector_partner = gate
        c, s, cc, ss, sc = moments
        s, sc = direction * s, direction * sc
        move = _parity((px & z) ^ (pz & x))
        source = jnp.where(move, index ^ row, index) if dense else partners[row]
        moved = w[:, source]
        if mode == "diagonal":
            return jnp.where(move, cc * w + ss * moved, w), jnp.where(move, ss * w + cc * moved, 0.0)
        if mode == "first":
            turned = _turn_sign(px, pz, x ^ px, z ^ pz) * moved
            return jnp.where(move, c * w + s * turned, w), jnp.where(move, c * turned - s * w, 0.0)
        odd = _parity((px & sector_z) ^ (pz & sector_x))[:, None]
        other = move[None, :] ^ odd
        sign = _turn_sign(px, pz, x ^ px, z ^ pz)[None, :]
        sign_other = _turn_sign(px, pz, x[None] ^ sector_x[:, None] ^ px, z[None] ^ sector_z[:, None] ^ pz)
        both = sign * sign_other * moved
        first = sign * moved[sector_partner]
        second = sign_other * w[sector_partner]
        averaged = jnp.where(
            move & other,
            cc * w + ss * both + sc * (first + second),
            jnp.where(move, c * w + s * first, jnp.where(other, c * w + s * second, w)),
        )
        derived = jnp.where(move & other, ss * w + cc * both - sc * (first + second), 0.0)
        return averaged, derived

    return step


def _parity(bits):
    return (jax.lax.population_count(bits).sum(axis=-1) & 1).astype(bool)


def _turn_sign(px, pz, x, z):
    """Sign of ``iPQ`` for ``Q = (x|z)``, as in :func:`pennylane_dla.pauli.strings.turn`."""
    def count(bits):
        return jax.lax.population_count(bits).sum(axis=-1).astype(jnp.int32)

    exponent = count(px & pz) + count(x & z) - count((px ^ x) & (pz ^ z)) + 2 * count(pz & x)
    return jnp.where(exponent % 4 == 1, -1.0, 1.0)


def _partner_table(table: StringTable, rotations: PauliStrings, size: int) -> tuple[np.ndarray, np.ndarray]:
    """For each distinct generator the index of ``Q + P`` (itself where they commute), and each rotation's row."""
    distinct = StringTable.of(rotations) if len(rotations) else None
    if distinct is None:
        return np.arange(size, dtype=np.int32)[None], np.zeros(0, np.int32)
    partners = np.tile(np.arange(size, dtype=np.int32), (_pad(len(distinct)), 1))
    members = table.strings
    for j in range(len(distinct)):
        generator = distinct.strings[j]
        found = table.find(PauliStrings(members.x ^ generator.x, members.z ^ generator.z, members.num_wires))
        odd = np.bitwise_count((members.x & generator.z) ^ (members.z & generator.x)).sum(axis=1) & 1
        target = np.where(found >= 0, found, size - 1)
        partners[j, : len(members)] = np.where(odd == 1, target, np.arange(len(members)))
    return partners, distinct.find(rotations).astype(np.int32)


def _sector_partners(sectors: PauliStrings, rotations: PauliStrings, num_sectors: int) -> np.ndarray:
    """For each rotation and sector ``R`` the index of ``R + P``; the zero sector where there is none."""
    result = np.full((len(rotations), num_sectors), num_sectors - 1, np.int32)
    if num_sectors == 1:
        return result
    table = StringTable.of(sectors)
    original = np.empty(len(table), np.int64)
    original[table.find(sectors)] = np.arange(len(sectors))
    for k in range(len(rotations)):
        found = table.find(
            PauliStrings(sectors.x ^ rotations.x[k], sectors.z ^ rotations.z[k], sectors.num_wires)
        )
        result[k, : len(sectors)] = np.where(found >= 0, original[np.maximum(found, 0)], num_sectors - 1)
    return result


def _pad(count: int) -> int:
    """The next power of two."""
    return 1 << max(0, int(count - 1).bit_length())


def _difference(second, squared_mean):
    """``E[l²] − E[l]²``, with what is rounding error set to zero."""
    variance = np.asarray(second - squared_mean)
    return np.where(variance <= 1e-13 * np.abs(second), 0.0, variance)
