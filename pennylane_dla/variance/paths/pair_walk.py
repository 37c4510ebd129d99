"""The kernels of the sampled pairs: signed pairs of strings, one path a column, 32 qubits to a word.

A pair ``(Q, Q')`` carries a signed weight and a flag. While the flag is 0 both strings evolve by the *mean*
of each gate, on their own; it becomes 1 at the gate where they take the *covariance*, and from then on they
evolve by the second moment. With ``K_k`` the second moment of gate ``k`` and ``M_k`` its mean,
``∏ K_k − ∏ M_k⊗M_k = Σ_k (∏ M⊗M) (K_k − M_k⊗M_k) (∏ K)``: paths that end with flag 1 add up to the variance,
not to the second moment, so nothing large is subtracted. Gradients replace gate ``k`` by its derivative:
every path counts for every gate it meets, with the ratio of the derivative's entry to the entry that it was
drawn by.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Float64, Int32, UInt32

from .sweep import mix


class Pairs(NamedTuple):
    """Paths: words of ``x``, ``z`` of both strings, signed weight, flag, and the step that they serve alone (or -1)."""

    x: UInt32[Array, "2 words paths"]
    z: UInt32[Array, "2 words paths"]
    weight: Float64[Array, " paths"]
    varied: Bool[Array, " paths"]
    serves: Int32[Array, " paths"]


class Steps(NamedTuple):
    """Gates, last first.

    Args:
        x: words of the rotation's string
        z: likewise
        moments: ``E[c], E[s], E[c²], E[s²], E[sc]`` of its angle
        trainable: whether its derivative is wanted
        channel: index of the transfer matrix, -1 for a rotation
        wires: the channel's wires
        boost: factor by which the covariance is drawn more often than its weight
    """

    x: UInt32[Array | np.ndarray, "steps words"]
    z: UInt32[Array | np.ndarray, "steps words"]
    moments: Float64[Array | np.ndarray, "steps 5"]
    trainable: Bool[Array | np.ndarray, " steps"]
    channel: Int32[Array | np.ndarray, " steps"]
    wires: Int32[Array | np.ndarray, "steps 2"]
    boost: Float64[Array | np.ndarray, " steps"]


@partial(jax.jit, static_argnames=("noisy", "single"))
def pair_block(
    pairs: Pairs,
    keys: UInt32[Array, "2 paths"],
    steps: Steps,
    transfers: Float64[Array, "kinds 16 16"],
    first: Int32[Array, ""],
    share: float | Float[Array, ""],
    noisy: bool,
    single: bool = False,
) -> tuple[Pairs, Float32[Array, "steps paths"]]:
    """Take all pairs through one block of gates.

    Args:
        pairs: on arrival
        keys: of the random numbers
        steps: the gates
        transfers: of the channels
        first: number of the first step
        share: of each derivative in what is drawn
        noisy: whether there are channels
        single: whether the second strings are identities and derivatives are those of the mean

    Returns:
        the pairs, and for each step the ratio of the derivative's entry to the entry drawn
    """

    def step(pairs, item):
        gate, number = item
        rotated, ratio = _rotate(pairs, gate, number, keys, share, single)
        if noisy:
            rotated = jax.lax.cond(
                gate.channel >= 0,
                lambda p: _decohere(p, gate, number, keys, transfers),
                lambda p: p,
                rotated,
            )
        return rotated, ratio

    numbers = first + jnp.arange(steps.channel.shape[0], dtype=jnp.int32)
    return jax.lax.scan(step, pairs, (steps, numbers))


def _uniform(keys, number, stream: int):
    """Random numbers in (0, 1), one a path."""
    counter = number.astype(jnp.uint32) * jnp.uint32(4) + jnp.uint32(stream)
    word = mix(mix(counter ^ keys[0]) + keys[1])
    return (word.astype(jnp.float64) + 0.5) / 2.0**32


def _count(words):
    return jnp.sum(jax.lax.population_count(words).astype(jnp.int32), axis=-2)


def _entries(moments, odd, fresh, trainable, single):
    """For each path the entries of the eight outcomes ``(flag, moved, moved')``, and those of the derivative."""
    c, s, cc, ss, sc = moments
    both, one = odd[0] & odd[1], odd[0] ^ odd[1]
    second, mean = _tidy(jnp.array([[cc, sc], [sc, ss]])), _tidy(jnp.array([[c * c, c * s], [c * s, s * s]]))
    second_slope = jnp.array([[ss, -sc], [-sc, cc]])
    mean_slope = jnp.array([[s * s, -c * s], [-c * s, c * c]])
    covariance, covariance_slope = _tidy(second - mean), _tidy(second_slope - mean_slope)
    entries, slopes = [], []
    for varied in (False, True):
        for m in (0, 1):
            for n in (0, 1):
                alone = jnp.where(odd[0], (c, s)[m] if n == 0 else 0.0, (c, s)[n] if m == 0 else 0.0)
                otherwise = jnp.where(one, alone, 1.0 if m == n == 0 else 0.0)
                if varied:
                    later = jnp.where(both, second[m, n], otherwise)
                    entry = jnp.where(fresh, jnp.where(both, covariance[m, n], 0.0), later)
                    slope = jnp.where(fresh, covariance_slope[m, n], second_slope[m, n])
                else:
                    entry = jnp.where(fresh, jnp.where(both, mean[m, n], otherwise), 0.0)
                    slope = jnp.where(fresh, mean_slope[m, n], 0.0)
                entries.append(entry)
                if single:  # the second string is the identity and stays it
                    first = 0.0 if varied or n else (-s, c)[m]
                    slopes.append(jnp.where(one & trainable, first, 0.0))
                else:
                    slopes.append(jnp.where(both & trainable, slope, 0.0))
    return jnp.stack(entries), jnp.stack(slopes)


def _tidy(table):
    """Rounding errors of exact zeros are zeros: a known angle has no covariance, and no ratio divides by 1e-17."""
    return jnp.where(jnp.abs(table) < 1e-14, 0.0, table)


def _rotate(pairs: Pairs, gate, number, keys, share, single):
    px, pz = gate.x[:, None], gate.z[:, None]
    odd = (_count(pairs.x & pz) + _count(pairs.z & px)) % 2 == 1
    fresh = ~pairs.varied
    entries, slopes = _entries(gate.moments, odd, fresh, gate.trainable, single)

    more = jnp.where(fresh & (jnp.arange(8) >= 4)[:, None], gate.boost, 1.0)
    drawn = more * (jnp.abs(entries) + share * jnp.abs(slopes))
    total = jnp.cumsum(drawn, axis=0)
    point = _uniform(keys, number, 0) * total[-1]
    chosen = jnp.sum(total[:-1] <= point, axis=0)
    entry, slope, probability = (jnp.take_along_axis(t, chosen[None], axis=0)[0] for t in (entries, slopes, drawn))
    scale = jnp.where(probability > 0, total[-1] / jnp.where(probability > 0, probability, 1.0), 0.0)
    only_slope = (entry == 0) & (slope != 0)  # an outcome that only the derivative has
    ratio = jnp.where(entry != 0, slope / jnp.where(entry != 0, entry, 1.0), 0.0)
    factor = jnp.where(only_slope, jnp.where(pairs.serves < 0, slope, 0.0), entry)

    moved = jnp.stack([(chosen // 2) % 2 == 1, chosen % 2 == 1]) & odd
    x = jnp.where(moved[:, None], pairs.x ^ px, pairs.x)
    z = jnp.where(moved[:, None], pairs.z ^ pz, pairs.z)
    exponent = _count(px & pz) + _count(pairs.x & pairs.z) - _count(x & z) + 2 * _count(pz & pairs.x)
    negative = moved & (exponent % 4 == 1)
    weight = pairs.weight * factor * scale * jnp.where(negative[0] ^ negative[1], -1.0, 1.0)
    serves = jnp.where(only_slope & (pairs.serves < 0), number, pairs.serves)
    return Pairs(x, z, weight, pairs.varied | (chosen >= 4), serves), ratio.astype(jnp.float32)


def _decohere(pairs: Pairs, gate, number, keys, transfers):
    """Each string becomes one of the strings that the adjoint channel takes it to."""
    transfer = transfers[jnp.maximum(gate.channel, 0)]  # (to, from)
    x, z, weight = pairs.x, pairs.z, pairs.weight
    word, bit = gate.wires // 32, (gate.wires % 32).astype(jnp.uint32)
    new_x, new_z = [], []
    for string in (0, 1):
        sx, sz = x[string], z[string]
        letter = jnp.zeros(weight.shape, jnp.int32)
        for a in (0, 1):
            xb, zb = (sx[word[a]] >> bit[a]) & 1, (sz[word[a]] >> bit[a]) & 1
            letter = letter + ((xb + 2 * zb) << (2 * a)).astype(jnp.int32)
        column = transfer.T[letter]  # (paths, to)
        total = jnp.cumsum(jnp.abs(column), axis=1)
        point = _uniform(keys, number, 1 + string) * total[:, -1]
        image = jnp.sum(total[:, :-1] <= point[:, None], axis=1)
        weight = weight * total[:, -1] * jnp.sign(jnp.take_along_axis(column, image[:, None], axis=1)[:, 0])
        change = (image ^ letter).astype(jnp.uint32)
        for a in (0, 1):
            sx = sx.at[word[a]].set(sx[word[a]] ^ (((change >> (2 * a)) & 1) << bit[a]))
            sz = sz.at[word[a]].set(sz[word[a]] ^ (((change >> (2 * a + 1)) & 1) << bit[a]))
        new_x.append(sx)
        new_z.append(sz)
    return pairs._replace(x=jnp.stack(new_x), z=jnp.stack(new_z), weight=weight)


@jax.jit
def product_overlaps(
    x: UInt32[Array, "words paths"], z: UInt32[Array, "words paths"], bloch: Float64[Array, "qubits 4"]
) -> Float64[Array, " paths"]:
    """``Tr[ρQ]`` in a product state with ``(1, ⟨X⟩, ⟨Z⟩, ⟨Y⟩)`` on each qubit."""

    def qubit(value, item):
        number, local = item
        shift = (number % 32).astype(jnp.uint32)
        xb = (jax.lax.dynamic_index_in_dim(x, number // 32, keepdims=False) >> shift) & 1 == 1
        zb = (jax.lax.dynamic_index_in_dim(z, number // 32, keepdims=False) >> shift) & 1 == 1
        factor = jnp.where(zb, jnp.where(xb, local[3], local[2]), jnp.where(xb, local[1], local[0]))
        return value * factor, None

    numbers = jnp.arange(bloch.shape[0], dtype=jnp.int32)
    return jax.lax.scan(qubit, jnp.ones(x.shape[1]), (numbers, bloch))[0]


@jax.jit
def ratio_sums(ratios: Float32[Array, "steps paths"], weight: Float32[Array, " paths"]) -> Float32[Array, "2 steps"]:
    """``Σ w r`` and ``Σ (w r)²`` for each step."""
    return jnp.stack([ratios @ weight, (ratios * ratios) @ (weight * weight)])


def pad_transfer(transfer: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "16 16"]:
    """A channel on one wire as one on two; the second is spare and always the identity."""
    result = np.eye(16)
    result[: len(transfer), : len(transfer)] = transfer
    return result
