"""PennyLane operations as products of rotations: the tables.

Every operation in the tables is a product of factors ``exp(-iα Σ_j c_j P_j)`` with ``α`` affine in the
operation's parameters, *global phase included* (a factor without a word): so the same tables serve adjoints,
powers and controlled forms, in which a global phase becomes a relative one. Cliffords are quarter turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import pennylane as qp
from pennylane.operation import Operator

from pennylane_dla.errors import DLAError

MAX_CONTROLS = 5  # a controlled string has 2^controls strings; beyond, PennyLane's decomposition is shorter
QUARTER = np.pi / 2
ROUNDING = 1e-14  # terms of a generator that are rounding errors of the others


class Factor(NamedTuple):
    """``exp(-iα Σ_j coefficients[j] words[j])`` with ``α = offset + Σ scale · slots[index]``.

    Args:
        positions: positions in the wires of the operation
        words: Pauli words over ``positions``; ``("",)`` over no wire is a global phase
        coefficients: one each; ``(0.5,)`` for a single word
        terms: pairs ``(index, scale)`` of what drives it
        offset: constant part of the angle
    """

    positions: tuple[int, ...]
    words: tuple[str, ...]
    coefficients: tuple[float, ...]
    terms: tuple[tuple[int, float], ...] = ()
    offset: float = 0.0


def rotation(word: str, positions: Sequence[int], index: int = 0, scale: float = 1.0) -> Factor:
    """``exp(-i scale·θ P/2)``, driven by parameter ``index``."""
    return Factor(tuple(positions), (word,), (0.5,), ((index, scale),))


def fixed(word: str, positions: Sequence[int], angle: float) -> Factor:
    """``exp(-i angle P/2)``."""
    return Factor(tuple(positions), (word,), (0.5,), (), angle)


def phase(angle: float = 0.0, *terms: tuple[int, float]) -> Factor:
    """``exp(i (angle + Σ scale·θ_index))``, a global phase."""
    return Factor((), ("",), (0.5,), tuple((i, -2 * s) for i, s in terms), -2 * angle)


def adjoint(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """The inverse: in reversed order, angles negated."""
    return tuple(
        f._replace(terms=tuple((i, -s) for i, s in f.terms), offset=-f.offset) for f in reversed(factors)
    )


def move(factors: Sequence[Factor], positions: Sequence[int]) -> tuple[Factor, ...]:
    """The same factors on other positions: ``a`` becomes ``positions[a]``."""
    return tuple(f._replace(positions=tuple(positions[a] for a in f.positions)) for f in factors)


def controlled(factors: Sequence[Factor], values: Sequence[bool]) -> tuple[Factor, ...]:
    """Controlled on the first ``len(values)`` positions: ``c_j P_j`` becomes ``c_j ∏_w (1 ± Z_w)/2 ⊗ P_j``.

    Exact because each factor is controlled on its own, the global phase among them.
    """
    k = len(values)
    signs = [-1.0 if value else 1.0 for value in values]
    result = []
    for f in factors:
        words, coefficients, constant = [], [], 0.0
        for subset in product((0, 1), repeat=k):
            weight = np.prod([s for s, used in zip(signs, subset, strict=True) if used], initial=1.0) / 2**k
            for word, c in zip(f.words, f.coefficients, strict=True):
                full = "".join("Z" if used else "I" for used in subset) + word
                if full.strip("I"):
                    words.append(full)
                    coefficients.append(float(c * weight))
                else:
                    constant += c * weight
        positions = (*range(k), *(a + k for a in f.positions))
        if words and not f.terms and len(f.words) == 1:  # a fixed angle: the words commute, one factor each
            result += [
                fixed(w, positions, 2 * c * f.offset) for w, c in zip(words, coefficients, strict=True)
            ]
        elif words:
            result.append(_normal(Factor(positions, tuple(words), tuple(coefficients), f.terms, f.offset)))
        if constant:
            result.append(_normal(Factor((), ("",), (float(constant),), f.terms, f.offset)))
    return _joined(result)


def _joined(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """Commuting neighbours driven by one parameter become one factor: a controlled phase shift is one
    rotation."""
    result: list[Factor] = []
    for f in factors:
        last = result[-1] if result else None
        if last is None or not _joinable(last, f):
            result.append(f)
            continue
        positions = tuple(sorted({*last.positions, *f.positions}))
        ratio = f.terms[0][1] / last.terms[0][1]
        sums: dict[str, float] = {}
        for part, scale in ((last, 1.0), (f, ratio)):
            for word, c in zip(part.words, part.coefficients, strict=True):
                letters = dict(zip(part.positions, word, strict=True))
                full = "".join(letters.get(a, "I") for a in positions)
                sums[full] = sums.get(full, 0.0) + scale * c
        result[-1] = last._replace(positions=positions, words=tuple(sums), coefficients=tuple(sums.values()))
    return tuple(result)


def _joinable(a: Factor, b: Factor) -> bool:
    same = len(a.terms) == len(b.terms) == 1 and a.terms[0][0] == b.terms[0][0]
    if not same or a.offset or b.offset or not a.positions or not b.positions:
        return False
    for p in a.words:
        letters = dict(zip(a.positions, p, strict=True))
        for q in b.words:
            different = sum(
                letters.get(at, "I") not in ("I", letter) and letter != "I"
                for at, letter in zip(b.positions, q, strict=True)
            )
            if different % 2:
                return False
    return True


def _normal(f: Factor) -> Factor:
    """A single word gets coefficient 1/2: scale and sign move into the angle."""
    if len(f.words) > 1 or f.coefficients == (0.5,):
        return f
    scale = 2 * f.coefficients[0]
    return f._replace(
        coefficients=(0.5,), terms=tuple((i, scale * s) for i, s in f.terms), offset=scale * f.offset
    )


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
        sentence = qp.pauli_decompose(
            qp.matrix(generator, wire_order=op.wires), wire_order=op.wires, pauli=True
        )
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
            result.append(_normal(Factor((), ("",), (scale * c.real,), ((0, 1.0),))))
            continue
        letters = ["I"] * len(used)
        for wire, letter in word.items():
            letters[used.index(place[wire])] = letter
        words.append("".join(letters))
        coefficients.append(scale * c.real)
    if words:
        result.append(_normal(Factor(tuple(used), tuple(words), tuple(coefficients), ((0, 1.0),))))
    return tuple(result)


@cache
def _generator_of_type(kind: type) -> tuple[Factor, ...]:
    return generator_factors(kind(0.5, wires=range(kind.num_wires)))


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
        sentence = qp.pauli_decompose(
            qp.matrix(op.base, wire_order=op.wires), wire_order=op.wires, pauli=True
        )
    # Evolution(H, θ) is exp(-iθH), Exp(H, iθ) is exp(iθH)
    return _exponential(sentence, op.wires, 1.0 if isinstance(op, qp.ops.Evolution) else -1.0)


def _exponent(op: Operator) -> tuple[Factor, ...] | None:
    if not qp.math.allclose(qp.math.real(op.coeff), 0.0):
        raise DLAError(
            f"{op}: exp of an operator that is not anti-Hermitian; write it with an imaginary coefficient."
        )
    return _evolution(op)


TABLE |= {qp.ops.Evolution: _evolution, qp.ops.Exp: _exponent}

# -- Adjoint, power and control of anything above ----------------------------------------------------------


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
        if isinstance(op, qp.ops.Controlled):
            return _controlled_of(op)
        return None
    return entry(op) if callable(entry) else entry


def slots_of(op: Operator) -> tuple:
    """The numbers that determine the operation, the angle parameters first (the ``data`` of ``Evolution``
    and ``Exp`` are neither the angle nor the coefficients of the Hamiltonian)."""
    if isinstance(op, qp.ops.Evolution):
        return (op.param, *op.base.data)
    if isinstance(op, qp.ops.Exp):
        return (qp.math.imag(op.coeff), *op.base.data)
    if isinstance(op, (qp.ops.Adjoint, qp.ops.Controlled)):
        return slots_of(op.base)
    return op.data


def is_listed(op: Operator) -> bool:
    """Whether :func:`factors_of` knows the operation."""
    if type(op) in TABLE:
        return not isinstance(op, qp.ops.Exp) or factors_of(op) is not None
    if isinstance(op, qp.ops.Adjoint):
        return is_listed(op.base)
    if isinstance(op, qp.ops.Controlled):
        if not 0 < len(op.control_wires) <= MAX_CONTROLS:
            return False
        return isinstance(op, qp.MultiControlledX) or is_listed(op.base)
    return False
