"""The one intermediate representation of a circuit: local gates, in order.

There are two kinds of gate. A :class:`Rotation` is ``exp(-iαG)`` with ``G`` a real sum of Pauli strings;
Clifford gates are rotations by quarter turns (a Hadamard is three of them, a CNOT three, a SWAP three), fixed
gates are rotations with a known angle, so there is no third kind for either. A :class:`Channel` is noise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct


class Angle(NamedTuple):
    """``offset + Σ coefficients[j] · element[elements[j]]``: affine in the trainable elements.

    ``elements`` index the trainable arguments, flattened in order; strictly increasing, no zero coefficient.
    An angle that is not affine in the elements has ``affine = False``: then ``elements`` are the ones it depends
    on (``coefficients`` are the partial derivatives at a generic point) and engines treat it as its own parameter.
    """

    offset: float = 0.0
    elements: tuple[int, ...] = ()
    coefficients: tuple[float, ...] = ()
    affine: bool = True

    @property
    def fixed(self) -> bool:
        """Whether the angle is known: no trainable element drives it."""
        return not self.elements


class Rotation(NamedTuple):
    """``exp(-i α Σ_j coefficients[j] P_j)`` on a few qubits.

    A rotation by one string is stored in the normal form ``exp(-iαP/2)``: ``coefficients = (0.5,)``, any
    other scale and sign is in the angle. So ``RX(θ)`` has ``strings=("X",)``, ``α = θ``; ``RX(-2θ)`` has ``α = -2θ``.

    Args:
        wires: qubit indices
        strings: Pauli words over ``wires`` (``"XY"``: X on ``wires[0]``, Y on ``wires[1]``), no identity
        coefficients: real, one each
        angle: what drives it
        name: the operation it comes from, for messages and plots
        source: index of that operation on the user's tape, or -1
    """

    wires: tuple[int, ...]
    strings: tuple[str, ...]
    coefficients: tuple[float, ...]
    angle: Angle
    name: str = ""
    source: int = -1

    @property
    def single(self) -> bool:
        """Whether the generator is a single Pauli string."""
        return len(self.strings) == 1


class Channel(NamedTuple):
    """Noise on a few qubits, in the Heisenberg picture.

    Args:
        wires: qubit indices
        transfer: matrix ``T`` of shape ``(4^k, 4^k)``: the adjoint channel takes ``P_j`` to ``Σ_i T[i, j] P_i``; the
            index of a local word is ``Σ_a code_a 4^a`` with codes I, X, Z, Y = 0, 1, 2, 3 (``pauli.strings.LETTERS``)
            and ``a = 0`` the first wire. Diagonal for a Pauli channel
        name: the operation it comes from
        source: index of that operation on the user's tape, or -1
    """

    wires: tuple[int, ...]
    transfer: np.ndarray
    name: str = ""
    source: int = -1

    @property
    def diagonal(self) -> bool:
        """Whether it is a Pauli channel (up to rounding)."""
        return bool(np.abs(self.transfer - np.diag(np.diag(self.transfer))).max() < 1e-12)


Gate = Rotation | Channel


@dataclass(frozen=True, eq=False)
class ProductState:
    """A product of single-qubit states ``(1 + r·σ)/2``.

    Args:
        bloch: Bloch vectors ``(⟨X⟩, ⟨Y⟩, ⟨Z⟩)``, shape ``(n, 3)``; shorter than 1 for a mixed qubit
    """

    bloch: Float[np.ndarray, "n 3"]

    @classmethod
    def zero(cls, num_wires: int) -> ProductState:
        """``|0…0⟩``."""
        return cls(np.tile([0.0, 0.0, 1.0], (num_wires, 1)))

    def expectation(self, strings: PauliStrings) -> Float[np.ndarray, " m"]:
        """``Tr[ρ P]`` for each string."""
        x, z = strings.bits()
        table = np.concatenate([np.ones((len(self.bloch), 1)), self.bloch[:, [0, 2, 1]]], axis=1)
        result = np.ones(len(strings))
        for qubit in range(strings.num_wires):  # qubit by qubit: no (m, n) array of floats
            result *= table[qubit, x[:, qubit] + 2 * z[:, qubit]]
        return result

    def stabilizer_axes(self) -> tuple[str, ...] | None:
        """``"+Z"``, ``"-X"``, … for each qubit (``"I"`` for the maximally mixed one), or ``None`` where some
        qubit is not in a Pauli eigenstate."""
        axes = []
        for vector in self.bloch:
            length = np.abs(vector).sum()
            axis = int(np.argmax(np.abs(vector)))
            if length < 1e-9:
                axes.append("I")
            elif abs(abs(vector[axis]) - 1) < 1e-9 and abs(length - 1) < 2e-9:
                axes.append(("+" if vector[axis] > 0 else "-") + "XYZ"[axis])
            else:
                return None
        return tuple(axes)

    def vector(self, max_wires: int) -> VectorState | None:
        """Its amplitudes, where every qubit is pure and there are at most ``max_wires``."""
        if len(self.bloch) > max_wires or np.any(np.abs(np.linalg.norm(self.bloch, axis=1) - 1) > 1e-9):
            return None
        amplitudes = np.ones(1, complex)
        for x, y, z in self.bloch:
            up = np.sqrt(max(0.0, (1 + z) / 2))
            qubit = np.array([up, (x + 1j * y) / (2 * up)]) if up > 1e-8 else np.array([0.0, 1.0])
            amplitudes = np.kron(amplitudes, qubit)
        return VectorState(amplitudes)


@dataclass(frozen=True, eq=False)
class VectorState:
    """An arbitrary pure state of few qubits (StatePrep), as its amplitudes.

    Args:
        amplitudes: shape ``(2^n,)``, qubit 0 the most significant bit (PennyLane's order)
    """

    amplitudes: np.ndarray

    def expectation(self, strings: PauliStrings) -> Float[np.ndarray, " m"]:
        """``⟨ψ|P|ψ⟩`` for each string."""
        return np.array([np.vdot(self.amplitudes, self._applied(string)).real for string in strings])

    def rotated(self, string: PauliStrings, angle: float) -> VectorState:
        """``exp(-iαP/2)|ψ⟩``."""
        turned = np.cos(angle / 2) * self.amplitudes - 1j * np.sin(angle / 2) * self._applied(string)
        return VectorState(turned)

    def _applied(self, string: PauliStrings) -> np.ndarray:
        """``P|ψ⟩`` for one string."""
        x, z = string.bits()
        place = 1 << np.arange(string.num_wires - 1, -1, -1)
        flip, phase = int(x[0] @ place), int(z[0] @ place)
        index = np.arange(2**string.num_wires)
        signs = 1 - 2 * (np.bitwise_count(index & phase) & 1).astype(float)
        return 1j ** (flip & phase).bit_count() * (signs * self.amplitudes)[index ^ flip]

    def stabilizer_axes(self) -> None:
        """Not a product of Pauli eigenstates, as far as is known."""
        return None


@dataclass(frozen=True)
class UnknownState:
    """A state the package cannot represent; ``reason`` says which and why."""

    reason: str

    def expectation(self, strings: PauliStrings) -> Float[np.ndarray, " m"]:
        """Not known."""
        raise DLAError(self.reason)

    def stabilizer_axes(self) -> None:
        """Not a product of Pauli eigenstates, as far as is known."""
        return None


State = ProductState | VectorState | UnknownState


@dataclass(frozen=True, eq=False)
class Measurement:
    """One measurement of the QNode.

    Args:
        kind: ``"expval"``, ``"var"``, ``"probs"`` or the name of another measurement
        label: how PennyLane prints it
        observable: what is measured; ``None`` where nothing can be predicted
        reason: why not, where ``observable`` is ``None``
    """

    kind: str
    label: str
    observable: PauliSum | ProjectorProduct | None
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Arguments:
    """The trainable arguments of the QNode.

    Args:
        names: a readable name for each trainable leaf (``"weights"``, ``"params['a']"``)
        shapes: its shape
        periods: for each element the common period of the gates it drives, ``inf`` where there is none
            and ``nan`` where it drives none; shape ``(num_elements,)``
        restore: takes an array of shape ``(num_elements, …)``, one row an element, and returns it in the form of a
            gradient of the QNode (what ``jax.grad(circuit, argnums)`` or ``qp.grad(circuit)`` returns)
        data: readable statements of the non-trainable arguments whose values were used
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    periods: Float[np.ndarray, " num_elements"]
    restore: Any
    data: tuple[str, ...] = ()

    @property
    def num_elements(self) -> int:
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def label(self, element: int) -> str:
        """Readable name of one element: ``weights[0, 3]``."""
        for name, shape in zip(self.names, self.shapes, strict=True):
            size = int(np.prod(shape))
            if element < size:
                index = ", ".join(str(i) for i in np.unravel_index(element, shape))
                return f"{name}[{index}]" if shape else name
            element -= size
        raise IndexError(element)


@dataclass(frozen=True, eq=False)
class Ansatz:
    """A circuit: initial product state, local gates in the order of application, measurements.

    Args:
        wires: wire labels; gates refer to their positions
        gates: rotations and channels, first applied first; fixed gates (all Cliffords among them) included
        state: the initial state
        measurements: one each
        arguments: the trainable arguments
        notes: statements that the report repeats (snapped angles, what was assumed)
    """

    wires: tuple[Any, ...]
    gates: tuple[Gate, ...]
    state: State
    measurements: tuple[Measurement, ...]
    arguments: Arguments
    notes: tuple[str, ...] = field(default=())

    @property
    def num_wires(self) -> int:
        return len(self.wires)
