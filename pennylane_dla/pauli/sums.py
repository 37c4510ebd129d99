"""Real linear combinations of Pauli strings: observables and generators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .strings import PauliStrings, product


@dataclass(frozen=True, eq=False)
class PauliSum:
    """``Σ_j coefficients[j] · strings[j]``, no string twice; the identity is kept in ``constant``.

    Args:
        strings: the terms
        coefficients: real coefficients, shape ``(m,)``
        constant: coefficient of the identity
    """

    strings: PauliStrings
    coefficients: Float[np.ndarray, " m"]
    constant: float = 0.0

    @classmethod
    def from_dict(cls, terms: Mapping[str, float]) -> PauliSum:
        """From ``{"XIZ": 0.5, …}``.

        >>> PauliSum.from_dict({"ZI": 1.0, "II": 0.5}).constant
        0.5
        """
        labels = list(terms)
        return cls.collect(PauliStrings.from_labels(labels), np.array([terms[k] for k in labels], float))

    @classmethod
    def collect(cls, strings: PauliStrings, coefficients: Float[np.ndarray, " m"]) -> PauliSum:
        """Add up equal strings, drop exact zeros, set the identity apart; order of first appearance."""
        if len(strings) == 1 and coefficients[0] != 0 and not strings.is_identity()[0]:  # nothing to collect
            return cls(strings, np.asarray(coefficients, float))
        _, first, inverse = np.unique(strings.vectors(), axis=0, return_index=True, return_inverse=True)
        totals = np.zeros(len(first))
        np.add.at(totals, inverse.reshape(-1), np.asarray(coefficients, float))
        identity = strings.is_identity()[first]
        keep = np.flatnonzero(~identity & (totals != 0))
        keep = keep[np.argsort(first[keep])]
        return cls(strings[first[keep]], totals[keep], float(totals[identity].sum()))

    @property
    def num_wires(self) -> int:
        return self.strings.num_wires

    def __len__(self) -> int:
        return len(self.strings)

    def purity(self) -> float:
        """``Tr[O²]/2ⁿ`` of the traceless part: the sum of squared coefficients."""
        return float(np.sum(self.coefficients**2))


@dataclass(frozen=True)
class ProjectorProduct:
    """``∏_w (1 + signs[w] Z_w)/2`` over ``wires``: a Projector on a computational basis state.

    Never expanded where the number of wires is large: it has ``2^len(wires)`` strings.

    Args:
        wires: qubit indices
        signs: +1 for ``|0⟩``, -1 for ``|1⟩``, one each
        num_wires: qubits of the circuit
    """

    wires: tuple[int, ...]
    signs: tuple[int, ...]
    num_wires: int

    def expand(self) -> PauliSum:
        """All ``2^len(wires)`` terms (for a dozen wires or so)."""
        k = len(self.wires)
        subsets = (np.arange(2**k)[:, None] >> np.arange(k)) & 1
        z = np.zeros((2**k, self.num_wires), np.uint8)
        z[:, list(self.wires)] = subsets
        signs = np.prod(np.where(subsets, np.array(self.signs), 1), axis=1)
        return PauliSum.collect(PauliStrings.from_bits(np.zeros_like(z), z), signs / 2.0**k)


def square(observable: PauliSum) -> PauliSum:
    """``O²``, of which only products of commuting terms survive.

    >>> square(PauliSum.from_dict({"Z": 2.0, "X": 1.0})).constant
    5.0
    """
    m = len(observable)
    first, second = np.repeat(np.arange(m), m), np.tile(np.arange(m), m)
    strings, exponent = product(observable.strings[first], observable.strings[second])
    real = exponent % 2 == 0
    coefficients = observable.coefficients[first] * observable.coefficients[second] * (1.0 - exponent)
    parts = [strings[real], observable.strings]
    weights = np.concatenate([coefficients[real], 2 * observable.constant * observable.coefficients])
    total = PauliSum.collect(PauliStrings.concatenate(parts), weights)
    return PauliSum(total.strings, total.coefficients, total.constant + observable.constant**2)
