"""Fixed unitaries given as matrices: a Clifford is recognized and written in quarter turns.

A decomposition into rotations hides that a matrix is a Clifford (the Cartan decomposition of a CNOT contains
angles π/4), and then it would count as non-Clifford.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pennylane as qp

from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliStrings
from pennylane_dla.pauli.strings import LETTERS, anticommutation_matrix, turn

from .channels import PAULIS
from .factors import QUARTER, Factor, fixed

MAX_WIRES = 5
MAX_MATRIX_WIRES = 8
NOT_UNITARY = 1e-5  # matrices in single precision are unitary
GIVEN = (
    qp.QubitUnitary,
    qp.DiagonalQubitUnitary,
    qp.Projector,
    qp.Hermitian,
    qp.SparseHamiltonian,
    qp.ops.LinearCombination,
    qp.ops.Sum,
    qp.ops.SProd,
)
TOLERANCE = 1e-6  # as for fixed angles: single precision counts


def require_unitary(op: qp.operation.Operator) -> None:
    """Refuse an operation that is no unitary: PennyLane applies any matrix.

    Args:
        op: an operation; only those that are given by a matrix or a sum, bare or inside ``adjoint``, ``ctrl`` and
            ``pow``, are looked at

    Raises:
        DLAError: its matrix is not unitary
    """
    inner = op
    while isinstance(inner, (qp.ops.Adjoint, qp.ops.Controlled, qp.ops.Pow)):
        inner = inner.base
    if isinstance(inner, qp.ops.Prod):
        for factor in inner.operands:
            require_unitary(factor)
    elif isinstance(inner, GIVEN) and len(inner.wires) <= MAX_MATRIX_WIRES:
        try:
            matrix = np.asarray(qp.matrix(inner, wire_order=inner.wires), complex)
        except Exception as error:  # PennyLane checks some matrices itself
            raise DLAError(f"{op.name} on wires {op.wires.tolist()}: {error}") from error
        if np.abs(matrix @ matrix.conj().T - np.eye(len(matrix))).max() > NOT_UNITARY:
            raise DLAError(
                f"{op.name} on wires {op.wires.tolist()} is not unitary (postselection, or a matrix that is not "
                "normalized?); only unitary operations, channels and preparations are supported."
            )


def clifford_factors(op: qp.operation.Operator) -> tuple[Factor, ...] | None:
    """The operation as quarter and half turns, up to a global phase; ``None`` where it is no Clifford.

    Args:
        op: an operation with a matrix, on at most five wires
    """
    n = len(op.wires)
    if n > MAX_WIRES:
        return None
    images = _images(np.asarray(qp.matrix(op, wire_order=op.wires), complex), n)
    return None if images is None else _turns_to(*images)


def _images(unitary: np.ndarray, n: int) -> tuple[PauliStrings, np.ndarray] | None:
    """``U X_q U†`` and ``U Z_q U†`` for each wire as signed strings; ``None`` where one is no string."""
    words, signs = [], []
    for q, letter in product(range(n), "XZ"):
        image = unitary @ _matrix("I" * q + letter + "I" * (n - q - 1)) @ unitary.conj().T
        flips = int(np.argmax(np.abs(image[:, 0])))  # a string maps |0…0⟩ to one basis state
        word = ""
        for w in range(n):
            bit = 1 << (n - 1 - w)
            ratio = image[flips ^ bit, bit] / image[flips, 0]  # ⟨x+e|P|e⟩ against ⟨x|P|0⟩ tells the Z bit
            word += LETTERS[bool(flips & bit) + 2 * (ratio.real < 0)]
        string = _matrix(word)
        sign = 1 if np.vdot(string, image).real > 0 else -1
        if np.abs(image - sign * string).max() > TOLERANCE:
            return None
        words.append(word)
        signs.append(sign)
    return PauliStrings.from_labels(words), np.array(signs)


def _turns_to(images: PauliStrings, signs: np.ndarray) -> tuple[Factor, ...]:
    """Turns that take ``X_q`` and ``Z_q`` to ``images``.

    The images are turned back wire by wire: two quarter turns at most bring ``X_q``'s image home, two more
    that commute with ``X_q`` that of ``Z_q``; half turns correct the signs. All of it reversed is the answer.
    """
    n = images.num_wires
    back: list[str] = []
    for q in range(n):
        for row, letter in ((2 * q, "X"), (2 * q + 1, "Z")):
            goal = PauliStrings.from_labels(["I" * q + letter + "I" * (n - q - 1)])
            for by in _path(images[row], goal, q, letter):
                images, flip = turn(by, images)
                signs = signs * flip
                back.append(by.labels()[0])
    halves = [
        fixed(correction, (q,), 2 * QUARTER)
        for q in range(n)
        for row, correction in ((2 * q, "Z"), (2 * q + 1, "X"))
        if signs[row] < 0
    ]
    # a turn back by P is exp(iπP/4); the operation is the inverse of all of them, last one first
    return (*halves, *(fixed(word, range(n), QUARTER) for word in reversed(back)))


def _path(start: PauliStrings, goal: PauliStrings, q: int, letter: str) -> list[PauliStrings]:
    """Generators of the quarter turns from one string to another, on the wires from ``q`` on."""
    if start.keys() == goal.keys():
        return []
    if anticommutation_matrix(start, goal)[0, 0]:
        return [_sum(start, goal)]
    n = start.num_wires
    words = ["I" * q + "".join(rest) for rest in product(LETTERS, repeat=n - q)]
    if letter == "Z":  # a way around that leaves X_q alone
        words = ["I" * q + "Y" + "I" * (n - q - 1)]
    for word in words:
        middle = PauliStrings.from_labels([word])
        if anticommutation_matrix(middle, start)[0, 0] and anticommutation_matrix(middle, goal)[0, 0]:
            return [_sum(start, middle), _sum(middle, goal)]
    raise AssertionError("two commuting strings always have a common partner that anticommutes with both")


def _sum(a: PauliStrings, b: PauliStrings) -> PauliStrings:
    return PauliStrings(a.x ^ b.x, a.z ^ b.z, a.num_wires)


def _matrix(word: str) -> np.ndarray:
    result = np.ones((1, 1))
    for letter in word:
        result = np.kron(result, PAULIS[LETTERS.index(letter)])
    return result
