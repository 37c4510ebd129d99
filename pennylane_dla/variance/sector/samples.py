"""Losses and gradients of many random circuits on the sector, in one compiled JAX program.

A rotation is a product of phases in the eigenbasis of its generator, and between two rotations the basis changes: one
product of matrices for the whole batch. Amplitudes are held as real numbers, so that a real change of basis (Heisenberg
chains, QAOA) acts on real and imaginary parts alike and costs half. Derivatives come from one sweep backwards (adjoint
differentiation, arXiv:2009.02823).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact, Int

from pennylane_dla.compat import numerics

from .walk import SectorWalk

BATCH_NUMBERS = 2**18  # real numbers of the states of a batch
_REAL = 1e-13


@dataclass(frozen=True, eq=False)
class SectorSampler:
    """The circuit as arrays, ready to run.

    Args:
        changes: real form of the matrices between eigenbases: ``m × m`` with ``m = d`` if all of them are real, else
            ``m = 2d``
        order: which comes before each rotation
        levels: of each rotation, its scale included
        start: real form of the columns of the state, weighted: shape ``(columns, 2, d)``
        observables: real form, in the last eigenbasis: ``(observables, 2d, 2d)``
    """

    changes: Float[np.ndarray, "changes m m"]
    order: Int[np.ndarray, " rotations"]
    levels: Float[np.ndarray, "rotations d"]
    start: Float[np.ndarray, "columns 2 d"]
    observables: Float[np.ndarray, "observables 2*d 2*d"]

    @classmethod
    def of(cls, walk: SectorWalk, observables: Sequence[Inexact[np.ndarray, "d d"]]) -> SectorSampler:
        """From a circuit on its sector and what is measured."""
        sector = walk.sector
        matrices, order = walk.changes
        real = all(np.abs(np.imag(matrix)).max(initial=0) < _REAL for matrix in matrices)
        changes = [np.real(matrix) if real else _real_form(matrix) for matrix in matrices]
        state = sector.state * np.sqrt(sector.weights)
        last = walk.last_basis
        return cls(
            np.array(changes).reshape(len(changes), *(changes[0].shape if changes else (sector.dim,) * 2)),
            np.array(order, np.int32),
            walk.levels[sector.which] * sector.scales[:, None],
            np.stack([np.real(state.T), np.imag(state.T)], axis=1),
            np.array([_real_form(last.conj().T @ observable @ last) for observable in observables]),
        )

    @property
    def batch(self) -> int:
        """How many circuits are best run together."""
        columns, _, dim = self.start.shape
        return int(np.clip(BATCH_NUMBERS // (2 * dim * columns * (1 + len(self.observables))), 16, 2048))

    @property
    def work(self) -> float:
        """Floating point operations for one circuit with its derivatives."""
        columns, _, dim = self.start.shape
        products = len(self.order) * self.changes.shape[-1] * 2 * dim * 2
        return columns * (2 + len(self.observables)) * products

    def run(
        self, angles: Float[np.ndarray, "batch rotations"], single: bool = True
    ) -> tuple[Float[np.ndarray, "batch observables"], Float[np.ndarray, "batch observables rotations"]]:
        """Expectation values and their derivatives with respect to the angles.

        Args:
            angles: of each circuit
            single: whether in single precision; the phases are reduced in double precision in any case
        """
        kind = np.float32 if single else np.float64
        with numerics():
            values, slopes = _sweep(
                jnp.asarray(self.changes, kind), jnp.asarray(self.order), jnp.asarray(self.levels),
                jnp.asarray(self.start, kind), jnp.asarray(self.observables, kind), jnp.asarray(angles),
            )  # fmt: skip
        return np.asarray(values, float), np.asarray(slopes, float)


def _real_form(matrix: Inexact[np.ndarray, "d d"]) -> Float[np.ndarray, "2*d 2*d"]:
    """What a complex matrix does to real and imaginary parts, one after the other."""
    real, imaginary = np.real(matrix), np.imag(matrix)
    return np.block([[real, -imaginary], [imaginary, real]])


def _multiply(states: Float[Array, "*batch 2 d"], matrix: Float[Array, "m m"]) -> Float[Array, "*batch 2 d"]:
    """``W ψ`` for every state: ``W`` is real (``m = d``), or a real form (``m = 2d``)."""
    rows = states.reshape(-1, matrix.shape[-1])
    return (rows @ matrix.T).reshape(states.shape)


def _phases(states: Float[Array, "batch *any 2 d"], cos, sin) -> Float[Array, "batch *any 2 d"]:
    """``e^{-iφ} ψ``."""
    real, imaginary = states[..., 0, :], states[..., 1, :]
    return jnp.stack([cos * real + sin * imaginary, cos * imaginary - sin * real], axis=-2)


@partial(jax.jit)
def _sweep(changes, order, levels, start, observables, angles):
    batch, kind = angles.shape[0], changes.dtype
    states = jnp.broadcast_to(start, (batch, *start.shape))

    def turned(angle, level):  # in double precision: angles may be thousands of turns
        phase = angle[:, None] * level
        phase = (phase - 2 * jnp.pi * jnp.round(phase / (2 * jnp.pi))).astype(kind)
        return jnp.cos(phase)[:, None], jnp.sin(phase)[:, None]

    def forward(states, step):
        change, level, angle = step
        return _phases(_multiply(states, changes[change]), *turned(angle, level)), None

    states, _ = jax.lax.scan(forward, states, (order, levels, angles.T))
    flat = states.reshape(batch, states.shape[1], -1)
    images = jnp.einsum("bcm,onm->bocn", flat, observables)
    values = jnp.einsum("bcm,bocm->bo", flat, images)
    images = images.reshape(batch, len(observables), *states.shape[1:])
    both = jnp.concatenate([states[:, None], images], axis=1)

    def backward(both, step):
        change, level, angle = step
        state, image = both[:, :1], both[:, 1:]
        moved = state * level.astype(kind)  # Gψ; the derivative is 2 Im⟨Oψ|Gψ⟩
        slope = 2 * jnp.sum(image[..., 0, :] * moved[..., 1, :] - image[..., 1, :] * moved[..., 0, :], axis=(-2, -1))
        cos, sin = turned(angle, level)
        return _multiply(_phases(both, cos[:, None], -sin[:, None]), changes[change].T), slope

    _, slopes = jax.lax.scan(backward, both, (order, levels, angles.T), reverse=True)
    return values, jnp.moveaxis(slopes, 0, -1)
