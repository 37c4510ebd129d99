"""PennyLane operations as products of rotations: the tables.

Every operation in the tables is a product of factors ``exp(-iα Σ_j c_j P_j)`` with ``α`` affine in the
operation's parameters, *global phase included* (a factor without a word): so the same tables serve adjoints,
powers and controlled forms, in which a global phase becomes a relative one. Cliffords are quarter turns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pennylane as qp
from pennylane.operation import Operator

from pennylane_dla.errors import DLAError

from .factors import QUARTER, Factor, adjoint, conjugate, controlled, fixed, move, normal, phase, rotation

MAX_CONTROLS = 5  # a controlled string has 2^controls strings; beyond, PennyLane's decomposition is shorter
ROUNDING = 1e-14  # terms of a generator that are rounding errors of the others


# -- Fixed gates -------------------------------------------------------------------------------------------

X = (fixed("X", (0,), 2 * QUARTER), phase(QUARTER))
Y = (fixed("Y", (0,), 2 * QUARTER), phase(QUARTER))
Z = (fixed("Z", (0,), 2 * QUARTER), phase(QUARTER))
S = (fixed("Z", (0,), QUARTER), phase(QUARTER / 2))
T = (fixed("Z", (0,), QUARTER / 2), phase(QUARTER / 4))
SX = (fixed("X", (0,), QUARTER), phase(QUARTER / 2))
HADAMARD = (fixed("Z", (0,), QUARTER), fixed("X", (0,), QUARTER), fixed("Z", (0,), QUARTER), phase(QUARTER))
SWAP = (*(fixed(w, (0, 1), -QUARTER) for w in ("XX", "YY", "ZZ")), phase(-QUARTER / 2))
CZ = controlled(Z, (True,))
TABLE: dict[type, tuple[Factor, ...] | Callable[[Operator], tuple[Factor, ...]]] = {
    qp.Identity: (),
    qp.X: X,
    qp.Y: Y,
    qp.Z: Z,
    qp.S: S,
    qp.T: T,
    qp.SX: SX,
    qp.Hadamard: HADAMARD,
    qp.SWAP: SWAP,
    qp.ISWAP: tuple(fixed(w, (0, 1), -QUARTER) for w in ("XX", "YY")),
    qp.SISWAP: tuple(fixed(w, (0, 1), -QUARTER / 2) for w in ("XX", "YY")),
    qp.ECR: (fixed("ZX", (0, 1), QUARTER), *X),
}

# -- Rotations: parameter by parameter ---------------------------------------------------------------------

RX, RY, RZ = ((rotation(w, (0,)),) for w in "XYZ")
PHASE_SHIFT = (rotation("Z", (0,)), phase(0.0, (0, 0.5)))
ROT = (rotation("Z", (0,), 0), rotation("Y", (0,), 1), rotation("Z", (0,), 2))
TABLE |= {
    qp.RX: RX,
    qp.RY: RY,
    qp.RZ: RZ,
    qp.PhaseShift: PHASE_SHIFT,
    qp.U1: PHASE_SHIFT,
    qp.Rot: ROT,
    qp.U2: (
        rotation("Z", (0,), 1),
        fixed("Y", (0,), QUARTER),
        rotation("Z", (0,), 0),
        phase(0.0, (0, 0.5), (1, 0.5)),
    ),
    qp.U3: (
        rotation("Z", (0,), 2),
        rotation("Y", (0,), 0),
        rotation("Z", (0,), 1),
        phase(0.0, (1, 0.5), (2, 0.5)),
    ),
    qp.IsingXX: (rotation("XX", (0, 1)),),
    qp.IsingYY: (rotation("YY", (0, 1)),),
    qp.IsingZZ: (rotation("ZZ", (0, 1)),),
    qp.IsingXY: (Factor((0, 1), ("XX", "YY"), (-0.25, -0.25), ((0, 1.0),)),),
    qp.PSWAP: (rotation("ZZ", (0, 1)), phase(0.0, (0, 0.5)), *SWAP),
    qp.GlobalPhase: (phase(0.0, (0, -1.0)),),
}


def _pauli_rot(op: Operator) -> tuple[Factor, ...]:
    word = op.hyperparameters["pauli_word"]
    if not word.strip("I"):
        return (phase(0.0, (0, -0.5)),)
    return (rotation(word, range(len(word))),)


def _multi_rz(op: Operator) -> tuple[Factor, ...]:
    return (rotation("Z" * len(op.wires), range(len(op.wires))),)


TABLE |= {qp.PauliRot: _pauli_rot, qp.MultiRZ: _multi_rz}

# -- Controlled forms: from the base -----------------------------------------------------------------------

TABLE |= {
    qp.CNOT: controlled(X, (True,)),
    qp.CY: controlled(Y, (True,)),
    qp.CZ: CZ,
    # H = RY(π/4) Z RY(-π/4), and only the middle needs its control
    qp.CH: (fixed("Y", (1,), -QUARTER / 2), *CZ, fixed("Y", (1,), QUARTER / 2)),
    qp.CRX: controlled(RX, (True,)),
    qp.CRY: controlled(RY, (True,)),
    qp.CRZ: controlled(RZ, (True,)),
    qp.CRot: controlled(ROT, (True,)),
    qp.ControlledPhaseShift: controlled(PHASE_SHIFT, (True,)),
    qp.CPhaseShift00: controlled((phase(0.0, (0, 1.0)),), (False, False)),
    qp.CPhaseShift01: controlled((phase(0.0, (0, 1.0)),), (False, True)),
    qp.CPhaseShift10: controlled((phase(0.0, (0, 1.0)),), (True, False)),
    qp.CCZ: controlled(Z, (True, True)),
    qp.Toffoli: controlled(X, (True, True)),
    qp.CSWAP: controlled(SWAP, (True,)),
}

# -- Generators --------------------------------------------------------------------------------------------


def generator_factors(op: Operator) -> tuple[Factor, ...] | None:
    """From ``op.generator()``, which PennyLane defines by ``exp(+iθG)``; ``None`` where it is too wide."""
    generator = op.generator()
    sentence = generator.pauli_rep
    if sentence is None:
        if len(generator.wires) > 6:
            return None
        sentence = qp.pauli_decompose(qp.matrix(generator, wire_order=op.wires), wire_order=op.wires, pauli=True)
    return _exponential(sentence, op.wires, -1.0)


def _exponential(sentence, wires, scale: float) -> tuple[Factor, ...]:
    """``exp(-iθ · scale · sentence)``."""
    place = {wire: a for a, wire in enumerate(wires)}
    used = sorted({place[wire] for word in sentence for wire in word})
    words, coefficients, result = [], [], []
    numbers = [complex(qp.math.unwrap([c])[0]) for c in sentence.values()]
    largest = max(map(abs, numbers), default=0.0)
    for word, c in zip(sentence, numbers, strict=True):
        if not np.isfinite(largest) or abs(c.imag) > 1e-9 * largest:
            raise DLAError(f"the generator {sentence} is not Hermitian with finite coefficients.")
        if abs(c) <= ROUNDING * largest:
            continue
        if not word:
            result.append(normal(Factor((), ("",), (scale * c.real,), ((0, 1.0),))))
            continue
        letters = ["I"] * len(used)
        for wire, letter in word.items():
            letters[used.index(place[wire])] = letter
        words.append("".join(letters))
        coefficients.append(scale * c.real)
    if words:
        result.append(normal(Factor(tuple(used), tuple(words), tuple(coefficients), ((0, 1.0),))))
    return tuple(result)


@cache
def _generator_of_type(kind: type) -> tuple[Factor, ...]:
    factors = generator_factors(kind(0.5, wires=range(kind.num_wires)))
    assert factors is not None  # a few wires
    return factors


TABLE |= {
    kind: (lambda op, kind=kind: _generator_of_type(kind))
    for kind in (
        qp.SingleExcitation,
        qp.SingleExcitationPlus,
        qp.SingleExcitationMinus,
        qp.DoubleExcitation,
        qp.DoubleExcitationPlus,
        qp.DoubleExcitationMinus,
        qp.OrbitalRotation,
        qp.FermionicSWAP,
    )
}


# table entries that are the same for every instance
PLAIN = frozenset(kind for kind, entry in TABLE.items() if not callable(entry))


def _evolution(op: Operator) -> tuple[Factor, ...] | None:
    sentence = op.base.pauli_rep
    if sentence is None:
        if len(op.wires) > 6:
            return None
        sentence = qp.pauli_decompose(qp.matrix(op.base, wire_order=op.wires), wire_order=op.wires, pauli=True)
    # Evolution(H, θ) is exp(-iθH), Exp(H, iθ) is exp(iθH)
    return _exponential(sentence, op.wires, 1.0 if isinstance(op, qp.ops.Evolution) else -1.0)


def _exponent(op: Operator) -> tuple[Factor, ...] | None:
    if not qp.math.allclose(qp.math.real(op.coeff), 0.0):
        raise DLAError(f"{op}: exp of an operator that is not anti-Hermitian; write it with an imaginary coefficient.")
    return _evolution(op)


TABLE |= {qp.ops.Evolution: _evolution, qp.ops.Exp: _exponent}

# -- Adjoint, conjugate, power and control of anything above -----------------------------------------------


class Conjugate(qp.ops.op_math.SymbolicOp):
    """The complex conjugate of an operation, which PennyLane has as a matrix only (``HilbertSchmidt``)."""

    def __init__(self, base: Operator):
        super().__init__(base)
        self._name = f"Conjugate({base.name})"

    @property
    def has_matrix(self) -> bool:
        return self.base.has_matrix

    def matrix(self, wire_order=None):
        return qp.math.conj(self.base.matrix(wire_order))

    def decomposition(self) -> list[Operator]:
        return [Conjugate(part) for part in self.base.decomposition()]


def _conjugate_of(op: Conjugate) -> tuple[Factor, ...] | None:
    factors = factors_of(op.base)
    return None if factors is None else conjugate(_place(factors, op.base, op.wires))


def _adjoint_of(op: Operator) -> tuple[Factor, ...] | None:
    factors = factors_of(op.base)
    if factors is None:
        return None
    return adjoint(_place(factors, op.base, op.wires))


def _controlled_of(op: Operator) -> tuple[Factor, ...] | None:
    if not 0 < len(op.control_wires) <= MAX_CONTROLS:
        return None
    base = op.base
    if isinstance(op, (qp.MultiControlledX,)):
        factors = X
    else:
        factors = factors_of(base)
        if factors is None:
            return None
        factors = _place(factors, base, op.target_wires)
    factors = controlled(factors, [bool(v) for v in op.control_values])
    return factors


def _product_of(op: Operator) -> tuple[Factor, ...] | None:
    """The operands of ``A @ B``, the last applied first; their slots follow each other in writing order."""
    pieces, start = [], 0
    for operand in op.operands:
        factors = factors_of(operand)
        if factors is None:
            return None
        placed = _place(factors, operand, op.wires)
        pieces.append([f._replace(terms=tuple((start + i, s) for i, s in f.terms)) for f in placed])
        start += len(slots_of(operand))
    return tuple(f for piece in reversed(pieces) for f in piece)


def _place(factors: tuple[Factor, ...], base: Operator, wires) -> tuple[Factor, ...]:
    """From the wire order of ``base`` to that of the operation around it."""
    if base.wires == wires:
        return factors
    order = {wire: a for a, wire in enumerate(wires)}
    return move(factors, [order[wire] for wire in base.wires])


def factors_of(op: Operator) -> tuple[Factor, ...] | None:
    """The operation as a product of factors, first applied first; ``None`` where it is in no table.

    ``index`` in a factor refers to :func:`slots_of`.
    """
    entry = TABLE.get(type(op))
    if entry is None:
        if isinstance(op, qp.ops.Adjoint):
            return _adjoint_of(op)
        if isinstance(op, Conjugate):
            return _conjugate_of(op)
        if isinstance(op, qp.ops.Controlled):
            return _controlled_of(op)
        if isinstance(op, qp.ops.Prod):
            return _product_of(op)
        return None
    return entry(op) if callable(entry) else entry


def slots_of(op: Operator) -> tuple:
    """The numbers that determine the operation, the angle parameters first (the ``data`` of ``Evolution``
    and ``Exp`` are neither the angle nor the coefficients of the Hamiltonian)."""
    if isinstance(op, qp.ops.Evolution):
        return (op.param, *op.base.data)
    if isinstance(op, qp.ops.Exp):
        return (qp.math.imag(op.coeff), *op.base.data)
    if isinstance(op, (qp.ops.Adjoint, qp.ops.Controlled, Conjugate)):
        return slots_of(op.base)
    if isinstance(op, qp.ops.Prod):
        return tuple(slot for operand in op.operands for slot in slots_of(operand))
    return op.data


def is_listed(op: Operator) -> bool:
    """Whether :func:`factors_of` knows the operation."""
    if type(op) in TABLE:
        return not isinstance(op, qp.ops.Exp) or factors_of(op) is not None
    if isinstance(op, (qp.ops.Adjoint, Conjugate)):
        return is_listed(op.base)
    if isinstance(op, qp.ops.Controlled):
        if not 0 < len(op.control_wires) <= MAX_CONTROLS:
            return False
        return isinstance(op, qp.MultiControlledX) or is_listed(op.base)
    if isinstance(op, qp.ops.Prod):
        return all(map(is_listed, op.operands))
    return False
