"""The arguments of a QNode: their leaves, which are trainable, stand-ins for them, and the way back to a
gradient's form."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
import pennylane as qp

from pennylane_dla.errors import DLAError

from .ansatz import Arguments
from .leaf import Leaf, as_data, as_interface, describe, read_leaf

MAX_STATEMENTS = 8
FLAT_INDEX = re.compile(r"\[<flat index \d+>\]")  # how JAX names the parts of a PennyLane operator


@dataclass(frozen=True, eq=False)
class Call:
    """A call of the QNode: its argument tree, and which leaves are trainable.

    Args:
        leaves: in the order of the tree
        treedef: of ``(args, kwargs)``
        trainable: positions of the trainable leaves, increasing
        form: positional arguments, keyword arguments, and whether a single argument stands alone: what
            :meth:`restore` returns
    """

    leaves: tuple[Leaf, ...]
    treedef: Any
    trainable: tuple[int, ...]
    form: tuple[tuple[int, ...], tuple[str, ...], bool]

    @property
    def unknown(self) -> tuple[int, ...]:
        """Positions of the data leaves whose values are not known."""
        chosen = set(self.trainable)
        return tuple(i for i, leaf in enumerate(self.leaves) if not leaf.known and i not in chosen)

    @property
    def num_elements(self) -> int:
        return sum(self.leaves[i].size for i in self.trainable)

    @property
    def num_unknown(self) -> int:
        """Numbers in the data whose values are not known."""
        return sum(self.leaves[i].size for i in self.unknown)

    def stand_ins(self, elements: np.ndarray, data: np.ndarray, style: str = "numpy") -> tuple[tuple, dict]:
        """Concrete ``(args, kwargs)`` of equal structure and shapes.

        Args:
            elements: values of the trainable elements
            data: values for the data that are not known
            style: ``"numpy"`` for NumPy arrays, ``"native"`` for the caller's types in double precision,
                ``"original"`` for the caller's types in the caller's precision
        """
        values = [leaf.original if leaf.interface == "static" else leaf.value for leaf in self.leaves]
        for positions, numbers in ((self.trainable, elements), (self.unknown, data)):
            start = 0
            for i in positions:
                leaf = self.leaves[i]
                values[i] = numbers[start : start + leaf.size].reshape(leaf.shape)
                start += leaf.size
        for i in self.unknown:
            values[i] = as_data(values[i], self.leaves[i].dtype)
        for i, leaf in enumerate(self.leaves):
            if leaf.interface == "python":
                values[i] = float(values[i]) if i in self.trainable else leaf.original
            elif leaf.interface != "static" and style != "numpy":
                values[i] = as_interface(values[i], leaf, style == "original")
        return jax.tree_util.tree_unflatten(self.treedef, values)

    def arguments(self, periods: np.ndarray) -> Arguments:
        """The trainable arguments, as the :class:`~pennylane_dla.circuit.ansatz.Ansatz` keeps them."""
        leaves = [self.leaves[i] for i in self.trainable]
        return Arguments(
            names=tuple(leaf.name for leaf in leaves),
            shapes=tuple(leaf.shape for leaf in leaves),
            periods=periods,
            restore=self.restore,
            data=self.data(),
        )

    def data(self) -> tuple[str, ...]:
        """What the non-trainable arguments are, in words."""
        texts = [describe(leaf) for i, leaf in enumerate(self.leaves) if i not in set(self.trainable)]
        if len(texts) > MAX_STATEMENTS:
            texts[MAX_STATEMENTS:] = [f"and {len(texts) - MAX_STATEMENTS} more"]
        return tuple(texts)

    def restore(self, array: np.ndarray) -> Any:
        """Rows, one an element, in the form of a gradient of the QNode.

        A single argument gives its own pytree, several a tuple; trainable keyword arguments follow the
        positional ones in a dictionary. Leaves of these arguments that are not trainable are ``None``.
        """
        array = np.asarray(array)
        leaves: list[Any] = [None] * len(self.leaves)
        start = 0
        for i in self.trainable:
            leaf = self.leaves[i]
            leaves[i] = array[start : start + leaf.size].reshape(leaf.shape + array.shape[1:])
            start += leaf.size
        positional, keywords, single = self.form
        trees = {}
        args, kwargs = self.treedef.children()
        start = 0
        for top, tree in ((0, args), (1, kwargs)):
            children = tree.children()
            for which, child in enumerate(children):
                trees[top, which] = child, leaves[start : start + child.num_leaves]
                start += child.num_leaves
        parts = tuple(jax.tree_util.tree_unflatten(*trees[0, which]) for which in positional)
        if keywords:
            names = sorted(tree_keys(kwargs))
            named = {name: jax.tree_util.tree_unflatten(*trees[1, names.index(name)]) for name in keywords}
            return (*parts, named)
        return parts[0] if single else parts


@dataclass(frozen=True, eq=False)
class TapeCall(Call):
    """The parameters of a bare tape: one leaf each, the trainable ones together are the argument
    ``parameters``."""

    def arguments(self, periods: np.ndarray) -> Arguments:
        plain = super().arguments(periods)
        if any(plain.shapes):
            return plain
        return replace(plain, names=("parameters",), shapes=((len(plain.shapes),),))

    def restore(self, array: np.ndarray) -> Any:
        """An array with one row a trainable parameter; a tuple of arrays where some parameters are arrays."""
        array = np.asarray(array)
        leaves = [self.leaves[i] for i in self.trainable]
        if all(leaf.shape == () for leaf in leaves):
            return array
        ends = np.cumsum([leaf.size for leaf in leaves])
        return tuple(
            part.reshape(leaf.shape + array.shape[1:])
            for part, leaf in zip(np.split(array, ends[:-1]), leaves, strict=True)
        )


def tree_keys(tree) -> list[str]:
    """Keys of the dictionary that a tree definition flattens."""
    return list(tree.node_data()[1])


def read_call(function: Callable | None, args: Sequence, kwargs: dict, argnums: int | Sequence[int] | None) -> Call:
    """Flatten the arguments and decide what is trainable.

    Trainable means what the interface means: the arguments that the caller differentiates right now
    (``grad`` around the call); else ``requires_grad`` for autograd and torch; else ``argnums``, 0 by default
    as in ``jax.grad``.

    Raises:
        DLAError: no trainable parameter, ``argnums`` out of range, an integer or complex trainable argument,
            or a concrete value that is not finite
    """
    args, kwargs = tuple(args), dict(kwargs)
    paths, treedef = jax.tree_util.tree_flatten_with_path((args, kwargs))
    names = _argument_names(function, args)
    leaves = tuple(read_leaf(_leaf_name(path, names), value) for path, value in paths)
    tops = [(path[0].idx, path[1].idx if path[0].idx == 0 else path[1].key) for path, _ in paths]
    trainable, form = _trainable(leaves, tops, args, names, argnums)
    for i in trainable:
        _check_trainable(leaves[i])
    for leaf in leaves:
        _check_finite(leaf)
    if not sum(leaves[i].size for i in trainable):
        raise DLAError(
            "no trainable parameter: pass the trainable arguments as arrays (autograd, torch: with "
            "requires_grad=True), or choose them by argnums."
        )
    return Call(leaves, treedef, tuple(trainable), form)


def read_tape(tape) -> tuple[TapeCall, tuple[str, ...]]:
    """The parameters of a bare tape; trainable are its ``trainable_params`` as far as they are angles of
    gates.

    By default PennyLane counts every number on a tape as trainable: coefficients of observables, strengths
    of channels and state vectors stay data here, which the second result says.
    """
    parameters = tape.get_parameters(trainable_only=False)
    leaves = tuple(read_leaf(f"parameters[{i}]", value) for i, value in enumerate(parameters))
    trainable, left_out = [], []
    for i in tape.trainable_params:
        op = tape.par_info[i]["op"]
        measured = tape.par_info[i]["op_idx"] >= len(tape.operations)
        if measured or isinstance(op, NOT_ANGLES) or not leaves[i].floating:
            left_out.append(f"{op.name} (parameter {i})")
        else:
            trainable.append(i)
    for leaf in leaves:
        _check_finite(leaf)
    if not trainable:
        raise DLAError(
            "no trainable parameter: the tape has none that is the angle of a gate (see tape.trainable_params)."
        )
    notes = ()
    if left_out:
        notes = (
            f"taken as data although the tape marks them trainable: "
            f"{', '.join(left_out[:5])}{' …' * (len(left_out) > 5)}",
        )
    treedef = jax.tree_util.tree_structure((tuple(0 for _ in leaves), {}))
    return TapeCall(leaves, treedef, tuple(trainable), ((), (), False)), notes


NOT_ANGLES = (
    qp.operation.Channel,
    qp.operation.StatePrepBase,
    qp.QubitUnitary,
    qp.DiagonalQubitUnitary,
    qp.QubitDensityMatrix,
)


def _trainable(leaves, tops, args, names, argnums):
    """Positions of the trainable leaves and the form of the gradient."""
    differentiated = [i for i, leaf in enumerate(leaves) if leaf.differentiated]
    if differentiated:
        return _marked(differentiated, tops)
    if argnums is None:
        marked = [i for i, leaf in enumerate(leaves) if leaf.requires_grad is not None]
        if marked and not any(leaf.interface == "jax" for leaf in leaves):
            chosen = [i for i in marked if leaves[i].requires_grad]
            if not chosen:
                raise DLAError(
                    f"no trainable parameter: {', '.join(leaves[i].name for i in marked)} have "
                    "requires_grad=False; set it to True, or choose the trainable arguments by argnums."
                )
            return _marked(chosen, tops)
        argnums = 0
    single = isinstance(argnums, (int, np.integer))
    found: list[int | None] = [None]
    if not isinstance(argnums, bool):
        with contextlib.suppress(TypeError, ValueError):
            found = [int(n) if int(n) == n else None for n in ((argnums,) if single else argnums)]
    numbers = tuple(n for n in found if n is not None)
    if len(numbers) < len(found):
        raise DLAError(f"argnums={argnums!r} must be an integer or a sequence of integers.")
    if not args:
        raise DLAError(
            "no trainable parameter: the QNode was called without positional arguments; pass the trainable ones by "
            "position (as jax.grad takes them), or as arrays with requires_grad=True."
        )
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise DLAError(
                f"argnums={argnums!r} is out of range: the call has {len(args)} positional argument"
                f"{'s' if len(args) > 1 else ''} ({', '.join(names[: len(args)])})."
            )
    numbers = tuple(n % len(args) for n in numbers)
    if not numbers or len(set(numbers)) < len(numbers):
        raise DLAError(f"argnums={argnums!r} must name at least one argument, and none twice.")
    chosen = [i for i, top in enumerate(tops) if top[0] == 0 and top[1] in numbers]
    return chosen, (numbers, (), single)


def _marked(chosen, tops):
    positional = tuple(sorted({top[1] for i in chosen if (top := tops[i])[0] == 0}))
    keywords = tuple(sorted({top[1] for i in chosen if (top := tops[i])[0] == 1}))
    return chosen, (positional, keywords, len(positional) == 1)


def _check_trainable(leaf: Leaf):
    if leaf.interface == "static":
        raise DLAError(
            f"the trainable argument {leaf.name!r} is {leaf.original!r}, not a real array; choose the "
            "trainable arguments by argnums."
        )
    if not leaf.floating:
        kind = "complex" if np.issubdtype(leaf.dtype, np.complexfloating) else "an integer"
        raise DLAError(
            f"the trainable argument {leaf.name!r} is {kind} ({leaf.dtype}); gradients need real floats: "
            "pass floats, or choose other arguments by argnums."
        )


def _check_finite(leaf: Leaf):
    if leaf.interface != "static" and leaf.value is not None and not np.all(np.isfinite(leaf.value)):
        raise DLAError(f"the argument {leaf.name!r} contains NaN or infinity.")


def _argument_names(function: Callable | None, args: tuple) -> list[str]:
    """Names of the positional arguments, from the signature."""
    names: list[str] = []
    if function is not None:
        try:
            for parameter in inspect.signature(function).parameters.values():
                if parameter.kind is parameter.VAR_POSITIONAL:
                    start = len(names)
                    names += [f"{parameter.name}[{i}]" for i in range(len(args) - start)]
                    break
                if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                    names.append(parameter.name)
        except (TypeError, ValueError):
            pass
    return names + [f"argument {i}" for i in range(len(names), len(args))]


def _leaf_name(path, names: list[str]) -> str:
    top = names[path[1].idx] if path[0].idx == 0 else str(path[1].key)
    return top + FLAT_INDEX.sub("", jax.tree_util.keystr(path[2:]))
