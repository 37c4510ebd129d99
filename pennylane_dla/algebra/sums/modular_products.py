"""Products of matrices modulo a prime, in JAX: what a large closure spends its time on, for JAX's accelerator.

A chunk of an echelon form that is full does not change any more. It is handed to JAX once and stays on the device,
where the product and the reduction modulo ``p`` are one compiled step. On a CPU NumPy's products are as fast (measured:
su(64) in the same time), need no compilation and do not compete with a second pool of threads, so there JAX is left
out.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Int, Int32

from pennylane_dla.compat import numerics

LEAST_SIZE = 2**20  # entries of a chunk from which it pays to compile a product


def worthwhile(entries: int) -> bool:
    """Whether chunks of so many entries are better kept by JAX."""
    return entries >= LEAST_SIZE and jax.local_devices()[0].platform != "cpu"


class FixedChunks:
    """Full chunks of an echelon form modulo ``p``, on the device.

    Args:
        p: a prime below 2^23
        rows: of each chunk, and at most those of a block of candidates
    """

    def __init__(self, p: int, rows: int):
        self.p, self.rows = p, rows
        self._chunks: list[Array] = []
        self._pivots: list[Array] = []

    def __len__(self) -> int:
        return len(self._chunks)

    def append(self, chunk: Float[np.ndarray, "rows dim"], pivots: Int[np.ndarray, " rows"]) -> None:
        """Take over a chunk that will not change."""
        with numerics():
            self._chunks.append(jnp.asarray(chunk))
            self._pivots.append(jnp.asarray(pivots, jnp.int32))

    def resize(self, dim: int) -> None:
        """Make room for ``dim`` coordinates."""
        with numerics():
            self._chunks = [jnp.pad(chunk, ((0, 0), (0, dim - chunk.shape[1]))) for chunk in self._chunks]

    @property
    def chunks(self) -> list[Float[np.ndarray, "rows dim"]]:
        """The chunks as NumPy arrays."""
        return [np.array(chunk) for chunk in self._chunks]

    @property
    def pivots(self) -> list[Int[np.ndarray, " rows"]]:
        """The coordinates on which each chunk is the identity."""
        return [np.array(pivots) for pivots in self._pivots]

    def eliminate(self, rows: Float[np.ndarray, "m dim"]) -> Float[np.ndarray, "m dim"]:
        """The rows with the pivots of all chunks eliminated, one chunk after the other."""
        with numerics():
            rest = self._padded(rows)
            for chunk, pivots in zip(self._chunks, self._pivots, strict=True):
                rest = _eliminate(rest, chunk, pivots, self.p)
            return np.array(rest[: len(rows), : rows.shape[1]])

    def combinations(self, count: int, rng: np.random.Generator, dim: int) -> Float[np.ndarray, "count dim"]:
        """Random combinations of the rows of all chunks."""
        half = self.p // 2
        with numerics():
            total = jnp.zeros((self.rows, self._chunks[0].shape[1]))
            for chunk in self._chunks:
                weights = rng.integers(-half, half + 1, (self.rows, len(chunk))).astype(float)
                total = _add_product(total, jnp.asarray(weights), chunk, self.p)
            return np.array(total[:count, :dim])

    def _padded(self, rows: np.ndarray) -> Array:
        width = self._chunks[0].shape[1]
        return jnp.asarray(np.pad(rows, ((0, self.rows - len(rows)), (0, width - rows.shape[1]))))


@partial(jax.jit, donate_argnums=0)
def _eliminate(
    rows: Float64[Array, "m dim"], chunk: Float64[Array, "k dim"], pivots: Int32[Array, " k"], p: int | Int[Array, ""]
) -> Float64[Array, "m dim"]:
    return _reduce(rows - rows[:, pivots] @ chunk, p)


@partial(jax.jit, donate_argnums=0)
def _add_product(
    rows: Float64[Array, "m dim"],
    weights: Float64[Array, "m k"],
    chunk: Float64[Array, "k dim"],
    p: int | Int[Array, ""],
) -> Float64[Array, "m dim"]:
    return _reduce(rows + weights @ chunk, p)


def _reduce(values: Float64[Array, "m dim"], p: int | Int[Array, ""]) -> Float64[Array, "m dim"]:
    return values - p * jnp.rint(values * (1.0 / p))
