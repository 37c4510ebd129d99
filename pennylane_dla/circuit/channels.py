"""Noise: the transfer matrix of a channel from PennyLane's Kraus operators."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pennylane as qp
from jaxtyping import Float, Inexact

from pennylane_dla.errors import DLAError

PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 0], [0, -1]], [[0, -1j], [1j, 0]]])  # I, X, Z, Y
MAX_WIRES = 3


@cache
def pauli_basis(k: int) -> np.ndarray:
    """All ``4^k`` Pauli matrices, word with code ``Σ_a code_a 4^a``, first wire most significant in the
    matrix."""
    basis = PAULIS
    for _ in range(k - 1):  # one more wire, less significant in the matrix, more significant in the code
        basis = np.einsum("jab,icd->jiacbd", PAULIS, basis)
        d = basis.shape[2] * basis.shape[3]
        basis = np.einsum("jiacbd->jicadb", basis).reshape(-1, d, d)
    return basis


def transfer_matrix(kraus: Sequence[np.ndarray] | Inexact[np.ndarray, "r d d"]) -> Float[np.ndarray, "words words"]:
    """``T[i, j] = Tr[P_i Σ_r K_r† P_j K_r] / 2^k``: the adjoint channel on Pauli words.

    Args:
        kraus: Kraus operators, first wire most significant (PennyLane's order)
    """
    kraus = np.asarray(kraus, complex)
    d = kraus.shape[-1]
    basis = pauli_basis(int(d).bit_length() - 1)
    images = np.einsum("rba,jbc,rcd->jad", kraus.conj(), basis, kraus, optimize=True)
    transfer = np.einsum("iab,jba->ij", basis, images, optimize=True).real / d
    rounded = np.round(transfer)
    return np.where(np.abs(transfer - rounded) < 1e-14, rounded, transfer)


def channel_key(op: qp.operation.Channel) -> tuple:
    """Equal for equal channels on whatever wires."""
    numbers = tuple(np.asarray(qp.math.toarray(value)).tobytes() for value in op.data)
    return type(op), len(op.wires), numbers, op.hyperparameters.get("operators")


def transfer_of(op: qp.operation.Channel) -> np.ndarray:
    """The transfer matrix of a PennyLane channel."""
    if len(op.wires) > MAX_WIRES:
        raise DLAError(f"{op.name} on {len(op.wires)} wires: channels on more than {MAX_WIRES} are not supported.")
    kraus = np.array([qp.math.toarray(k) for k in op.kraus_matrices()])
    if kraus.shape[-1] != 2 ** len(op.wires):
        raise DLAError(f"{op.name}: only qubit channels are supported.")
    return transfer_matrix(kraus)
