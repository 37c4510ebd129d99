"""When two calls of a QNode are the same circuit: the argument tree with shapes, dtypes and static values."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import jax
import jax.core

DIFFERENTIATING = ("JVPTracer", "LinearizeTracer")


def call_key(args: Sequence, kwargs: dict) -> tuple[Hashable, bool]:
    """A key that costs microseconds, since every call of a decorated QNode computes it.

    Args:
        args: positional arguments
        kwargs: keyword arguments

    Returns:
        the key, and whether all values are known (they are not under ``jit`` and ``vmap``)
    """
    leaves, treedef = jax.tree_util.tree_flatten((tuple(args), kwargs))
    known = True
    parts = [treedef]
    for leaf in leaves:
        part, concrete = _leaf_key(leaf)
        parts.append(part)
        known = known and concrete
    return tuple(parts), known


def _leaf_key(leaf: Any) -> tuple[Hashable, bool]:
    if isinstance(leaf, float):
        return float, True
    if isinstance(leaf, jax.core.Tracer):
        differentiated, inner = False, leaf
        while type(inner).__name__ in DIFFERENTIATING:
            differentiated, inner = True, getattr(inner, "primal", None)
        return (leaf.shape, str(leaf.dtype), differentiated), not isinstance(inner, jax.core.Tracer)
    if hasattr(leaf, "shape") and hasattr(leaf, "dtype"):
        trained = getattr(leaf, "requires_grad", None)
        return (tuple(leaf.shape), str(leaf.dtype), False if trained is None else trained), True
    if hasattr(leaf, "_value"):  # autograd's box, inside qp.grad
        return (leaf.shape, str(leaf.dtype), "boxed"), True
    try:
        hash(leaf)
    except TypeError:
        return (type(leaf), id(leaf)), True
    return (type(leaf), leaf), True
