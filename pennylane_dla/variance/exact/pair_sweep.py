"""Propagating weights of pairs of strings ``(Q, Q + R)`` through a circuit, from both ends, in JAX.

Shapes are padded to powers of two and the circuit is walked by ``lax.scan``, so that another circuit of similar size
reuses the compiled code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from pennylane_dla.allowance import afford, paced
from pennylane_dla.compat import forget_many, numerics
from pennylane_dla.pauli import PauliStrings, StringTable
from pennylane_dla.variance.reach import shifted
from pennylane_dla.variance.steps import Steps


@dataclass(frozen=True, eq=False)
class Space:
    """The strings and pairs of one computation, before padding.

    Args:
        steps: of the circuit, on the qubits of the light cone
        table: the strings, or ``None`` where all ``4^k`` are addressed directly by their bits (index ``x + 2^k z``)
        num_strings: how many
        num_qubits: of the light cone
        sectors: differences ``R``, zero first
    """

    steps: Steps
    table: StringTable | None
    num_strings: int
    num_qubits: int
    sectors: PauliStrings


SECONDS = {"first": 1e-8, "diagonal": 1e-8, "pairs": 6e-8}  # at least, for each pair and gate
LARGE = 2**19  # pairs; with more, few gates at a time, so that a sweep can stop


def direct_index(strings: PauliStrings) -> np.ndarray:
    """``x + 2^k z`` as an integer."""
    return strings.x[:, 0].astype(np.int64) | (strings.z[:, 0].astype(np.int64) << strings.num_wires)


class Weights(NamedTuple):
    """The observable side of several observables with the same terms.

    Args:
        index: of the terms among the strings
        values: for each observable an array of shape ``(sectors, terms)``
    """

    index: Int[np.ndarray, " terms"]
    values: Sequence[Float[np.ndarray, "sectors terms"]]


def sweep(
    space: Space, weights: Weights, ends: Float[np.ndarray, "sectors strings"], mode: str, max_memory: int
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k g"]]:
    """For each observable a moment of the loss, and of the derivative with respect to the angle of each step.

    Args:
        space: strings, pairs and steps
        weights: observable side
        ends: state side
        mode: ``"diagonal"`` (second moments, ``R = 0`` only), ``"pairs"`` (second moments) or ``"first"`` (means)
        max_memory: bytes; so many observables go together as fit

    Returns:
        ``E[l²]`` and ``E[(∂l/∂α)²]``, or ``E[l]`` and ``E[∂l/∂α]``; 0 for channels
    """
    steps, table = space.steps, space.table
    dense = table is None
    sectors = space.sectors if mode == "pairs" else space.sectors[:1]
    sector_partners = _sector_partners(sectors, steps.shift)
    open_ended = bool((sector_partners < 0).any())  # then a zero sector to read from
    num_sectors = _pad(len(sectors) + open_ended, 32)
    work = len(steps) * space.num_strings * num_sectors
    pairs = f"{space.num_strings} strings" + (f" times {len(sectors)} differences" if len(sectors) > 1 else "")
    afford(SECONDS[mode] * work * (1 + steps.noisy), f"the sweep over {pairs} and {len(steps)} gates")
    size = space.num_strings if dense else _pad(space.num_strings + 1)  # a zero string to read from
    length = 4 if num_sectors * size > LARGE else 16 if len(steps) <= 16 else 64
    segments = -(-max(1, len(steps)) // length)
    words = steps.shift.x.shape[1]
    flags = {"dense": dense, "mode": mode, "noisy": steps.noisy}

    def padded(array, shape):
        return np.pad(array, [(0, s - a) for a, s in zip(array.shape, shape, strict=True)])

    if table is None:
        index = np.arange(size, dtype=np.uint32)
        x = (index & np.uint32(2**space.num_qubits - 1))[:, None]
        z = (index >> np.uint32(space.num_qubits))[:, None]
        partners, rows = np.zeros((1, 1), np.int32), direct_index(steps.shift).astype(np.int32)
    else:
        x, z = (padded(part, (size, words)) for part in (table.strings.x, table.strings.z))
        partners, rows = _partner_table(table, steps.shift, size)
    total = segments * length
    gates = [
        padded(steps.shift.x, (total, words)),
        padded(steps.shift.z, (total, words)),
        padded(rows, (total,)),
        padded(steps.moments, (total, 5)),
        padded(_with_nothing(sector_partners, num_sectors), (total, num_sectors)),
    ]
    if steps.noisy:
        gates += [
            padded(steps.rotation < 0, (total,)),
            padded(steps.local.x.reshape(-1, 4, words), (total, 4, words)),
            padded(steps.local.z.reshape(-1, 4, words), (total, 4, words)),
            padded(steps.damping, (total, 16)),
            padded(steps.decay, (total,)),
        ]
    sector_bits = [padded(part, (num_sectors, words)) for part in (sectors.x, sectors.z)]
    together = max(1, min(len(weights.values), max_memory // (8 * (length + 2 * segments) * num_sectors * size)))
    together = 1 << (together.bit_length() - 1)  # few shapes to compile
    losses, slopes = [], []
    forget_many(_to_the_start, _through)
    with numerics():
        arrays = tuple(jnp.asarray(array) for array in (x, z, partners, *sector_bits))
        parts = [tuple(jnp.asarray(g[i * length : (i + 1) * length]) for g in gates) for i in range(segments)]
        start_ends = jnp.asarray(padded(ends, (num_sectors, size)))
        rounds = -(-len(weights.values) // together)
        for number in range(rounds):
            chosen, later = weights.values[number * together : (number + 1) * together], rounds - number - 1
            start = np.zeros((together, num_sectors, size))
            start[: len(chosen), : len(chosen[0]), weights.index] = np.stack(chosen)
            at_segments, end = [jnp.asarray(start)], start_ends
            for part in _after_the_first(parts[:0:-1], 4 * segments * (1 + later)):
                at_segments.append(_to_the_start(at_segments[-1], arrays, part, **flags).block_until_ready())
            derivatives = []
            for i, part in enumerate(_after_the_first(parts, segments + 2 * segments * later)):
                loss, end, moments = _through(at_segments.pop(), end, arrays, part, **flags)
                if i == 0:
                    losses.append(np.asarray(loss)[: len(chosen)])
                derivatives.append(np.asarray(moments))
            slopes.append(np.concatenate(derivatives)[: len(steps), : len(chosen)].T)
    return np.concatenate(losses), np.concatenate(slopes)


def _after_the_first(parts: Sequence, total: int) -> Iterator:
    """The parts; the time of the first, which compiles, says nothing about the others."""
    yield from parts[:1]
    yield from paced(parts[1:], "the sweep", total)


@partial(jax.jit, static_argnames=("dense", "mode", "noisy"))
def _to_the_start(weights, space, gates, *, dense, mode, noisy):
    """Observable side: the weights of each observable before a segment, from those after it."""
    step = jax.vmap(_kernel(space, dense, mode, noisy), in_axes=(0, None, None))
    return jax.lax.scan(lambda w, gate: (step(w, gate, 1)[0], None), weights, gates, reverse=True)[0]


@partial(jax.jit, static_argnames=("dense", "mode", "noisy"))
def _through(weights, ends, space, gates, *, dense, mode, noisy):
    """State side: ``E[l²]``, the ends after a segment, and ``E[(∂l/∂α)²]`` of its gates for each observable."""
    step = _kernel(space, dense, mode, noisy)
    every = jax.vmap(step, in_axes=(0, None, None))
    start, derived = jax.lax.scan(lambda w, gate: every(w, gate, 1), weights, gates, reverse=True)

    def forward(v, gate_and_derived):
        gate, derived = gate_and_derived
        return step(v, gate, -1)[0], jnp.tensordot(derived, v)

    after, moments = jax.lax.scan(forward, ends, (gates, derived))
    return jnp.tensordot(start, ends), after, moments


def _kernel(space, dense, mode, noisy):
    """The averaged step on pair weights, and the same for its derivative."""
    x, z, partners, sector_x, sector_z = space
    index = jnp.arange(x.shape[0])

    def step(w: Float[Array, "sectors strings"], gate, direction):
        """``direction = -1`` is the transpose: the rotation by ``-α``, the Schrödinger picture of a channel."""
        px, pz, row, moments, sector_partner, *channel = gate
        moved = w[:, index ^ row] if dense else w[:, partners[row]]
        if mode == "diagonal":
            sign = sign_other = 1.0
            first = second = jnp.zeros_like(w)
        else:
            sign = _turn_sign(px, pz, x ^ px, z ^ pz)[None, :]
            sign_other = (
                _turn_sign(px, pz, x[None] ^ sector_x[:, None] ^ px, z[None] ^ sector_z[:, None] ^ pz)
                if mode == "pairs"
                else 1.0
            )
            first = sign * moved[sector_partner]
            second = sign_other * w[sector_partner] if mode == "pairs" else jnp.zeros_like(w)
        both = sign * sign_other * moved
        move = _parity((px & z) ^ (pz & x))[None, :]
        odd = _parity((px & sector_z) ^ (pz & sector_x))[:, None]
        averaged, derived = _rotation(w, moments, direction, mode, move, move ^ odd, first, second, both)
        if noisy:
            damped = _channel(w, channel[1:], direction, mode, (x, z), (sector_x, sector_z), first, second, both)
            averaged = jnp.where(channel[0], damped, averaged)
            derived = jnp.where(channel[0], 0.0, derived)
        return averaged, derived

    return step


def _rotation(w, moments, direction, mode, move, other, first, second, both):
    """``move``, ``other``: whether the rotation moves the first and the second string of a pair; ``first``, ``second``,
    ``both``: the weights of the pairs that come here when it moves that one or both."""
    c, s, cc, ss, sc = moments
    s, sc = direction * s, direction * sc
    if mode == "first":
        return jnp.where(move, c * w + s * both, w), jnp.where(move, c * both - s * w, 0.0)
    if mode == "diagonal":
        return jnp.where(move, cc * w + ss * both, w), jnp.where(move, ss * w + cc * both, 0.0)
    averaged = jnp.where(
        move & other,
        cc * w + ss * both + sc * (first + second),
        jnp.where(move, c * w + s * first, jnp.where(other, c * w + s * second, w)),
    )
    return averaged, jnp.where(move & other, ss * w + cc * both - sc * (first + second), 0.0)


def _channel(w, channel, direction, mode, strings, sectors, first, second, both):
    """Damping by the local letters, and the decay ``Z -> γ`` of amplitude damping (code 2 to code 0)."""
    local_x, local_z, damping, decay = channel

    def codes(x, z):
        bits = [_parity((local_x[j] & z) ^ (local_z[j] & x)).astype(jnp.int32) for j in range(4)]
        return bits[2] + 2 * bits[0] + 4 * (bits[3] + 2 * bits[1])

    code = codes(*strings)
    arrival = jnp.where(direction == 1, 0, 2)
    factor, arrives = damping[code][None, :], decay * (code == arrival)[None, :]
    if mode == "first":
        return factor * w + arrives * both
    if mode == "diagonal":
        return factor**2 * w + arrives**2 * both
    code_other = code[None, :] ^ codes(*sectors)[:, None]
    factor_other, arrives_other = damping[code_other], decay * (code_other == arrival)
    return (
        factor * factor_other * w
        + arrives * factor_other * first
        + factor * arrives_other * second
        + arrives * arrives_other * both
    )


def _parity(bits):
    return (jax.lax.population_count(bits).sum(axis=-1) & 1).astype(bool)


def _turn_sign(px, pz, x, z):
    """Sign of ``iPQ`` for ``Q = (x|z)``, of ``PQ`` where the two commute."""

    def count(bits):
        return jax.lax.population_count(bits).sum(axis=-1).astype(jnp.int32)

    exponent = (count(px & pz) + count(x & z) - count((px ^ x) & (pz ^ z)) + 2 * count(pz & x)) % 4
    return jnp.where((exponent == 1) | (exponent == 2), -1.0, 1.0)


def _partner_table(table: StringTable, shifts: PauliStrings, size: int) -> tuple[np.ndarray, np.ndarray]:
    """For each distinct shift the index of every string plus it (the zero string's where there is none), and the
    row of each step."""
    distinct = StringTable.of(shifts)
    partners = np.full((_pad(len(distinct)), size), size - 1, np.int32)
    for j in range(len(distinct)):
        found = table.find(shifted(table.strings, distinct.strings[j]))
        partners[j, : len(table)] = np.where(found >= 0, found, size - 1)
    return partners, distinct.find(shifts).astype(np.int32)


def _sector_partners(sectors: PauliStrings, shifts: PauliStrings) -> Int[np.ndarray, "steps sectors"]:
    """For each step and sector ``R`` the index of ``R`` plus its shift; -1 where there is none."""
    if len(sectors) == 1:
        return np.zeros((len(shifts), 1), np.int32)
    result = np.full((len(shifts), len(sectors)), -1, np.int32)
    table = StringTable.of(sectors)
    original = np.empty(len(table), np.int64)
    original[table.find(sectors)] = np.arange(len(sectors))
    for k in range(len(shifts)):
        found = table.find(shifted(sectors, shifts[k]))
        result[k] = np.where(found >= 0, original[np.maximum(found, 0)], -1)
    return result


def _with_nothing(sector_partners: Int[np.ndarray, "steps sectors"], size: int) -> Int[np.ndarray, "steps size"]:
    """The same for as many sectors as are computed: those that are only there to fill up read the last, which is zero,
    and so does who finds none."""
    result = np.full((len(sector_partners), size), size - 1, np.int32)
    result[:, : sector_partners.shape[1]] = np.where(sector_partners < 0, size - 1, sector_partners)
    return result


def _pad(count: int, small: int = 2**12) -> int:
    """The next power of two, while it is small the next power of four: few shapes, each of which is compiled once and
    kept. Where a sweep takes longer than its compilation, the next quarter of a power of two."""
    power = max(0, int(count - 1).bit_length())
    if 1 << power < small:
        return 1 << (power + power % 2)
    quarter = 1 << max(0, power - 3)
    return -(-count // quarter) * quarter
