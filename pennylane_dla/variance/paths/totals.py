"""Sums that batches of sampled paths leave, and how they are added."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import sharding


@dataclass(eq=False)
class Totals:
    """Sums over independent samples: paths, or whole batches where paths share ancestors.

    Args:
        samples: number of samples
        paths: number of paths
        loss: ``(Σ w, Σ w²)``
        gates: ``(Σ w, Σ w²)`` for each gate of the circuit, over paths that anticommute with it
        largest: the largest weight seen, for each gate, then for the loss
        hits: paths of non-zero weight
    """

    samples: int
    paths: int
    loss: np.ndarray
    gates: np.ndarray
    largest: np.ndarray
    hits: int

    @classmethod
    def zero(cls, num_gates: int) -> Totals:
        return cls(0, 0, np.zeros(2), np.zeros((2, num_gates)), np.zeros(num_gates + 1), 0)

    def add(self, other: Totals) -> None:
        self.samples += other.samples
        self.paths += other.paths
        self.loss += other.loss
        self.gates += other.gates
        self.largest = np.maximum(self.largest, other.largest)
        self.hits += other.hits

    def over_processes(self) -> Totals:
        """The totals of all processes together."""
        sums = np.concatenate([[self.samples, self.paths, self.hits], self.loss, self.gates.reshape(-1)])
        sums, largest = sharding.add_over_processes(sums, self.largest)
        samples, paths, hits = (round(v) for v in sums[:3])
        return Totals(samples, paths, sums[3:5], sums[5:].reshape(2, -1), largest, hits)

    def unevenness(self) -> float:
        """``E[w²]/E[w]²`` as far as it shows: so many samples are worth one."""
        total, squares = self.loss
        return self.samples * squares / total**2 if total > 0 and squares > 0 else float(self.samples)
