"""Effective generators: the Cliffords pushed to the end of the circuit (:mod:`pennylane_dla.circuit`).

With ``F_k`` the product of the Cliffords before rotation ``k``, ``U = F ∏_k exp(-iα_k F_k† G_k F_k)``: a circuit of
rotations by effective generators, then one Clifford ``F``, which the observables take up. Gates that one argument
drives inside one commuting block become one generator (``blocks.py``).

Source: Larocca et al., Quantum 6, 824 (2022), the Lie algebra that these generate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float, Int

from pennylane_dla.pauli import PauliStrings, PauliSum

from .ansatz import Angle, Ansatz, Channel, Rotation, State
from .blocks import Block, correlation, merge_blocks
from .clifford import Clifford, pack_signed


@dataclass(frozen=True, eq=False)
class EffectiveChannel:
    """A channel in the pushed frame.

    Args:
        position: it acts just before rotation ``position`` (``num_rotations``: at the end)
        x: effective strings of ``X`` on each of its ``k`` wires; a string ``Q`` has Z bit ``ω(x[a], Q)`` on wire ``a``
        z: of ``Z``; ``Q`` has X bit ``ω(z[a], Q)`` on wire ``a``
        z_signs: signs of ``z``
        x_signs: signs of ``x``
        transfer: as in :class:`~pennylane_dla.circuit.ansatz.Channel`
    """

    position: int
    x: PauliStrings
    z: PauliStrings
    z_signs: Int[np.ndarray, " k"]
    x_signs: Int[np.ndarray, " k"]
    transfer: Float[np.ndarray, "words words"]


@dataclass(frozen=True, eq=False)
class EffectiveAnsatz:
    """Rotations ``exp(-iα_k G_k)`` in order of application, ``G_k = Σ_{j in terms of k} coefficients[j] strings[j]``.

    The terms of rotation ``k`` are ``offsets[k]:offsets[k+1]``. A generator of one string has coefficient ``0.5`` or,
    where the Cliffords turn its sign, ``-0.5``.

    Args:
        strings: all terms, packed
        coefficients: one each
        offsets: shape ``(num_rotations + 1,)``
        angles: one for each rotation; fixed non-Clifford rotations are among them
        channels: in order
        state: the initial state
        clifford: ``clifford.push(O)`` is ``F†OF``
        correlated: why the angles are not independent of each other, or ``None``
        names: the operation each rotation comes from
        sources: for each rotation, positions in ``ansatz.gates`` of the gates that it is made of
    """

    strings: PauliStrings
    coefficients: Float[np.ndarray, " terms"]
    offsets: Int[np.ndarray, " ends"]
    angles: tuple[Angle, ...]
    channels: tuple[EffectiveChannel, ...]
    state: State
    clifford: Clifford
    correlated: str | None
    names: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]

    @property
    def num_rotations(self) -> int:
        return len(self.angles)

    @property
    def num_wires(self) -> int:
        return self.strings.num_wires

    @property
    def single(self) -> bool:
        """Whether every generator is a single string."""
        return len(self.strings) == self.num_rotations

    def generator(self, k: int) -> PauliSum:
        """``G_k``."""
        terms = slice(self.offsets[k], self.offsets[k + 1])
        return PauliSum(self.strings[terms], self.coefficients[terms])


_known: WeakKeyDictionary[Ansatz, EffectiveAnsatz] = WeakKeyDictionary()


def effective_ansatz(ansatz: Ansatz) -> EffectiveAnsatz:
    """Push the Cliffords of ``ansatz`` to the end, then merge what one argument drives in one commuting block.

    Computed once for a circuit, however many engines and observables ask for it.

    Args:
        ansatz: the circuit, gates in local form

    Returns:
        the same circuit up to the Clifford that stands at its end
    """
    if ansatz not in _known:
        _known[ansatz] = _push_cliffords(ansatz)
    return _known[ansatz]


_noiseless: WeakKeyDictionary[Ansatz, Ansatz] = WeakKeyDictionary()


def without_noise(ansatz: Ansatz) -> Ansatz:
    """The circuit without its channels, itself where it has none; always the same object for a circuit.

    Algebra and limit are those of this one: noise between the gates of one argument hides that they are one generator.
    """
    gates = tuple(gate for gate in ansatz.gates if not isinstance(gate, Channel))
    if len(gates) == len(ansatz.gates):
        return ansatz
    if ansatz not in _noiseless:
        _noiseless[ansatz] = replace(ansatz, gates=gates)
    return _noiseless[ansatz]


def _push_cliffords(ansatz: Ansatz) -> EffectiveAnsatz:
    clifford = Clifford(ansatz.num_wires)
    walk: list[Block | EffectiveChannel] = []
    for position, gate in enumerate(ansatz.gates):
        if isinstance(gate, Channel):
            walk.append(_push_channel(gate, clifford))
            continue
        quarters = _quarter_turns(gate)
        if quarters is not None:
            clifford.append_turn(gate.wires, gate.strings[0], quarters)
            continue
        images = [clifford.image(gate.wires, letters) for letters in gate.strings]
        coefficients = [c * image.sign for c, image in zip(gate.coefficients, images, strict=True)]
        strings = [image._replace(phase=0) for image in images]
        angle, quarters = _split_quarter_turns(gate)
        walk.append(Block(strings, coefficients, angle, gate.name, [position]))
        if quarters:
            clifford.append_turn(gate.wires, gate.strings[0], quarters)

    walk = merge_blocks(walk, ansatz.arguments)
    blocks = [item for item in walk if isinstance(item, Block)]
    channels, position = [], 0
    for item in walk:
        if isinstance(item, Block):
            position += 1
        else:
            channels.append(_at(item, position))
    return EffectiveAnsatz(
        strings=pack_signed([s for block in blocks for s in block.strings], ansatz.num_wires),
        coefficients=np.array([c for block in blocks for c in block.coefficients], float),
        offsets=np.cumsum([0] + [len(block.strings) for block in blocks]),
        angles=tuple(block.angle for block in blocks),
        channels=tuple(channels),
        state=ansatz.state,
        clifford=clifford,
        correlated=correlation(blocks, ansatz.arguments),
        names=tuple(block.name for block in blocks),
        sources=tuple(tuple(block.sources) for block in blocks),
    )


def _quarter_turns(gate) -> int | None:
    """How many quarter turns a fixed gate is, ``None`` if it is no Clifford (or trainable)."""
    if not gate.single or not gate.angle.fixed or not np.isfinite(gate.angle.offset):
        return None
    quarters = gate.angle.offset * 2 * gate.coefficients[0] / (np.pi / 2)
    return round(quarters) if abs(quarters - round(quarters)) < 1e-9 else None


def _split_quarter_turns(gate: Rotation) -> tuple[Angle, int]:
    """A trainable rotation by ``θ + kπ/2`` is one by ``θ``, then ``k`` quarter turns, which are Clifford."""
    if not gate.single or gate.angle.fixed:
        return gate.angle, 0
    quarters = _quarter_turns(gate._replace(angle=Angle(gate.angle.offset)))
    return (gate.angle, 0) if quarters is None else (gate.angle._replace(offset=0.0), quarters)


def _push_channel(gate: Channel, clifford: Clifford) -> EffectiveChannel:
    x = [clifford.image([wire], "X") for wire in gate.wires]
    z = [clifford.image([wire], "Z") for wire in gate.wires]
    n = clifford.num_wires
    z_signs, x_signs = (np.array([image.sign for image in images]) for images in (z, x))
    return EffectiveChannel(-1, pack_signed(x, n), pack_signed(z, n), z_signs, x_signs, gate.transfer)


def _at(channel: EffectiveChannel, position: int) -> EffectiveChannel:
    fields = dict(channel.__dict__, position=position)
    return EffectiveChannel(**fields)
