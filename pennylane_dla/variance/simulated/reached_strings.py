"""The Pauli strings that observables reach on their way back through a circuit, and which of them each gate pairs.

In the Heisenberg picture a rotation by the string ``P`` mixes a string ``Q`` that anticommutes with it and ``iPQ``,
and nothing else; noise takes a string to few others. Strings are numbered in the order in which they are met from the
end of the circuit: what is in play at a gate is then an initial segment of them, and the pairs of a string ``P`` that
stands at many gates are one list of which each gate uses an initial segment. Light cones come out by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from pennylane_dla.allowance import current
from pennylane_dla.circuit.effective import EffectiveAnsatz, EffectiveChannel
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.pauli.growing import GrowingStrings, TooManyStrings
from pennylane_dla.pauli.strings import anticommutation_matrix, anticommute, product
from pennylane_dla.variance.channel_images import ChannelImages
from pennylane_dla.variance.estimate import Declined
from pennylane_dla.variance.problem import Budget

PAIR_BYTES = 16
SECONDS_PER_PAIR = 3e-8  # of a rotation, there and back, in one circuit of a large batch
SECONDS_PER_STRING = 5e-9  # of a channel, likewise


class StringTurn(NamedTuple):
    """One term of a rotation: coefficients of ``Q = first`` and ``iPQ = second`` turn by ``scale · α``.

    Args:
        rotation: whose angle ``α`` it has
        scale: twice the coefficient of ``P`` in the generator
        first: strings that anticommute with ``P``
        second: the string ``iPQ`` of each, sign ``+1``
    """

    rotation: int
    scale: float
    first: Int[np.ndarray, " pairs"]
    second: Int[np.ndarray, " pairs"]


class Damping(NamedTuple):
    """Channels that are diagonal in the Paulis: each of the first strings is multiplied by its factor."""

    factors: Float[np.ndarray, " m"]


class Mixing(NamedTuple):
    """A channel that takes strings to sums of strings, as a matrix on the first strings."""

    matrix: scipy.sparse.csr_array


Step = StringTurn | Damping | Mixing


@dataclass(frozen=True, eq=False)
class ReachedStrings:
    """The circuit on the strings that are reached.

    Args:
        strings: in the order of discovery
        observables: coefficients of each observable
        steps: in order of application; what does nothing is left out
        seconds: rough time for one circuit and its derivatives
    """

    strings: PauliStrings
    observables: Float[np.ndarray, "observables m"]
    steps: tuple[Step, ...]
    seconds: float


class _Stop(Exception):
    """A limit is reached."""


def reached_strings(
    effective: EffectiveAnsatz, observables: Sequence[PauliSum], max_strings: int, max_seconds: float, budget: Budget
) -> ReachedStrings | Declined:
    """Walk back through the circuit from the observables.

    Args:
        effective: the circuit, Cliffords pushed to the end
        observables: pushed likewise
        max_strings: at most
        max_seconds: that one circuit and its derivatives may take
        budget: of memory; the walk takes at most two thirds of the open allowance of time

    Returns:
        the strings and the steps between them, or the reason why there are none
    """
    walk = _Search(effective, len(observables), max_strings, max_seconds, budget)
    try:
        with current().part(2 / 3):
            places = [walk.found.locate(observable.strings) for observable in observables]
            steps = walk.back()
    except TooManyStrings as stop:
        return Declined(f"the observable reaches {stop}")
    except _Stop as stop:
        return Declined(str(stop))
    strings = walk.found.strings
    vectors = np.zeros((len(observables), len(strings)))
    for row, place, observable in zip(vectors, places, observables, strict=True):
        row[place] = observable.coefficients
    return ReachedStrings(strings, vectors, steps, walk.seconds)


class _Pairs:
    """Pairs of one string ``P``, of as many strings as were looked at."""

    def __init__(self, string: PauliStrings):
        self.string, self.seen, self.count = string, 0, 0
        self.first: list[np.ndarray] = []
        self.second: list[np.ndarray] = []

    def extend(self, found: GrowingStrings) -> None:
        new = found.part(self.seen, len(found))
        odd = np.flatnonzero(anticommute(self.string, new))
        one = odd + self.seen
        self.seen += len(new)
        if not len(odd):
            return
        moved, exponent = product(self.string, new[odd])
        other = found.locate(moved)
        once = other > one  # both ends of a pair may be new, and an old end would have brought it before
        one, other, minus = one[once], other[once], exponent[once] == 1
        self.first.append(np.where(minus, other, one))  # iPQ = -Q' is iPQ' = Q
        self.second.append(np.where(minus, one, other))
        self.count += len(one)
        self.seen = len(found)  # partners need no second look

    def join(self) -> tuple[np.ndarray, np.ndarray]:
        return np.concatenate(self.first), np.concatenate(self.second)


class _Search:
    """From the end of the circuit to its start."""

    def __init__(self, effective: EffectiveAnsatz, number: int, max_strings: int, max_seconds: float, budget: Budget):
        self.effective, self.budget = effective, budget
        self.found = GrowingStrings(effective.num_wires, max_strings)
        self._pairs: dict[bytes, _Pairs] = {}
        self._images: dict[bytes, ChannelImages] = {}
        self._number, self._max_seconds, self.seconds = number, max_seconds, 0.0
        self._bytes = 0
        self._commuting: set[bytes] = set()

    def back(self) -> tuple[Step, ...]:
        raw: list = []
        channels = list(self.effective.channels)
        for k in range(self.effective.num_rotations, -1, -1):
            while channels and channels[-1].position == k:
                raw.append(self._channel(channels.pop()))
            if k:
                raw.extend(self._rotation(k - 1))
        return self._steps(raw[::-1])

    def _rotation(self, k: int) -> list:
        terms = range(self.effective.offsets[k], self.effective.offsets[k + 1])
        strings = self.effective.strings[slice(terms.start, terms.stop)]
        keys = strings.keys()
        together = b"".join(keys)
        if len(keys) > 1 and together not in self._commuting:
            if anticommutation_matrix(strings, strings).any():
                raise _Stop(f"{self.effective.names[k] or 'a gate'} rotates by terms that do not commute")
            self._commuting.add(together)
        result = []
        for key, string, coefficient in zip(keys, strings, self.effective.coefficients[terms], strict=True):
            if key not in self._pairs:
                self._pairs[key] = _Pairs(string)
            pairs = self._pairs[key]
            before = pairs.count
            if pairs.seen < len(self.found):
                pairs.extend(self.found)
                self._hold(PAIR_BYTES * (pairs.count - before))
            self._take(SECONDS_PER_PAIR * pairs.count)
            if current().over:
                self._hold(0)
            if pairs.count:
                result.append((k, 2 * float(coefficient), pairs, pairs.count))
        return result

    def _take(self, seconds: float) -> None:
        """Count the time of a circuit."""
        self.seconds += self._number * seconds
        if self.seconds > self._max_seconds:
            raise _Stop(
                f"the observable reaches at least {len(self.found)} Pauli strings, "
                f"on which one circuit takes more than {self._max_seconds:.2g} s"
            )

    def _hold(self, more: int) -> None:
        """Count memory, and look at the clock."""
        self._bytes += more
        if self._bytes > self.budget.max_memory // 4:
            raise _Stop(
                f"the observable reaches at least {len(self.found)} Pauli strings, "
                f"whose pairs exceed a quarter of max_memory={self.budget.max_memory}"
            )
        if current().over:
            raise _Stop(f"the observable reaches at least {len(self.found)} Pauli strings, {current().statement}")

    def _channel(self, channel: EffectiveChannel) -> tuple[ChannelImages, int]:
        fields = (channel.x.vectors(), channel.z.vectors(), channel.x_signs, channel.z_signs, channel.transfer)
        key = b"|".join(np.ascontiguousarray(part).tobytes() for part in fields)
        if key not in self._images:
            self._images[key] = ChannelImages(channel)
            self._hold(8 * len(self.found))
        images = self._images[key]
        if not images.diagonal and images.seen < len(self.found):
            images.extend(self.found)
            self._hold(24 * len(self.found))
        self._take(SECONDS_PER_STRING * len(self.found) * (1 if images.diagonal else 4))
        return images, len(self.found)

    def _steps(self, raw: list) -> tuple[Step, ...]:
        """In order of application: pairs joined, neighbouring diagonal channels multiplied. Equal ones share arrays;
        the first in time has the most strings, the others use an initial segment."""
        joined = {id(pairs): pairs.join() for pairs in self._pairs.values() if pairs.count}
        strings = self.found.strings
        factors: dict[tuple[int, ...], np.ndarray] = {}
        matrices: dict[tuple[int, int], Mixing] = {}
        steps: list[Step] = []

        def damping(group: list[tuple[ChannelImages, int]]) -> Damping:
            names, count = tuple(sorted(id(images) for images, _ in group)), group[0][1]
            if names not in factors:
                factors[names] = np.prod([images.factors(strings[:count]) for images, _ in group], axis=0)
            return Damping(factors[names][:count])

        def kind(item) -> str:
            return "turn" if len(item) == 4 else "diagonal" if item[0].diagonal else "mixing"

        for name, items in groupby(raw, kind):
            if name == "diagonal":
                step = damping(list(items))
                if np.any(step.factors != 1):
                    steps.append(step)
            elif name == "turn":
                for rotation, scale, pairs, count in items:
                    first, second = joined[id(pairs)]
                    steps.append(StringTurn(rotation, scale, first[:count], second[:count]))
            else:
                for images, count in items:
                    key = id(images), count
                    if key not in matrices:
                        matrices[key] = Mixing(images.matrix(count))
                    steps.append(matrices[key])
        return tuple(steps)
