"""Center and simple ideals of an enumerated Lie algebra.

The algebra is a module over itself (the adjoint one), and its irreducible parts are the simple ideals and the
lines of the center. The type of an ideal is read off the eigenvalues ``±i α(H)`` of one generic element: how
many vanish (the rank), and how many pairs of roots add up to a root, which tells ``so(2r+1)`` from ``sp(2r)``
of equal dimension and rank.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from pennylane_dla.algebra.ideal import Ideal
from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.allowance import OutOfTime, paced
from pennylane_dla.pauli import PauliStrings

from .commutant import Commutant, NotConverged
from .coordinates import Coordinates, twin_classes
from .invariant_span import OverBudget, close

_EXCEPTIONAL = {  # by dimension and rank
    (14, 2): ("g", 2),
    (52, 4): ("f", 4),
    (78, 6): ("e", 6),
    (133, 7): ("e", 7),
    (248, 8): ("e", 8),
}

# Short roots, where dimension and rank leave a choice: so(2r+1), sp(2r), e6.
_SHORT = {"so": lambda r: 2 * r, "sp": lambda r: 2 * r * (r - 1), "e": lambda r: 0}

MAX_DIM = 1000  # the time grows with the third power: some ten seconds here


def structure(algebra: LieAlgebra, max_dim: int = MAX_DIM) -> LieAlgebra:
    r"""The same algebra with its ideals: simple ones with type, dimension and multiplicity, and the center.

    .. math::

        \mathfrak{g} = \mathfrak{u}(1)^{\oplus c} \oplus \bigoplus_j m_j\, \mathfrak{g}_j

    Args:
        algebra: with its generators, as :func:`~pennylane_dla.algebra.sums.closure.lie_closure_sums`
            returns it
        max_dim: above this dimension the structure is not determined, and ``reason`` says so

    Returns:
        LieAlgebra: ``ideals`` filled in, the largest first, the center last

    **Example**

    >>> from pennylane_dla.pauli import PauliSum
    >>> from pennylane_dla.algebra.sums.closure import lie_closure_sums
    >>> cost = PauliSum.from_dict({"ZZI": 1, "IZZ": 1})
    >>> mixer = PauliSum.from_dict({"XII": 1, "IXI": 1, "IIX": 1})
    >>> structure(lie_closure_sums([cost, mixer])).name
    'su(3) + u(1)'
    """
    if not algebra.complete or algebra.ideals is not None or algebra.generators is None:
        return algebra
    if algebra.dim == 4**algebra.num_wires - 1 and algebra.dim:
        return replace(algebra, ideals=(Ideal.resolved("su", 2**algebra.num_wires),))
    if algebra.dim > max_dim:
        return replace(algebra, reason=_join(algebra.reason, f"structure not determined above dimension {max_dim}"))
    try:
        commutant = Commutant(adjoint(algebra))
        center = commutant.invariants()
        parts = [part for part in commutant.irreducibles() if not _inside(part, center)]
        if center.shape[1] + sum(part.shape[1] for part in parts) != algebra.dim:
            raise NotConverged("the parts do not add up to the algebra")
        kinds = Counter(identify(part, commutant.elements) for part in parts)
    except (NotConverged, OutOfTime, OverBudget) as failure:
        return replace(algebra, reason=_join(algebra.reason, f"structure not determined: {failure}"))
    counted = Counter()
    for (family, size, dim), count in kinds.items():
        ideal = Ideal.resolved(family, size) if size else Ideal(family, dim)
        counted[ideal.name, ideal.dim] += ideal.multiplicity * count
    ideals = [Ideal(name, dim, count) for (name, dim), count in counted.items()]
    ideals.sort(key=lambda ideal: (-ideal.dim, ideal.name))
    if center.shape[1]:
        ideals.append(Ideal.resolved("u", 1, center.shape[1]))
    return replace(algebra, ideals=tuple(ideals))


def adjoint(algebra: LieAlgebra) -> list[Float[np.ndarray, "d d"]]:
    """``i[G_k, ·]`` on the algebra in an orthonormal basis, for each generator.

    Where qubits are interchangeable the basis is found once more, in sums over their permutations.

    Raises:
        NotConverged: where there is no basis to double precision
    """
    generators = algebra.generators
    assert generators is not None  # they are what was closed
    twins = twin_classes(generators)
    if algebra.basis is None or len(np.unique(twins)) < len(twins):
        coordinates = Coordinates(generators, twins)
        span = close(coordinates, generators, algebra.dim, 2**31)
        rows = span.rows(coordinates)
        if rows is None or len(rows) != algebra.dim:
            raise NotConverged("there is no basis to double precision")
        coordinates.expand(np.arange(len(coordinates)))
    elif isinstance(algebra.basis, PauliStrings):
        coordinates = Coordinates(generators)
        index = coordinates.locate(algebra.basis)
        coordinates.expand(index)
        rows = np.zeros((algebra.dim, len(coordinates)))
        rows[np.arange(algebra.dim), index] = 1
    else:
        coordinates = Coordinates(generators)
        for element in algebra.basis:
            coordinates.locate(element.strings)
        coordinates.expand(np.arange(len(coordinates)))
        rows = np.array([coordinates.vector(element) for element in algebra.basis])
    rows = np.pad(rows, ((0, 0), (0, len(coordinates) - rows.shape[1])))
    result = []
    for weights in paced(np.eye(len(generators)), "the adjoint representation"):
        matrix = rows @ (coordinates.action(weights) @ rows.T)
        result.append((matrix - matrix.T) / 2)
    return result


def identify(part: Float[np.ndarray, "d m"], elements: list[Float[np.ndarray, "d d"]]) -> tuple[str, int, int]:
    """Family, matrix size (0 for exceptional ones) and dimension of a simple ideal.

    Args:
        part: orthonormal basis of the ideal
        elements: generic elements of the algebra in the adjoint representation
    """
    dim = part.shape[1]
    found = set()
    for element in elements:
        frequencies = np.linalg.eigvalsh(1j * (part.T @ element @ part))
        largest = np.abs(frequencies).max()
        roots = frequencies[np.abs(frequencies) > 1e-7 * largest]
        found.add((dim - len(roots), short_roots(roots, 1e-10 * largest)))
    rank = min(r for r, _ in found)
    short = {s for r, s in found if r == rank}
    candidates = _candidates(dim, rank)
    if len(candidates) > 1:
        candidates = [c for c in candidates if {_SHORT[c[0]](rank)} == short]
    if len(candidates) != 1:
        return f"simple({dim}, rank {rank})", 0, dim
    family, size = candidates[0]
    return (family, size, dim) if family in ("su", "so", "sp") else (f"{family}{size}", 0, dim)


def short_roots(roots: Float[np.ndarray, " m"], tolerance: float) -> int:
    """How many roots are the mean of two others, each given by its value on a generic element.

    A mean of two roots is shorter than they are, so this counts short roots: ``e_i`` is the mean of
    ``e_i ± e_j`` in ``so(2r+1)``, and ``e_i + e_j`` of ``2e_i`` and ``2e_j`` in ``sp(2r)``.

    >>> short_roots(np.array([1.0, -1.0, 0.3, -0.3, 1.3, -1.3, 0.7, -0.7]), 1e-9)   # so(5)
    4
    """
    ordered = np.sort(roots)
    means = (roots[:, None] + roots[None, :])[np.triu_indices(len(roots), 1)] / 2
    place = np.searchsorted(ordered, means)
    hit = set()
    for neighbour in (np.maximum(place - 1, 0), np.minimum(place, len(ordered) - 1)):
        hit.update(neighbour[np.abs(ordered[neighbour] - means) < tolerance].tolist())
    return len(hit)


def _candidates(dim: int, rank: int) -> list[tuple[str, int]]:
    """Simple algebras of this dimension and rank, each under one name."""
    result = []
    if dim == rank * (rank + 2):
        result.append(("su", rank + 1))
    if dim == rank * (2 * rank + 1) and rank > 1:
        result.append(("so", 2 * rank + 1))
        if rank > 2:
            result.append(("sp", 2 * rank))
    if dim == rank * (2 * rank - 1) and rank > 3:
        result.append(("so", 2 * rank))
    if (dim, rank) in _EXCEPTIONAL:
        result.append(_EXCEPTIONAL[dim, rank])
    return result


def _inside(part: np.ndarray, space: np.ndarray) -> bool:
    return space.shape[1] > 0 and bool(np.linalg.norm(space.T @ part) ** 2 > 0.5 * part.shape[1])


def _join(*reasons: str | None) -> str:
    return "; ".join(filter(None, reasons))
