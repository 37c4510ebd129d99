"""Operations, templates and measurements as text: what a case is drawn from.

An entry takes a :class:`Pen`, which hands out angles and wires, and returns one line of the body.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


class Pen:
    """Draws the parts of a line.

    Args:
        rng: of the case
        wires: labels
        angle: draws the text of an angle
    """

    def __init__(self, rng: np.random.Generator, wires: tuple, angle: Callable[[], str]):
        self.rng, self.labels, self.angle = rng, wires, angle

    def wires(self, count: int) -> str:
        """Distinct labels as a list."""
        return repr([self.labels[i] for i in self.rng.permutation(len(self.labels))[:count]])

    def wire(self) -> str:
        """One label."""
        return repr(self.labels[self.rng.integers(len(self.labels))])

    def number(self, low: float = 0.2, high: float = 2.9) -> str:
        """A known number."""
        return f"{self.rng.uniform(low, high):.3f}"

    def seed(self) -> int:
        """Of a random matrix."""
        return int(self.rng.integers(1000))

    def pick(self, options):
        """One of some options."""
        return options[int(self.rng.integers(len(options)))]

    def word(self, count: int, identity: bool = False) -> str:
        """A Pauli word."""
        letters = "IXYZ" if identity else "XYZ"
        return "".join(self.pick(letters) for _ in range(count))


def _plain(name: str, wires: int, angles: int = 1):
    def line(pen: Pen) -> str:
        parts = [pen.angle() for _ in range(angles)]
        where = pen.wire() if wires == 1 else pen.wires(wires)
        return f"qp.{name}({', '.join(parts)}{', ' * bool(parts)}wires={where})"

    return line


def _controlled(pen: Pen) -> str:
    count = 2 if len(pen.labels) == 2 or pen.rng.random() < 0.7 else 3
    labels = [pen.labels[i] for i in pen.rng.permutation(len(pen.labels))[:count]]
    values = [int(v) for v in pen.rng.integers(2, size=count - 1)]
    gate = pen.pick(("RX", "RY", "RZ", "PhaseShift", "U1"))
    return (
        f"qp.ctrl(qp.{gate}, control={labels[:-1]!r}, control_values={values!r})({pen.angle()}, wires={labels[-1]!r})"
    )


def _words_sum(pen: Pen, count: int) -> str:
    """A Hamiltonian of random words."""
    terms = []
    for _ in range(count):
        size = 1 + int(pen.rng.integers(min(2, len(pen.labels))))
        labels = [pen.labels[i] for i in pen.rng.permutation(len(pen.labels))[:size]]
        terms.append(
            f"{pen.number(-1, 1)} * "
            + " @ ".join(f"qp.{letter}({w!r})" for letter, w in zip(pen.word(size), labels, strict=True))
        )
    return " + ".join(terms)


def _commuting_sum(pen: Pen) -> str:
    letter = pen.pick("XYZ")
    labels = [pen.labels[i] for i in pen.rng.permutation(len(pen.labels))]
    terms = [
        f"{pen.pick(('1.0', '0.5', '2.0', '-1.0'))} * qp.{letter}({w!r})"
        for w in labels[: 1 + int(pen.rng.integers(2))]
    ]
    if len(labels) > 1:
        terms.append(f"{pen.pick(('1.0', '0.5', '-0.5'))} * (qp.{letter}({labels[0]!r}) @ qp.{letter}({labels[1]!r}))")
    return " + ".join(terms)


ROTATIONS = {
    1: [_plain("RX", 1), _plain("RY", 1), _plain("RZ", 1), _plain("PhaseShift", 1), _plain("U1", 1), _plain("U2", 1, 2)]
    + [_plain("Rot", 1, 3), _plain("U3", 1, 3)]
    + [
        lambda pen: f"qp.adjoint(qp.{pen.pick(('RX', 'RY', 'RZ'))})({pen.angle()}, wires={pen.wire()})",
        lambda pen: f"qp.pow(qp.{pen.pick(('RX', 'RY', 'RZ'))}({pen.angle()}, wires={pen.wire()}), {pen.pick(('2', '3', '0.5', '-1'))})",
        lambda pen: f"qp.PauliRot({pen.angle()}, {pen.word(1)!r}, wires={pen.wire()})",
        lambda pen: f"qp.evolve({pen.pick(('0.5', '1.0', '-0.7'))} * qp.{pen.pick('XYZ')}({pen.wire()}), coeff={pen.angle()})",
    ],
    2: [
        *(
            _plain(name, 2)
            for name in (
                "CRX", "CRY", "CRZ", "ControlledPhaseShift", "CPhaseShift00", "CPhaseShift01", "CPhaseShift10",
                "IsingXX", "IsingYY", "IsingZZ", "IsingXY", "PSWAP", "SingleExcitation", "SingleExcitationPlus",
                "SingleExcitationMinus", "FermionicSWAP", "MultiRZ",
            )
        ),
        _plain("CRot", 2, 3),
        _controlled,
        lambda pen: f"qp.PauliRot({pen.angle()}, {pen.word(2, True)!r}, wires={pen.wires(2)})",
        lambda pen: f"qp.PCPhase({pen.angle()}, dim={pen.pick((1, 2, 3))}, wires={pen.wires(2)})",
        lambda pen: f"qp.adjoint(qp.{pen.pick(('IsingXX', 'CRY', 'SingleExcitation'))})({pen.angle()}, wires={pen.wires(2)})",
        lambda pen: f"qp.evolve({_commuting_sum(pen)}, coeff={pen.angle()})",
        lambda pen: f"qp.CommutingEvolution({_commuting_sum(pen)}, {pen.angle()})",
    ],
    3: [
        lambda pen: f"qp.MultiRZ({pen.angle()}, wires={pen.wires(3)})",
        lambda pen: f"qp.PauliRot({pen.angle()}, {pen.word(3, True)!r}, wires={pen.wires(3)})",
        _controlled,
        lambda pen: f"qp.PCPhase({pen.angle()}, dim={pen.pick((2, 3, 5))}, wires={pen.wires(3)})",
    ],
    4: [
        _plain("DoubleExcitation", 4), _plain("DoubleExcitationPlus", 4), _plain("DoubleExcitationMinus", 4),
        _plain("OrbitalRotation", 4),
    ],
}  # fmt: skip

FIXED = {
    1: [
        *(_plain(name, 1, 0) for name in ("Hadamard", "S", "T", "SX", "PauliX", "PauliY", "PauliZ")),
        *(_plain(name, 1, 0) for name in ("Hadamard", "S")),
        lambda pen: f"qp.{pen.pick(('RX', 'RY', 'RZ'))}({pen.number()}, wires={pen.wire()})",
        lambda pen: f"qp.{pen.pick(('RX', 'RY', 'RZ'))}({pen.pick(('np.pi', 'np.pi / 2', '-np.pi / 2', '0.0'))}, wires={pen.wire()})",
        lambda pen: f"qp.QubitUnitary(unitary({pen.seed()}, 2), wires={pen.wire()})",
        lambda pen: f"qp.adjoint(qp.{pen.pick(('S', 'T', 'SX'))}({pen.wire()}))",
    ],
    2: [
        *(_plain(name, 2, 0) for name in ("CNOT", "CZ", "CY", "CH", "SWAP", "ISWAP", "SISWAP", "ECR")),
        *(_plain(name, 2, 0) for name in ("CNOT", "CZ", "CNOT")),
        lambda pen: f"qp.QubitUnitary(unitary({pen.seed()}, 4), wires={pen.wires(2)})",
        lambda pen: f"qp.DiagonalQubitUnitary(np.exp(1j * np.array([{', '.join(pen.number() for _ in range(4))}])), wires={pen.wires(2)})",
        lambda pen: f"qp.IsingXX({pen.number()}, wires={pen.wires(2)})",
        lambda pen: f"qp.QFT(wires={pen.wires(2)})",
    ],
    3: [
        _plain("Toffoli", 3, 0), _plain("CSWAP", 3, 0), _plain("CCZ", 3, 0),
        lambda pen: f"qp.GroverOperator(wires={pen.wires(3)})",
        lambda pen: f"qp.MultiControlledX(wires={pen.wires(3)}, control_values=[{pen.pick('01')}, {pen.pick('01')}])",
    ],
    4: [lambda pen: f"qp.QFT(wires={pen.wires(3)})"],
}  # fmt: skip

PAULI_CHANNELS = [
    lambda pen: (
        f"qp.{pen.pick(('BitFlip', 'PhaseFlip', 'DepolarizingChannel', 'PhaseDamping'))}({pen.number(0.01, 0.5)}, wires={pen.wire()})"
    ),
    lambda pen: f"qp.PauliError({pen.word(1)!r}, {pen.number(0.01, 0.5)}, wires={pen.wire()})",
]
OTHER_CHANNELS = [
    lambda pen: f"qp.AmplitudeDamping({pen.number(0.01, 0.6)}, wires={pen.wire()})",
    lambda pen: f"qp.GeneralizedAmplitudeDamping({pen.number(0.01, 0.6)}, {pen.number(0.1, 0.9)}, wires={pen.wire()})",
    lambda pen: f"qp.ResetError({pen.number(0.01, 0.4)}, {pen.number(0.01, 0.4)}, wires={pen.wire()})",
    lambda pen: f"qp.ThermalRelaxationError({pen.number(0.05, 0.4)}, 1.2, 0.9, 0.3, wires={pen.wire()})",
    lambda pen: f"qp.QubitChannel(kraus({pen.seed()}, 2, {pen.pick((2, 3))}), wires={pen.wire()})",
]

PREPARATIONS = [
    lambda pen: (
        f"qp.BasisState(np.array({[int(b) for b in pen.rng.integers(2, size=len(pen.labels))]}), wires={list(pen.labels)!r})"
    ),
    lambda pen: (
        f"qp.StatePrep(vector({pen.seed()}, {2 ** len(pen.labels)}, real={pen.pick((True, False))}), wires={list(pen.labels)!r})"
    ),
    lambda pen: f"qp.StatePrep(vector({pen.seed()}, 2), wires=[{pen.wire()}])",
    lambda pen: f"qp.AmplitudeEmbedding(vector({pen.seed()}, {2 ** len(pen.labels)}), wires={list(pen.labels)!r})",
    lambda pen: (
        f"qp.MottonenStatePreparation(vector({pen.seed()}, {2 ** len(pen.labels)}), wires={list(pen.labels)!r})"
    ),
    lambda pen: "".join(f"qp.Hadamard({w!r}); " for w in pen.labels).rstrip("; "),
    lambda pen: (
        f"qp.AngleEmbedding(np.array([{', '.join(pen.number() for _ in pen.labels)}]), wires={list(pen.labels)!r}, rotation={pen.pick('XYZ')!r})"
    ),
]


def _layers(n: int, rng) -> int:
    return 1 + int(rng.random() < 0.4 and n < 4)


def template(pen: Pen, n: int, slice_of: Callable[[tuple[int, ...]], str]) -> str:
    """One template with random sizes.

    Args:
        pen: draws the parts
        n: wires
        slice_of: text of a part of an argument with the given shape
    """
    rng, wires = pen.rng, pen.wires(n)
    depth = _layers(n, rng)
    options = {
        "BasicEntanglerLayers": lambda: f"qp.BasicEntanglerLayers({slice_of((depth, n))}, wires={wires}, rotation=qp.{pen.pick(('RX', 'RY', 'RZ'))})",
        "SimplifiedTwoDesign": lambda: f"qp.SimplifiedTwoDesign({slice_of((n,))}, {slice_of((1, n - 1, 2))}, wires={wires})",
        "QAOAEmbedding": lambda: f"qp.QAOAEmbedding([{', '.join(pen.number() for _ in range(n))}], weights={slice_of((1, {2: 3}.get(n, 2 * n)))}, wires={wires}, local_field={pen.pick('XYZ')!r})",
        "AngleEmbedding": lambda: f"qp.AngleEmbedding({slice_of((n,))}, wires={wires}, rotation={pen.pick('XYZ')!r})",
        "IQPEmbedding": lambda: f"qp.IQPEmbedding([{', '.join(pen.number() for _ in range(n))}], wires={wires})",
        "RandomLayers": lambda: f"qp.RandomLayers({slice_of((depth, 3))}, wires={wires}, seed={pen.seed()})",
        "StronglyEntanglingLayers": lambda: f"qp.StronglyEntanglingLayers({slice_of((1, n, 3))}, wires={wires})",
        "ParticleConservingU2": lambda: f"qp.ParticleConservingU2({slice_of((1, 2 * n - 1))}, wires={wires}, init_state=np.array({[int(b) for b in rng.integers(2, size=n)]}))",
        "ArbitraryStatePreparation": lambda: f"qp.ArbitraryStatePreparation({slice_of((2,))}, wires={pen.wires(1)})",
        "ApproxTimeEvolution": lambda: f"qp.ApproxTimeEvolution({_words_sum(pen, 2)}, {pen.angle()}, {pen.pick((1, 2))})",
        "TrotterProduct": lambda: f"qp.TrotterProduct({_words_sum(pen, 2)}, {pen.angle()}, n=1, order={pen.pick((1, 2))})",
        "mixer": lambda: f"qp.qaoa.mixer_layer({pen.angle()}, qp.qaoa.x_mixer({wires}))",
        "cost": lambda: f"qp.qaoa.cost_layer({pen.angle()}, {_ring(pen, n)})",
    }  # fmt: skip
    if n >= 3:
        options["TTN"] = lambda: _block("MPS", pen, n, slice_of)
    if n == 4:
        options["AllSinglesDoubles"] = lambda: (
            f"qp.AllSinglesDoubles({slice_of((3,))}, wires={wires}, hf_state=np.array([1, 1, 0, 0]), "
            f"singles=[{_part(wires, (0, 2))}, {_part(wires, (1, 3))}], doubles=[{wires}])"
        )
        options["GateFabric"] = lambda: (
            f"qp.GateFabric({slice_of((1, 1, 2))}, wires={wires}, init_state=np.array([1, 1, 0, 0]), include_pi={pen.pick((True, False))})"
        )
    if n == 2:
        options["FermionicSingle"] = lambda: f"qp.FermionicSingleExcitation({pen.angle()}, wires={wires})"
        options["ParticleConservingU1"] = lambda: (
            f"qp.ParticleConservingU1({slice_of((1, 1, 2))}, wires={wires}, init_state=np.array([1, 0]))"
        )
        options["SelectPauliRot"] = lambda: (
            f"qp.SelectPauliRot({slice_of((2,))}, control_wires=[{_item(wires, 0)}], target_wire={_item(wires, 1)}, rot_axis={pen.pick('XYZ')!r})"
        )
    return options[pen.pick(sorted(options))]()


def _part(wires: str, which) -> str:
    return "[" + ", ".join(_item(wires, i) for i in which) + "]"


def _item(wires: str, i: int) -> str:
    return repr(eval(wires)[i])  # noqa: S307 - a list of labels that we wrote


def _ring(pen: Pen, n: int) -> str:
    labels = list(pen.labels)[:n]
    pairs = [(labels[i], labels[(i + 1) % n]) for i in range(n if n > 2 else 1)]
    return " + ".join(f"qp.Z({a!r}) @ qp.Z({b!r})" for a, b in pairs)


def _block(name: str, pen: Pen, n: int, slice_of) -> str:
    block = "lambda weights, wires: (qp.RY(weights[0], wires=wires[0]), qp.RX(weights[1], wires=wires[1]), qp.CNOT(wires=wires))"
    return f"qp.{name}(wires={list(pen.labels)[:n]!r}, n_block_wires=2, block={block}, n_params_block=2, template_weights={slice_of((n - 1, 2))})"


def measurement(pen: Pen, n: int) -> str:
    """One measurement."""
    kind = pen.rng.random()
    labels = [pen.labels[i] for i in pen.rng.permutation(n)]
    if kind < 0.4:
        size = 1 + int(pen.rng.integers(n))
        word = " @ ".join(f"qp.{c}({w!r})" for c, w in zip(pen.word(size), labels, strict=False))
        factor = f"{pen.pick(('2.0', '-0.5', '0.37'))} * " if pen.rng.random() < 0.15 else ""
        return f"qp.expval({factor}{word})"
    if kind < 0.62:
        extra = f" + {pen.number()} * qp.Identity({labels[0]!r})" if pen.rng.random() < 0.3 else ""
        return f"qp.expval({_words_sum(pen, 2 + int(pen.rng.integers(3)))}{extra})"
    if kind < 0.7:
        size = 1 + int(pen.rng.integers(min(n, 2)))
        return f"qp.expval(qp.Hermitian(hermitian({pen.seed()}, {2**size}), wires={labels[:size]!r}))"
    if kind < 0.8:
        size = 1 + int(pen.rng.integers(n))
        return f"qp.expval(qp.Projector({[int(b) for b in pen.rng.integers(2, size=size)]}, wires={labels[:size]!r}))"
    if kind < 0.83:
        return f"qp.expval(qp.Projector(vector({pen.seed()}, 2), wires=[{labels[0]!r}]))"
    if kind < 0.93:
        size = 1 + int(pen.rng.integers(min(n, 3)))
        return f"qp.probs(wires={labels[:size]!r})"
    size = 1 + int(pen.rng.integers(min(n, 2)))
    return "qp.var(" + " @ ".join(f"qp.{c}({w!r})" for c, w in zip(pen.word(size), labels, strict=False)) + ")"
