"""Monte Carlo over pairs of Pauli strings: any law of the angles, known angles, and any noise on one or two
wires.

The second moment of the loss is a sum over pairs ``(Q, Q')`` (:mod:`~pennylane_dla.variance.exact`). Under angles
that are uniform over their period only pairs with constant ``Q + Q'`` survive and ``engine.py`` samples single
strings. Here angles have any law (a mean, a small spread, a known value), so pairs branch with weights of
both signs: the estimate is unbiased and its error says what the signs cost.

Source: Heyraud et al., arXiv:2302.04649, the walk of single strings that pairs extend.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from pennylane_dla.allowance import current
from pennylane_dla.circuit.ansatz import Channel, ProductState, State
from pennylane_dla.compat import numerics
from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct
from pennylane_dla.pauli.strings import CODE, WORD, pack
from pennylane_dla.progress import Count
from pennylane_dla.variance.chain_rule import mean_to_elements, to_elements
from pennylane_dla.variance.estimate import Declined, Prediction, VarianceEstimate
from pennylane_dla.variance.first_moment import mean_gradient
from pennylane_dla.variance.gradient_mean import mean_by_element, mean_by_rotation
from pennylane_dla.variance.problem import Problem
from pennylane_dla.variance.steps import circuit_steps

from . import pair_walk, sharding
from .gate_table import quarter
from .intervals import standard_error, weighted_interval
from .pair_walk import Pairs, Steps

METHOD = "paths"
BATCH = 4096
BLOCKS = (64, 512)


def predict(problem: Problem, observable: PauliSum | ProjectorProduct, kept: list[int], rounds) -> Prediction:
    """Estimate the variances from signed pairs of paths.

    Args:
        problem: a circuit of rotations by single strings with independent angles
        observable: that of the problem, small projectors expanded
        kept: positions of the gates in its light cone, last first
        rounds: see :func:`~pennylane_dla.variance.paths.engine.rounds`

    Returns:
        estimates with errors, or why there are none
    """
    walk = _PairWalk.prepare(problem, observable, kept)
    if isinstance(walk, Declined):
        return Prediction.unavailable(walk.reason)
    budget = problem.budget
    known = walk.known_means(problem)
    totals = np.zeros((5, len(walk.gates) + 1))  # see variance_batch
    mean, samples = np.zeros((2, len(walk.gates) + 1)), 0  # see mean_batch
    progress = Count(budget.samples)

    def batch(item):
        if current().over and item[0] > 0:
            return None  # there is no time for it
        sampled = np.zeros_like(mean) if known else walk.mean_batch(budget.seed, *item)
        result = walk.variance_batch(budget.seed, *item), sampled
        progress.advance(item[1])
        return result

    for batches in rounds(budget.samples, BATCH):
        results = sharding.map_batches(batch, batches)
        sums = np.zeros((3, len(walk.gates) + 1))
        largest, means, counts = np.zeros((2, len(walk.gates) + 1)), np.zeros_like(mean), np.zeros_like(sums[:1])
        mine = batches[jax.process_index() :: jax.process_count()]
        for result, (_, counted) in zip(results, mine, strict=True):
            if result is None:
                continue
            part, part_mean = result
            sums += part[:3]
            largest = np.maximum(largest, part[3:])
            means += part_mean
            counts += counted
        added, largest = sharding.add_over_processes(np.concatenate([sums, means, counts]), largest)
        totals[:3] += added[:3]
        totals[3:] = np.maximum(totals[3:], largest)
        mean += added[3:-1]
        done = round(added[-1, 0])
        samples += done
        if _accurate(totals, samples, budget.rtol) or done < sum(counted for _, counted in batches):
            break
    return walk.prediction(problem, totals, samples, known or walk.sampled_means(problem, mean, samples))


def _accurate(totals, samples, rtol) -> bool:
    loss, gates = totals[:2, -1], totals[:2, :-1].sum(axis=1)
    return all(total > 0 and np.sqrt(squares) <= rtol * total for total, squares in (loss, gates))


@dataclass(frozen=True, eq=False)
class Means:
    """``E[l]`` and ``E[∂l]``.

    Args:
        loss: of the loss, the observable's constant included; ``None`` where signs leave nothing of it
        error: its standard error
        gradient: of each element
    """

    loss: float | None
    error: float
    gradient: VarianceEstimate


@dataclass(frozen=True, eq=False)
class _PairWalk:
    """Arrays of one computation, padded.

    Args:
        gates: for each trainable rotation among the steps its position in ``ansatz.gates``
        steps_of: its step
        blocks: the steps, in blocks
        transfers: of the channels
        share: see :func:`~pennylane_dla.variance.paths.pair_walk.pair_block`
        observable: where pairs start
        active: the wires in the light cone
        words: of a string, one spare bit at least
        bloch: of the state, padded; ``None`` for a vector
        state: the initial state
        num_wires: of the circuit
    """

    gates: np.ndarray
    steps_of: np.ndarray
    blocks: list[Steps]
    transfers: np.ndarray
    noisy: bool
    share: float
    observable: PauliSum | ProjectorProduct
    active: tuple[int, ...]
    words: int
    bloch: np.ndarray | None
    state: State
    num_wires: int

    @classmethod
    def prepare(cls, problem: Problem, observable, kept: list[int]) -> _PairWalk | Declined:
        gates, state = problem.ansatz.gates, problem.ansatz.state
        for position in kept:
            if isinstance(gates[position], Channel) and len(gates[position].wires) > 2:
                return Declined(f"{gates[position].name or 'a channel'} acts on {len(gates[position].wires)} wires")
        cone = {w for position in kept for w in gates[position].wires}
        if isinstance(observable, ProjectorProduct):
            cone.update(observable.wires)
        else:
            cone.update(np.flatnonzero(np.any(observable.strings.bits(), axis=(0, 1))).tolist())
        active = tuple(sorted(cone))
        place = {w: i for i, w in enumerate(active)}
        spare = len(active)
        words = 1 << max(0, (spare // WORD).bit_length())

        length = BLOCKS[0] if len(kept) <= 4 * BLOCKS[0] else BLOCKS[1]
        total = max(1, -(-len(kept) // length)) * length
        x, z = np.zeros((2, total, words), np.uint32)
        moments = np.tile([1.0, 0.0, 1.0, 0.0, 0.0], (total, 1))
        trainable, channel = np.zeros(total, bool), np.full(total, -1, np.int32)
        wires, transfers, known = np.full((total, 2), spare, np.int32), [], {}
        for step, position in enumerate(kept):
            gate = gates[position]
            if isinstance(gate, Channel):
                key = gate.transfer.tobytes()
                if key not in known:
                    known[key] = len(transfers)
                    transfers.append(pair_walk.pad_transfer(gate.transfer))
                channel[step] = known[key]
                wires[step, : len(gate.wires)] = [place[w] for w in gate.wires]
                continue
            for w, letter in zip(gate.wires, gate.strings[0], strict=True):
                bit = np.uint32(1) << np.uint32(place[w] % WORD)
                x[step, place[w] // WORD] |= (CODE[letter] & 1) * bit
                z[step, place[w] // WORD] |= (CODE[letter] >> 1) * bit
            turns = quarter(gate)
            if turns is not None:
                c, s = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][turns]
                moments[step] = c, s, c * c, s * s, 0.0
            else:
                moments[step] = problem.law.moments(gate.angle)
            trainable[step] = not gate.angle.fixed
        kinds = np.stack(transfers + [np.eye(16)] * (max(4, 1 << len(transfers).bit_length()) - len(transfers)))

        steps_of = np.flatnonzero(trainable)
        boost = _boost(moments)
        bloch = None
        if isinstance(state, ProductState):
            bloch = np.ones((words * WORD, 4))
            bloch[:spare, 1:] = state.bloch[list(active)][:, [0, 2, 1]]
        needed = 8 * total * BATCH * sharding.workers()
        if needed > problem.budget.max_memory:
            return Declined(
                f"pairs of strings through {total} gates need {needed / 2**30:.1f} GiB (max_memory); "
                "angles uniform over their period need less"
            )
        parts = [slice(i, i + length) for i in range(0, total, length)]
        arrays = Steps(x, z, moments, trainable, channel, wires, boost)
        return cls(
            np.array([kept[s] for s in steps_of], int),
            steps_of,
            [Steps(*(a[p] for a in arrays)) for p in parts],
            kinds,
            bool(transfers),
            min(0.2, 1.0 / max(1, len(steps_of))),
            observable,
            active,
            words,
            bloch,
            state,
            problem.ansatz.num_wires,
        )

    def variance_batch(self, seed: int, number: int, counted: int) -> np.ndarray:
        """``Σ v``, ``Σ v²``, hits, largest ``|v|`` seen and possible: for each trainable gate, then for the loss."""
        rng = np.random.default_rng([seed, number, 2])
        x, z, weight = self._start(rng)
        weight[counted:] = 0.0
        pairs, ratios = self._walk(rng, x, z, weight)
        with numerics():
            values = np.asarray(pairs.weight) * np.asarray(pairs.varied)
            for string in (0, 1):
                values = values * self._overlap(pairs.x[string], pairs.z[string])
            serves = np.asarray(pairs.serves)
            result = np.zeros((5, len(self.gates) + 1))
            common = np.where(serves < 0, values, 0.0)
            scale = np.abs(common).max()
            if scale > 0:
                scaled = jnp.asarray(common / scale, jnp.float32)
                sums = np.concatenate([np.asarray(pair_walk.ratio_sums(r, scaled)) for r in ratios], axis=1)
                result[0, :-1], result[1, :-1] = scale * sums[0, self.steps_of], scale**2 * sums[1, self.steps_of]
                result[2, :-1] = np.count_nonzero(common)
        result[:4, -1] = common.sum(), np.sum(common**2), np.count_nonzero(common), scale
        alone = np.flatnonzero((serves >= 0) & (values != 0))
        index = np.searchsorted(self.steps_of, serves[alone])
        np.add.at(result[0], index, values[alone])
        np.add.at(result[1], index, values[alone] ** 2)
        np.add.at(result[2], index, 1)
        result[3, :-1] = np.abs(values).max()
        # what one hit could weigh, where there was none
        steepest = max(1.0, *(float(jnp.max(jnp.abs(r))) for r in ratios))
        most = np.abs(np.asarray(pairs.weight)).max()
        result[4, :-1], result[4, -1] = most * steepest, most
        return result

    def mean_batch(self, seed: int, number: int, counted: int) -> np.ndarray:
        """``Σ v`` and ``Σ v²`` of the mean derivative of each trainable gate, then of the loss: pairs with ``Q' = 1``
        that never vary."""
        rng = np.random.default_rng([seed, number, 1])
        x, z, weight = self._start(rng, single=True)
        weight[counted:] = 0.0
        pairs, ratios = self._walk(rng, x, z, weight, single=True)
        result = np.zeros((2, len(self.gates) + 1))
        with numerics():
            values = np.asarray(pairs.weight) * ~np.asarray(pairs.varied) * self._overlap(pairs.x[0], pairs.z[0])
            serves = np.asarray(pairs.serves)
            common = np.where(serves < 0, values, 0.0)
            scale = np.abs(common).max()
            if scale > 0:
                scaled = jnp.asarray(common / scale, jnp.float32)
                sums = np.concatenate([np.asarray(pair_walk.ratio_sums(r, scaled)) for r in ratios], axis=1)
                result[0, :-1], result[1, :-1] = scale * sums[0, self.steps_of], scale**2 * sums[1, self.steps_of]
        result[:, -1] = common.sum(), np.sum(common**2)
        alone = np.flatnonzero((serves >= 0) & (values != 0))
        index = np.searchsorted(self.steps_of, serves[alone])
        np.add.at(result[0], index, values[alone])
        np.add.at(result[1], index, values[alone] ** 2)
        return result

    def known_means(self, problem: Problem) -> Means | None:
        """Exact means of loss and gradient, where few strings have one."""
        effective = problem.effective
        if effective.correlated or not effective.single or isinstance(self.observable, ProjectorProduct):
            return None
        steps = circuit_steps(effective, problem.law)
        if isinstance(steps, Declined):
            return None
        trainable = np.array([k >= 0 and not effective.angles[k].fixed for k in steps.rotation], bool)
        found = mean_gradient(steps, effective.clifford.push(self.observable), effective.state, trainable)
        if found is None:
            return None
        rotations, values = steps.rotation >= 0, np.zeros(effective.num_rotations)
        values[steps.rotation[rotations]] = found[1][rotations]
        values *= np.sign(effective.coefficients)  # the moments are those of the signed angle
        return Means(found[0], 0.0, mean_by_rotation(problem, values, METHOD))

    def sampled_means(self, problem: Problem, sums: np.ndarray, samples: int) -> Means:
        """The same from the sums of :meth:`mean_batch`."""
        values = sums[0] / samples
        errors = np.sqrt(np.maximum(sums[1] / samples - values**2, 0.0) / samples)
        errors[:-1] = np.where(sums[1, :-1] > 0, errors[:-1], errors.max())  # never seen is not known to be zero
        vague = errors >= self.largest  # no better than knowing nothing: 0 ± the largest possible
        values, errors = np.where(vague, 0.0, values), np.where(vague, self.largest, errors)
        angles, num = [problem.ansatz.gates[k].angle for k in self.gates], problem.ansatz.arguments.num_elements
        slopes = mean_to_elements(angles, values[:-1], num)
        spread = np.sqrt(to_elements(angles, errors[:-1] ** 2, num))
        gradient = mean_by_element(problem, slopes, METHOD, spread)
        if not gradient.exact and (vague[:-1].all() or not np.any(sums[1])):
            gradient = VarianceEstimate.unavailable(f"{samples} paths of both signs do not resolve the mean")
        loss = None if vague[-1] else self.constant + float(values[-1])
        return Means(loss, 0.0 if loss is None else float(errors[-1]), gradient)

    @property
    def largest(self) -> float:
        """What neither the loss without its constant nor a derivative with respect to an ``α`` exceeds."""
        if isinstance(self.observable, ProjectorProduct):
            return 1.0
        return float(np.abs(self.observable.coefficients).sum())

    @property
    def constant(self) -> float:
        """Of the observable."""
        if isinstance(self.observable, ProjectorProduct):
            return 2.0 ** -len(self.observable.wires)
        return self.observable.constant

    def _walk(self, rng, x, z, weight, single: bool = False):
        keys = rng.integers(2**32, size=(2, BATCH), dtype=np.uint32)
        with numerics():
            pairs = Pairs(
                jnp.asarray(x),
                jnp.asarray(z),
                jnp.asarray(weight),
                jnp.zeros(BATCH, bool),
                jnp.full(BATCH, -1, jnp.int32),
            )
            ratios, first = [], 0
            for block in self.blocks:
                pairs, ratio = pair_walk.pair_block(
                    pairs, keys, block, self.transfers, np.int32(first), self.share, self.noisy, single
                )
                ratios.append(ratio)
                first += len(block.channel)
        return pairs, ratios

    def _start(self, rng: np.random.Generator, single: bool = False):
        """Strings of both sides and their weight ``c_Q c_Q'`` over the probability of having drawn them.

        Half of the paths start from equal strings, by the squares of the coefficients, half from different
        ones, by their products.
        """
        if isinstance(self.observable, ProjectorProduct):
            return self._start_projector(self.observable, rng, single)
        coefficients = self.observable.coefficients
        size, sums = np.abs(coefficients), np.abs(coefficients).sum()
        first = rng.choice(len(size), BATCH, p=size / sums)
        if single:
            chosen, weight = (first, np.full(BATCH, -1)), np.sign(coefficients[first]) * sums
        elif len(size) == 1:
            chosen, weight = (first, first), np.full(BATCH, coefficients[0] ** 2)
        else:
            other = rng.choice(len(size), BATCH, p=size / sums)
            square = np.sum(coefficients**2)
            equal = np.arange(BATCH) % 2 == 0
            twin = rng.choice(len(size), BATCH, p=coefficients**2 / square)
            chosen = (np.where(equal, twin, first), np.where(equal, twin, other))
            different = np.sign(coefficients[first] * coefficients[other]) * sums**2 * (first != other)
            weight = 2 * np.where(equal, square, different)
        bits = np.concatenate([self.observable.strings.bits(), np.zeros((2, 1, self.num_wires), np.uint8)], axis=1)
        arrays = [self._words(bits[kind][:, list(self.active)]) for kind in (0, 1)]
        x, z = (np.stack([words[:, index] for index in chosen]) for words in arrays)
        return x, z, weight.astype(float)

    def _start_projector(self, observable: ProjectorProduct, rng: np.random.Generator, single: bool):
        """Subsets of the wires, uniformly; the identity is part of the mean only."""
        k = len(observable.wires)
        place = {w: i for i, w in enumerate(self.active)}
        index = [place[w] for w in observable.wires]
        subsets = rng.integers(2, size=(2, BATCH, k), dtype=np.uint8)
        equal = np.arange(BATCH) % 2 == 0
        if single:
            subsets[1] = 0
        else:
            subsets[1, equal] = subsets[0, equal]
        signs = np.where((subsets @ (np.array(observable.signs) < 0)) % 2 == 1, -1.0, 1.0)
        weight = signs[0] * signs[1]
        some = np.any(subsets, axis=2)
        if single:
            weight = signs[0] * some[0]
        else:
            differ = np.any(subsets[0] != subsets[1], axis=1)
            weight = 2 * weight * some[0] * some[1] * np.where(equal, 2.0**-k, differ)
        z = np.zeros((2, BATCH, len(self.active)), np.uint8)
        z[:, :, index] = subsets
        words = np.stack([self._words(part) for part in z])
        return np.zeros_like(words), words, weight.astype(float)

    def _words(self, bits: np.ndarray) -> np.ndarray:
        """Packed bits of strings on the active wires, one column a string."""
        packed = pack(bits)
        return np.ascontiguousarray(np.pad(packed, [(0, 0), (0, self.words - packed.shape[1])]).T)

    def _overlap(self, x, z) -> np.ndarray:
        if self.bloch is not None:
            return np.asarray(pair_walk.product_overlaps(x, z, self.bloch))
        bits = np.zeros((2, BATCH, self.num_wires), np.uint8)
        for kind, words in enumerate((np.asarray(x), np.asarray(z))):
            for i, wire in enumerate(self.active):
                bits[kind, :, wire] = (words[i // WORD] >> np.uint32(i % WORD)) & 1
        strings = PauliStrings.from_bits(*bits)
        vectors, inverse = np.unique(strings.vectors(), axis=0, return_inverse=True)
        half = vectors.shape[1] // 2
        values = self.state.expectation(PauliStrings(vectors[:, :half], vectors[:, half:], self.num_wires))
        return values[inverse.reshape(-1)]

    def prediction(self, problem: Problem, totals: np.ndarray, samples: int, means: Means) -> Prediction:
        value = totals[0] / samples
        error = standard_error(np.abs(totals[0]), totals[1], samples, totals[4])
        # Signed weights: the normal interval, but never tighter than that of as many weights of one sign.
        _, high = weighted_interval(np.abs(totals[0]), totals[1], totals[3], samples, totals[4])
        high = np.maximum(high, value + 1.96 * error)
        high = np.where(high > 0, high, high.max())  # never seen is not known to be zero
        high = np.minimum(high, self.largest**2)
        gradient = np.maximum(value, 0.0)  # with weights of both signs a sum can be below 0, a variance cannot
        low = np.minimum(np.maximum(value - 1.96 * error, 0.0), high)
        gates = problem.ansatz.gates
        angles = [gates[k].angle for k in self.gates]

        def elements(values):
            return to_elements(angles, values[:-1], problem.ansatz.arguments.num_elements)

        statistics = {"paths": samples, "hits": int(totals[2, -1]), "steps": len(self.gates), "wires": len(self.active)}
        if value[-1] <= 0 or value[-1] < 2 * error[-1]:
            reason = (
                f"after {samples} paths of both signs the standard error of the loss variance, {error[-1]:.2g}, "
                "is as large as what they show; raise samples, or use angles uniform over their period"
            )
            seen = 0 < high[-1] < self.largest**2  # else it says nothing
            return Prediction(
                VarianceEstimate.unavailable(reason, (0.0, float(high[-1])) if seen else None),
                VarianceEstimate.unavailable(reason, (0.0 * elements(high), elements(high)) if seen else None),
                means.loss,
                statistics,
                means.error,
                means.gradient,
            )
        return Prediction(
            VarianceEstimate(float(value[-1]), float(error[-1]), METHOD, False, (float(low[-1]), float(high[-1]))),
            VarianceEstimate(elements(gradient), elements(error), METHOD, False, (elements(low), elements(high))),
            means.loss,
            statistics,
            means.error,
            means.gradient,
        )


def _boost(moments: Float[np.ndarray, "steps 5"]) -> Float[np.ndarray, " steps"]:
    """How much more often than by its weight a path takes the covariance at each gate: about once on its way.

    Gates that turn little are drawn as often as they would be if all turned alike, so that angles of a narrow law
    are not forgotten beside those of a wide one.
    """
    spread = np.maximum(np.sum(moments[:, 2:4] - moments[:, :2] ** 2, axis=1), 0)
    moving = spread > 1e-14
    if not moving.any():
        return np.ones(len(moments))
    alone = 1 / (moving.sum() * np.where(moving, spread, 1.0))
    return np.where(moving, np.maximum(1.0, np.maximum(1 / spread.sum(), alone)), 1.0)
