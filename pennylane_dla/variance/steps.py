"""A circuit of effective rotations and channels as a list of steps that move strings: what exact propagation walks.

Every step is of one form: the strings that anticommute with ``odd`` and commute with ``even`` may move by ``shift``. A
rotation by ``P`` moves those that anticommute with ``P`` by ``P``. Amplitude damping takes ``Z`` on its wire to ``(1 −
γ)Z + γ``: it moves those with a ``Z`` there by ``Z``. What stays is multiplied by a factor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from pennylane_dla.circuit.effective import EffectiveAnsatz, EffectiveChannel
from pennylane_dla.pauli import PauliStrings

from .estimate import Declined
from .law import AngleLaw, Moments

MAX_CHANNEL_WIRES = 2
STAYS = Moments(1.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Steps:
    """``g`` steps in order of application.

    Args:
        shift: by what a string moves; zero where nothing moves
        odd: a string moves only if it anticommutes with this
        even: and commutes with this
        moments: of a rotation's angle, rows of :class:`~pennylane_dla.variance.law.Moments`
        rotation: position of the rotation in the circuit, -1 for a channel
        local: four strings a step, those of a channel's ``X₀, X₁, Z₀, Z₁``, which read off its local letters
        damping: eigenvalues of a channel by its local letters, ``Σ_a code_a 4^a``
        decay: coefficient ``γ`` of what moves, sign included
    """

    shift: PauliStrings
    odd: PauliStrings
    even: PauliStrings
    moments: Float[np.ndarray, "g 5"]
    rotation: Int[np.ndarray, " g"]
    local: PauliStrings
    damping: Float[np.ndarray, "g 16"]
    decay: Float[np.ndarray, " g"]

    def __len__(self) -> int:
        return len(self.rotation)

    @property
    def noisy(self) -> bool:
        """Whether there are channels."""
        return bool(np.any(self.rotation < 0))

    @property
    def moving(self) -> np.ndarray:
        """Which steps can move a string."""
        return (self.moments[:, 3] != 0) | (self.decay != 0)

    @property
    def killing(self) -> np.ndarray:
        """Which steps let no pair live that they would move one of: rotations by a uniform angle."""
        return (self.rotation >= 0) & np.all(self.moments[:, [0, 1, 4]] == 0, axis=1)

    @property
    def mixing(self) -> np.ndarray:
        """Which steps move one string of a pair and not the other."""
        return np.any(self.moments[:, [1, 4]] != 0, axis=1) | (self.decay != 0)

    def __getitem__(self, index) -> Steps:
        """Some of the steps."""
        four = (4 * np.asarray(index)[:, None] + np.arange(4)).reshape(-1)
        arrays = {name: getattr(self, name)[index] for name in ("moments", "rotation", "damping", "decay")}
        strings = {name: getattr(self, name)[index] for name in ("shift", "odd", "even")}
        return Steps(**arrays, **strings, local=self.local[four])

    def map_strings(self, function) -> Steps:
        """The same with every set of strings replaced."""
        return replace(self, **{name: function(getattr(self, name)) for name in ("shift", "odd", "even", "local")})


def circuit_steps(effective: EffectiveAnsatz, law: AngleLaw) -> Steps | Declined:
    """Lower a circuit of single-string rotations and channels.

    Args:
        effective: the circuit
        law: of the trainable elements

    Returns:
        the steps, or why some channel does not fit their form
    """
    moments = rotation_moments(effective, law)
    blank = _blank(effective.strings)
    if not effective.channels:
        strings, count = effective.strings, effective.num_rotations
        none = blank[np.zeros(count, int)]
        local = blank[np.zeros(4 * count, int)]
        return Steps(strings, strings, none, moments, np.arange(count), local, np.ones((count, 16)), np.zeros(count))
    channels = list(effective.channels)
    parts, rows, rotation, damping, decay = [], [], [], [], []
    for k in range(effective.num_rotations + 1):
        while channels and channels[0].position == k:
            channel = _channel_step(channels.pop(0), blank)
            if isinstance(channel, Declined):
                return channel
            strings, eigenvalues, gamma = channel
            parts.append(strings)
            rows.append(STAYS)
            rotation.append(-1)
            damping.append(eigenvalues)
            decay.append(gamma)
        if k < effective.num_rotations:
            string = effective.strings[k]
            parts.append([string, string, blank, blank, blank, blank, blank])
            rows.append(moments[k])
            rotation.append(k)
            damping.append(np.ones(16))
            decay.append(0.0)

    def column(j):
        return PauliStrings.concatenate([part[j] for part in parts])

    local = PauliStrings.concatenate([string for part in parts for string in part[3:]])
    return Steps(
        column(0), column(1), column(2), np.array(rows), np.array(rotation), local, np.array(damping), np.array(decay)
    )


def rotation_moments(effective: EffectiveAnsatz, law: AngleLaw) -> Float[np.ndarray, "rotations 5"]:
    """Moments of each rotation ``exp(-iαP/2)``, the sign of ``P`` taken into ``α``."""
    rows = np.array([law.moments(angle) for angle in effective.angles], float).reshape(-1, 5)
    negative = effective.coefficients[effective.offsets[:-1]] < 0
    rows[negative] *= np.array([1, -1, 1, 1, -1])
    return rows


def _channel_step(channel: EffectiveChannel, blank: PauliStrings):
    """Strings, eigenvalues and decay of a channel."""
    wires = len(channel.x)
    transfer = np.array(channel.transfer)
    if wires > MAX_CHANNEL_WIRES:
        return Declined(f"a noise channel on {wires} wires")
    gamma = 0.0
    if wires == 1:  # Z -> λZ + γ is the one move that fits: amplitude damping, thermal relaxation, reset
        gamma, transfer[0, 2] = transfer[0, 2], 0.0
    if np.abs(transfer - np.diag(np.diag(transfer))).max() > 1e-12:
        return Declined("a noise channel that is neither diagonal in the Paulis nor amplitude damping")
    eigenvalues = np.tile(np.diag(transfer), 16 // len(transfer))
    x = [channel.x[a] if a < wires else blank for a in range(MAX_CHANNEL_WIRES)]
    z = [channel.z[a] if a < wires else blank for a in range(MAX_CHANNEL_WIRES)]
    shift, odd = (z[0], x[0]) if gamma else (blank, blank)
    return [shift, odd, shift, *x, *z], eigenvalues, gamma * (channel.z_signs[0] if gamma else 1)


def _blank(strings: PauliStrings) -> PauliStrings:
    zero = np.zeros((1, strings.x.shape[1]), np.uint32)
    return PauliStrings(zero, zero, strings.num_wires)
