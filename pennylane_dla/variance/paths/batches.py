"""Batches of Pauli paths: what one batch needs, its way through the circuit, and the sums it leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np

from pennylane_dla.circuit.ansatz import ProductState, State
from pennylane_dla.compat import numerics
from pennylane_dla.pauli import PauliStrings
from pennylane_dla.pauli.strings import WORD, product
from pennylane_dla.variance.problem import Problem

from . import sharding, splitting, sweep
from .bit_planes import Planes, plane_sums, planes
from .gate_table import GateTable, active_wires, gate_table
from .state_block import StateBlock
from .state_side import StateStrings, state_strings
from .term_classes import ProjectorTerms, TermClasses, letters_of
from .totals import Totals

SMALL_BATCH, LARGE_BATCH, HUGE_BATCH = 128, 512, 1024  # words: 4096, 16384 and 32768 paths
LARGE_TABLE = 20_000  # steps from which the large batch pays
LARGE_BUDGET, HUGE_BUDGET, MANY_ROWS = 2**17, 2**21, 256  # or paths, while the rows of a batch stay in the cache
LEAST_BATCHES = 8  # that make an error bar, where a batch is one sample
MAX_SPLIT_TERMS = 4
SMALLEST = float(np.finfo(float).tiny)
NOTHING = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Walk:
    """Everything a batch of paths needs.

    Args:
        table: the gates
        terms: where paths start
        rows: padded number of rows
        blocks: the table in blocks
        eigenvalues: of the channels
        end: end weights of the letters, padded; ``None`` where they are no product
        bloch: ``(1, ⟨X⟩, ⟨Z⟩, ⟨Y⟩)``, padded, where terms interfere
        state: the initial state
        num_wires: of the circuit
        words: of a batch
        bound: no path can weigh more
        block: rotations that are averaged into the end weight, beside ``end``
    """

    table: GateTable
    terms: TermClasses | ProjectorTerms | StateStrings
    rows: int
    blocks: list
    eigenvalues: np.ndarray
    end: np.ndarray | None
    bloch: np.ndarray
    state: State
    num_wires: int
    words: int
    bound: float
    block: StateBlock | None = None

    @classmethod
    def prepare(cls, problem: Problem, observable, terms, kept, quarters, block: StateBlock | None = None) -> Walk:
        """Lower a circuit whose paths start from ``terms``, or from the state where that is better.

        With a ``block`` they start from ``terms``, and its rotations are left out.
        """
        ansatz = problem.ansatz
        n, state = ansatz.num_wires, ansatz.state
        letters = letters_of(observable, n)
        product_state = isinstance(state, ProductState)
        product_end = product_state and not (isinstance(terms, TermClasses) and terms.interfering)
        bloch = np.ones((n, 4))
        if product_state:
            bloch[:, 1:] = state.bloch[:, [0, 2, 1]]
        start = bloch**2
        reached = active_wires(ansatz.gates, kept, letters)
        strings = None if block is not None else state_strings(state, terms, reached)
        if block is not None:
            averaged = {*block.gates, *block.idle}
            kept = [position for position in kept if position not in averaged]
        elif strings is not None:
            terms, kept = strings, kept[::-1]
            product_end = strings.end_letters() is not None
            if product_end:
                start[list(strings.active)] = strings.end_letters()
        absorb = product_end and block is None
        table = gate_table(ansatz.gates, kept, quarters, letters, start, reached, absorb)
        rows, blocks, eigenvalues = sweep.padded_blocks(table, sweep.block_length(len(table.codes)))
        active = len(table.active)
        end = np.ones((rows, 4))
        end[:active] = table.end
        padded = np.ones((rows, 4))
        padded[:active] = bloch[list(table.active)]
        most = terms.largest
        if product_end:
            most *= float(np.max(end[:active, 1:], initial=0.0))
        most = max(most, SMALLEST)  # a bound that underflows to 0 would say that nothing is there
        large = len(table.codes) > LARGE_TABLE or (problem.budget.samples > LARGE_BUDGET and rows <= MANY_ROWS)
        words = LARGE_BATCH if large else SMALL_BATCH
        if problem.budget.samples > HUGE_BUDGET and rows <= MANY_ROWS:
            words = HUGE_BATCH
        while words > 32 and 4 * words * len(table.codes) * sharding.workers() > problem.budget.max_memory:
            words //= 2
        end = end if product_end else None
        return cls(table, terms, rows, blocks, eigenvalues, end, padded, state, n, words, most, block)

    @property
    def paths(self) -> int:
        return self.words * WORD

    @property
    def noisy(self) -> bool:
        """Whether there are channels."""
        return bool(len(self.table.eigenvalues))

    @property
    def block_work(self) -> int:
        """Steps of the elimination in the block, 0 without one."""
        return 0 if self.block is None else self.block.work


def batch(walk: Walk, seed: int, number: int, counted: int) -> Totals:
    """One batch of paths through the whole circuit."""
    rng = np.random.default_rng([seed, number])
    with numerics():
        rows, damping, chosen, odd = _through(walk, rng, None)
        factor = _factors(walk, chosen, counted)
        weights, absorbed = _end(walk, rows, damping, chosen, factor, rng)
        largest = weights.max()
        result = Totals.zero(num_gates(walk))
        result.samples = result.paths = counted
        result.largest[:], result.hits = largest, int(np.count_nonzero(weights))
        if not largest > 0:
            return result
        scaled = weights / largest  # squares of what is below 1e-150 would be lost
        scales = np.array([[largest], [largest**2]])
        result.loss[:] = scales[:, 0] * (np.sum(scaled), np.sum(scaled**2))
        parts = planes(scaled, rng)
        sums = np.concatenate([plane_sums(block, parts) for block in odd], axis=1)[:, : len(walk.table.gates)]
        averaged = NOTHING if walk.block is None else plane_sums(absorbed, parts)[:, : len(walk.block.gates)]
    drawn = walk.table.gates >= 0
    result.gates[:, walk.table.gates[drawn]] += scales * sums[:, drawn]
    if walk.block is not None:
        result.gates[:, list(walk.block.gates)] += scales * averaged
    for position, wire, part in walk.table.absorbed:
        result.gates[:, position] += part @ absorbed[wire, :, 0], part**2 @ absorbed[wire, :, 1]
    return result


@dataclass(frozen=True, eq=False)
class StagedWalk:
    """A walk in shorter blocks, with the slopes of its stages (``splitting.py``)."""

    walk: Walk
    slopes: list[float]

    @classmethod
    def prepare(cls, walk: Walk, budget) -> StagedWalk | None:
        """``None`` where splitting does not apply or would change nothing."""
        # With many terms the copies would all descend from the few that live longest, and the gradient components
        # that only the others reach would be lost.
        few = isinstance(walk.terms, TermClasses) and len(walk.terms.leaders) <= MAX_SPLIT_TERMS
        if not few or walk.end is None or walk.noisy:
            return None
        length = splitting.stage_length(len(walk.table.codes))
        words = walk.words if budget.samples >= 2 * LEAST_BATCHES * walk.paths else SMALL_BATCH
        if budget.samples < 2 * LEAST_BATCHES * words * WORD:
            return None
        walk = replace(walk, words=words, blocks=sweep.padded_blocks(walk.table, length)[1])
        if len(walk.blocks) < 2:  # the only stage would be the end, where nothing can be chosen any more
            return None
        sizes = []
        rng = np.random.default_rng([budget.seed, 0, 1])
        with numerics():

            def look(rows):
                sizes.append(np.asarray(splitting.support_sizes(rows)))
                return rows

            rows, damping, chosen, _ = _through(walk, rng, look)
            weights, _ = _end(walk, rows, damping, chosen, _factors(walk, chosen, walk.paths), rng)
        default = max(float(np.mean(walk.table.end[:, 1:])), 1e-3)
        slopes = splitting.pilot_slopes(sizes, weights.reshape(-1), default)
        return cls(walk, slopes) if min(slopes) < -splitting.LEAST_SLOPE else None


def staged_batch(staged: StagedWalk, seed: int, number: int, counted: int) -> Totals:
    """One batch of paths with splitting between the blocks: one sample."""
    walk = staged.walk
    rng = np.random.default_rng([seed, number, 2])
    tree = splitting.Tree(walk.paths, rng)
    slopes = iter(staged.slopes)
    with numerics():
        rows, damping, chosen, odd = _through(walk, rng, lambda rows: tree.stage(rows, next(slopes)))
        factor = _factors(walk, chosen, walk.paths) + tree.log_corrections().reshape(walk.words, WORD)
        weights, absorbed = _end(walk, rows, damping, chosen, factor, rng)
        weights = weights.reshape(-1)
        largest = weights.max()
        result = Totals.zero(num_gates(walk))
        result.samples, result.paths, result.hits = 1, walk.paths, int(np.count_nonzero(weights))
        if not largest > 0:
            return result
        sums = []
        for block, shares in zip(odd, tree.at_stages(weights / largest), strict=True):
            sums.append(plane_sums(block, planes(shares.reshape(walk.words, WORD), rng))[0])
        if walk.block is not None:
            parts = planes((weights / largest).reshape(walk.words, WORD), rng)
            averaged = plane_sums(absorbed, parts)[0, : len(walk.block.gates)]
    scale = largest / walk.paths
    estimates = np.zeros(num_gates(walk))
    drawn = walk.table.gates >= 0
    estimates[walk.table.gates[drawn]] = scale * np.concatenate(sums)[: len(drawn)][drawn]
    if walk.block is not None:
        estimates[list(walk.block.gates)] = scale * averaged
    for position, wire, part in walk.table.absorbed:
        estimates[position] = part @ absorbed[wire, :, 0] / walk.paths
    loss = scale * np.sum(weights / largest)
    result.loss[:] = loss, loss**2
    result.gates[:] = estimates, estimates**2
    result.largest[:-1], result.largest[-1] = estimates, loss
    return result


def _through(walk: Walk, rng: np.random.Generator, between):
    """Take a batch of paths through all gates.

    Args:
        walk: the circuit
        rng: of the batch
        between: takes the rows after a block and returns those to go on with, or ``None``

    Returns:
        the rows at the start of the circuit, the damping of each path, its class, and for each block which paths
        anticommuted with each step
    """
    initial, chosen = _start(walk, rng)
    keys = sharding.place(rng.integers(2**32, size=(2, walk.words), dtype=np.uint32), 1)
    rows = _placed(initial)
    parity = sharding.place(np.zeros((1, walk.words), np.uint32), 1)
    damping = sharding.place(np.ones((walk.words, WORD) if walk.noisy else (1, 1)), 0)
    eigenvalues = jnp.asarray(walk.eigenvalues)
    odd, first = [], 0
    for wires, codes, kinds in walk.blocks:
        rows, parity, damping, block = sweep.sweep_block(
            rows, parity, damping, keys, wires, codes, kinds, eigenvalues, np.uint32(first), walk.noisy
        )
        odd.append(block)
        first += len(codes)
        if between is not None:
            rows = between(rows)
    return rows, damping, chosen, odd


def _factors(walk: Walk, chosen: np.ndarray, counted: int) -> np.ndarray:
    """Logarithm of what the end weight of each path is multiplied with; paths beyond ``counted`` have none."""
    interfering = isinstance(walk.terms, TermClasses) and walk.terms.interfering
    factor = np.ones(walk.paths) if interfering else walk.terms.weights[chosen]
    counts = np.arange(walk.paths) < counted
    with np.errstate(divide="ignore"):
        return np.log(factor * counts).reshape(walk.words, WORD)


def _placed(rows: np.ndarray) -> sweep.Rows:
    """X and Z rows on the devices."""
    return sweep.Rows(sharding.place(rows[0], 1), sharding.place(rows[1], 1))


def _start(walk: Walk, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the strings that the paths start from, and the class of each path (of a projector: 0 for the
    identity, 1 for others)."""
    rows = np.zeros((2, walk.rows, walk.words), np.uint32)
    active = list(walk.table.active)
    if isinstance(walk.terms, StateStrings):
        for kind, bits in enumerate(walk.terms.draw(rng, walk.paths)):
            rows[kind, : len(active)] = np.packbits(bits, axis=1, bitorder="little").view("<u4")
        return rows, np.zeros(walk.paths, int)
    if isinstance(walk.terms, ProjectorTerms):
        place = {w: i for i, w in enumerate(active)}
        index = [place[w] for w in walk.terms.wires]
        rows[1, index] = rng.integers(2**32, size=(len(index), walk.words), dtype=np.uint32)
        some = np.bitwise_or.reduce(rows[1, index], axis=0)
        return rows, np.unpackbits(some.view(np.uint8), bitorder="little").astype(int)
    if len(walk.terms.leaders) == 1:
        for kind, bits in enumerate(walk.terms.leaders.bits()):
            rows[kind, : len(active)] = np.where(bits[0, active, None] == 1, np.uint32(0xFFFFFFFF), np.uint32(0))
        return rows, np.zeros(walk.paths, int)
    edges = np.cumsum(walk.terms.probabilities)
    points = (np.arange(walk.paths) + rng.random()) / walk.paths
    chosen = np.minimum(np.searchsorted(edges, points, side="right"), len(edges) - 1)
    chosen = rng.permutation(chosen)  # the last batch may count only some of its paths
    for kind, bits in enumerate(walk.terms.leaders.bits()):
        rows[kind, : len(active)] = _columns(bits[:, active], chosen)
    return rows, chosen


def _columns(bits: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Bit rows, one a wire, of the strings ``chosen`` for the paths."""
    columns = np.ascontiguousarray(bits.T)[:, chosen]
    octets = np.ascontiguousarray(np.packbits(columns, axis=1, bitorder="little"))
    return octets.view("<u4").astype(np.uint32, copy=False)


def _end(walk: Walk, rows: sweep.Rows, damping, chosen: np.ndarray, factor: np.ndarray, rng: np.random.Generator):
    """Weight of every path, and what the rotations in it need: with a block which paths anticommute with each, else
    for each wire and letter ``Σ w`` and ``Σ w²`` over the paths with that letter, ``w`` the weight of all other
    wires."""
    if walk.block is not None:
        weights, active = walk.block.end(np.stack(rows))
        return weights * np.exp(factor), active
    if isinstance(walk.terms, TermClasses) and walk.terms.interfering:
        return _interfering(walk, walk.terms, rows, chosen) * np.exp(factor) * np.asarray(damping), NOTHING
    if isinstance(walk.terms, StateStrings) and walk.end is None:
        weights = walk.terms.end_weights(np.stack(rows)).reshape(walk.words, WORD)
        return weights * np.exp(factor) * np.asarray(damping), NOTHING
    if walk.end is None:
        return _vector_overlaps(walk, rows) ** 2 * np.exp(factor) * np.asarray(damping), NOTHING
    found = sweep.end_weights(rows, jnp.asarray(walk.end), sharding.place(factor, 0), damping)
    weights, partial, zeros = map(np.asarray, found)
    if not walk.table.absorbed:
        return weights, NOTHING
    # A path of weight zero counts where the letter in question is its only factor that is zero.
    others = np.zeros((2, walk.rows, 4))
    for paths, usable in ((weights, walk.end > 0), (np.where(zeros == 1, partial, 0.0), walk.end <= 0)):
        largest = paths.max()
        if not largest > 0:
            continue
        sums = _letter_sums(walk, rows, planes(paths / largest, rng))
        own = np.where(usable & (walk.end > 0), walk.end, 1.0)
        for power in (1, 2):
            others[power - 1] += np.where(usable, sums[power - 1] * (largest / own) ** power, 0.0)
    return weights, np.moveaxis(others, 0, -1)


def _letter_sums(walk: Walk, rows: sweep.Rows, parts: Planes) -> np.ndarray:
    """``Σ w`` and ``Σ w²`` over the paths with each letter on each wire, shape ``(2, rows, 4)``; those of the identity
    are left out."""
    pieces = sweep.letters(rows, len(walk.blocks[0][1]))  # as long as a block of steps, whose sums are compiled
    sums = np.concatenate([plane_sums(piece, parts) for piece in pieces], axis=1)[:, : 3 * walk.rows]
    result = np.zeros((2, walk.rows, 4))
    for letter, column in enumerate(np.split(sums, 3, axis=1), 1):
        result[:, :, letter] = column
    return result


def _interfering(walk: Walk, terms: TermClasses, rows, chosen: np.ndarray) -> np.ndarray:
    """``(Σ_j c_j Tr[ρ Q_j])²`` over the members of each path's class, divided by its probability."""
    members = terms.coefficients.shape[1]
    active = list(walk.table.active)
    bits = [b.reshape(len(terms.leaders), members, -1) for b in terms.differences.bits()]
    amplitude = np.zeros((walk.words, WORD))
    for j in range(members):
        others = np.zeros((2, walk.rows, walk.words), np.uint32)
        for kind in range(2):
            others[kind, : len(active)] = _columns(bits[kind][:, j][:, active], chosen)
        phase = terms.phases[chosen, j].reshape(walk.words, WORD).astype(np.int32)
        if not isinstance(walk.state, ProductState):
            value = _vector_overlaps(walk, rows, others, phase)
        else:
            value = np.asarray(sweep.overlaps(rows, _placed(others), sharding.place(phase, 0), jnp.asarray(walk.bloch)))
        amplitude += terms.coefficients[chosen, j].reshape(walk.words, WORD) * value
    return amplitude**2 * terms.factors[chosen].reshape(walk.words, WORD)


def _vector_overlaps(walk: Walk, rows, others=None, phase=None) -> np.ndarray:
    """``Tr[ρ Q]`` (times ``i^phase R``) for a state vector; each distinct string is evaluated once."""
    strings = _strings(walk, np.stack(rows))
    signs = np.ones(walk.paths)
    if others is not None and phase is not None:
        strings, exponents = product(strings, _strings(walk, others))
        signs = np.where((exponents + phase.reshape(-1)) % 4 == 0, 1.0, -1.0)
    vectors, inverse = np.unique(strings.vectors(), axis=0, return_inverse=True)
    half = vectors.shape[1] // 2
    values = walk.state.expectation(PauliStrings(vectors[:, :half], vectors[:, half:], walk.num_wires))
    return (signs * values[inverse.reshape(-1)]).reshape(walk.words, WORD)


def _strings(walk: Walk, rows: np.ndarray) -> PauliStrings:
    bits = np.zeros((2, walk.paths, walk.num_wires), np.uint8)
    for i, wire in enumerate(walk.table.active):
        for kind in range(2):
            bits[kind, :, wire] = np.unpackbits(rows[kind, i].view(np.uint8), bitorder="little")
    return PauliStrings.from_bits(*bits)


def num_gates(walk: Walk) -> int:
    absorbed = [position for position, _, _ in walk.table.absorbed] + list(walk.block.gates if walk.block else ())
    return max(int(walk.table.gates.max(initial=-1)), max(absorbed, default=-1)) + 1
