"""The kernels of the path sweep: 32 paths to a word, the gates walked by one ``lax.scan``.

Rows ``(x_q, z_q)`` hold one bit of every path in a batch. Gate tables are cut into blocks of a few fixed
lengths and the number of rows is padded to a power of two, so that circuits of any size share compiled code.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Int32, UInt32

from pennylane_dla.pauli.strings import WORD

from .gate_table import ADD, CARRY, DRAW, IDENTITY, TEST, GateTable

BLOCKS = (128, 1024, 8192)  # steps in a block
MIN_ROWS = 32


def block_length(steps: int) -> int:
    """Steps in a block: few blocks, little padding."""
    return next((b for b in BLOCKS[:-1] if steps <= 8 * b), BLOCKS[-1])


def padded_blocks(
    table: GateTable, length: int
) -> tuple[int, list[tuple[np.ndarray, np.ndarray, np.ndarray]], np.ndarray]:
    """Number of rows, ``(wires, codes, damping)`` of each block, and the eigenvalues of the channels, all padded."""
    spare = len(table.active)
    rows = max(MIN_ROWS, 1 << (spare + 1).bit_length())
    steps = len(table.codes)
    total = max(1, -(-steps // length)) * length
    wires = np.full((total, 2), (spare, spare + 1), np.int32)
    codes = np.full(total, IDENTITY, np.uint32)
    damping = np.full(total, -1, np.int32)
    wires[:steps], codes[:steps], damping[:steps] = table.wires, table.codes, table.damping
    kinds = len(table.eigenvalues)
    eigenvalues = np.ones((max(8, 1 << max(0, kinds - 1).bit_length()), 16))
    eigenvalues[:kinds] = table.eigenvalues
    parts = [slice(i, i + length) for i in range(0, total, length)]
    return rows, [(wires[p], codes[p], damping[p]) for p in parts], eigenvalues


def mix(word: UInt32[Array, " *shape"]) -> UInt32[Array, " *shape"]:
    """A bijection of 32-bit words whose output bits depend on all input bits (xorshift-multiply)."""
    word = (word ^ (word >> 16)) * jnp.uint32(0x7FEB352D)
    word = (word ^ (word >> 15)) * jnp.uint32(0x846CA68B)
    return word ^ (word >> 16)


def _flag(code: UInt32[Array, ""], bit: int) -> UInt32[Array, ""]:
    """All ones where the bit is set."""
    return jnp.uint32(0) - ((code >> bit) & jnp.uint32(1))


class Rows(NamedTuple):
    """X bits and Z bits of all paths, one row a qubit, 32 paths to a word.

    Two arrays and not one: XLA vectorizes the update of a whole row in place, but not of a part of one (measured: a
    factor of four).
    """

    x: UInt32[Array, "rows words"]
    z: UInt32[Array, "rows words"]


@partial(jax.jit, static_argnames=("noisy",), donate_argnums=(0, 1, 2))
def sweep_block(
    rows: Rows,
    parity: UInt32[Array, "1 words"],
    weight: Float64[Array, "#words #32"],
    keys: UInt32[Array, "2 words"],
    wires: Int32[Array, "steps 2"],
    codes: UInt32[Array, " steps"],
    damping: Int32[Array, " steps"],
    eigenvalues: Float64[Array, "kinds 16"],
    first: UInt32[Array, ""],
    noisy: bool,
):
    """Take all paths of a batch through one block of steps; without noise one weight stands for all.

    The random word of a step and a lane is a hash of the step's number and two random keys of the lane: within a
    lane no two steps share a word, and no state has to be carried.

    Returns:
        the carried arrays, and for each step which paths anticommuted with its rotation on arrival
    """
    words, zero = parity.shape[-1], jnp.int32(0)

    def load(array, wire):
        return jax.lax.dynamic_slice(array, (wire, zero), (1, words))

    def store(array, wire, row):
        return jax.lax.dynamic_update_slice(array, row, (wire, zero))

    def step(carry, gate):
        (x, z), parity, weight = carry
        (a, b), code, kind, number = gate
        old = (load(x, a), load(z, a), load(x, b), load(z, b))
        new = []
        for i in range(4):
            row = old[0] & _flag(code, 4 * i)
            for j in range(1, 4):
                row = row ^ (old[j] & _flag(code, 4 * i + j))
            new.append(row)
        odd = parity & _flag(code, CARRY)
        for i in range(4):
            odd = odd ^ (new[i] & _flag(code, TEST + i))
        random = mix(mix(number ^ keys[0]) + keys[1])
        moved = odd & (random | ~_flag(code, DRAW))
        new = [new[i] ^ (moved & _flag(code, ADD + i)) for i in range(4)]
        x, z = store(store(x, a, new[0]), b, new[2]), store(store(z, a, new[1]), b, new[3])
        if noisy:
            local = tuple(row[0] for row in new)
            weight = jax.lax.cond(kind >= 0, _damp, lambda w, *_: w, weight, local, eigenvalues, kind)
        return (Rows(x, z), moved, weight), odd[0]

    numbers = first + jnp.arange(codes.shape[0], dtype=jnp.uint32)
    carry, odd = jax.lax.scan(step, (rows, parity, weight), (wires, codes, damping, numbers))
    return *carry, odd


def _damp(weight, local, eigenvalues, kind):
    """Multiply by the squared eigenvalue of a channel on each path's local word."""
    values = jax.lax.dynamic_index_in_dim(eigenvalues, kind, keepdims=False)
    word = sum(bits(row) << j for j, row in enumerate(local))
    return weight * values[word]


def bits(words: UInt32[Array, " words"]) -> Int32[Array, "words 32"]:
    return ((words[..., None] >> jnp.arange(WORD, dtype=jnp.uint32)) & 1).astype(jnp.int32)


@jax.jit
def end_weights(
    rows: Rows,
    end: Float64[Array, "rows 4"],
    log_factor: Float64[Array, "words 32"],
    damping: Float64[Array, "#words #32"],
) -> tuple[Float64[Array, "words 32"], Float64[Array, "words 32"], Int32[Array, "words 32"]]:
    """Weight of each path: ``e^log_factor · damping ·`` the product over qubits of the end weight of its letter.

    Returns:
        the weights, the same without the factors that are zero, and how many are zero
    """
    zero = end <= 0
    logs = jnp.log(jnp.where(zero, 1.0, end))

    def qubit(carry, item):
        total, zeros = carry
        (x, z), log, null = item
        x, z = bits(x) == 1, bits(z) == 1
        total = total + _by_letter(x, z, log)
        zeros = zeros + _by_letter(x, z, null.astype(jnp.int32))
        return (total, zeros), None

    shape = log_factor.shape
    start = (jnp.zeros(shape, jnp.float64), jnp.zeros(shape, jnp.int32))
    total, zeros = jax.lax.scan(qubit, start, (rows, logs, zero))[0]
    partial = damping * jnp.exp(log_factor + total)
    return jnp.where(zeros == 0, partial, 0.0), partial, zeros


def _by_letter(x, z, values):
    return jnp.where(z, jnp.where(x, values[3], values[2]), jnp.where(x, values[1], values[0]))


@partial(jax.jit, static_argnames=("length",))
def letters(rows: Rows, length: int) -> tuple[UInt32[Array, "length words"], ...]:
    """Which paths have an X, then a Z, then a Y on each qubit: three rows a qubit, in pieces of ``length`` rows."""
    x, z = rows
    found = jnp.concatenate([x & ~z, z & ~x, x & z])
    found = jnp.pad(found, ((0, -len(found) % length), (0, 0)))
    return tuple(found.reshape(-1, length, found.shape[1]))


@jax.jit
def overlaps(
    rows: Rows,
    others: Rows,
    phase: Int32[Array, "words 32"],
    bloch: Float[Array, "rows 4"],
) -> Float64[Array, "words 32"]:
    """``Tr[ρ i^phase Q R]`` for the strings ``Q`` in ``rows`` and ``R`` in ``others``, for a product state.

    Args:
        rows: ``Q``
        others: ``R``
        phase: exponents of ``i`` mod 4 that make the product Hermitian
        bloch: ``(1, ⟨X⟩, ⟨Z⟩, ⟨Y⟩)`` of each qubit
    """

    def qubit(carry, item):
        value, exponent = carry
        (qx, qz), (rx, rz), local = item
        x, z = qx ^ rx, qz ^ rz
        value = value * _by_letter(bits(x) == 1, bits(z) == 1, local)
        exponent = exponent + bits(qx & qz) + bits(rx & rz) - bits(x & z) + 2 * bits(qz & rx)
        return (value, exponent), None

    start = (jnp.ones(phase.shape), phase)
    value, exponent = jax.lax.scan(qubit, start, (rows, others, bloch))[0]
    return jnp.where(exponent % 4 == 0, value, -value)
