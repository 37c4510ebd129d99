"""One leaf of the argument tree: its value under tracers and boxes, and stand-ins for it in each
interface."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
import pennylane as qp


@dataclass(frozen=True, eq=False)
class Leaf:
    """One leaf of the argument tree.

    Args:
        name: ``"weights"``, ``"params['a'][0]"``
        interface: ``"python"``, ``"numpy"``, ``"autograd"``, ``"torch"``, ``"jax"``, or ``"static"`` for
            anything else
        value: its concrete value as a NumPy array or Python number; ``None`` where it is not known (``jit``,
            ``vmap``)
        shape: of the array
        dtype: NumPy dtype
        original: what the user passed; ``None`` for the tracer of a number
        differentiated: the caller is differentiating it right now
        requires_grad: as autograd and torch mark it; ``None`` for other interfaces
    """

    name: str
    interface: str
    value: Any
    shape: tuple[int, ...]
    dtype: Any
    original: Any
    differentiated: bool = False
    requires_grad: bool | None = None

    @property
    def known(self) -> bool:
        return self.interface == "static" or self.value is not None

    @property
    def floating(self) -> bool:
        return self.interface != "static" and np.issubdtype(self.dtype, np.floating)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


def read_leaf(name: str, value: Any) -> Leaf:
    """What is known of one leaf, tracers peeled."""
    if isinstance(value, jax.core.Tracer):
        if jnp.issubdtype(value.dtype, jax.dtypes.extended):  # a random key
            return Leaf(name, "static", value, (), None, value)
        concrete, differentiated = _peel(value)
        # the tracer itself is not kept: a diagnosis outlives its trace
        return Leaf(name, "jax", concrete, tuple(value.shape), np.dtype(value.dtype), None, differentiated)
    if isinstance(value, jax.Array):
        if jnp.issubdtype(value.dtype, jax.dtypes.extended):
            return Leaf(name, "static", value, (), None, value)
        concrete = np.asarray(value)
        return Leaf(name, "jax", concrete, concrete.shape, concrete.dtype, value)
    if isinstance(value, (bool, np.bool_, str, bytes)) or value is None:
        return Leaf(name, "static", value, (), None, value)
    if isinstance(value, (int, float, complex)):
        return Leaf(name, "python", value, (), np.asarray(value).dtype, value)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        concrete = value.detach().cpu().numpy()
        return Leaf(name, "torch", concrete, concrete.shape, concrete.dtype, value, requires_grad=value.requires_grad)
    if type(value).__name__ == "ArrayBox" and hasattr(value, "_value"):  # inside qp.grad
        inner = value
        while hasattr(inner, "_value"):
            inner = inner._value
        concrete = np.array(inner)
        return Leaf(name, "autograd", concrete, concrete.shape, concrete.dtype, None, differentiated=True)
    if hasattr(value, "requires_grad") and isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufc":  # strings, objects: data, as in a plain array
            return Leaf(name, "static", value, (), None, value)
        concrete = np.array(value)
        return Leaf(
            name,
            "autograd",
            concrete,
            concrete.shape,
            concrete.dtype,
            value,
            requires_grad=bool(getattr(value, "requires_grad", False)),
        )
    if isinstance(value, (np.ndarray, np.generic)) and np.issubdtype(value.dtype, np.number):
        return Leaf(name, "numpy", np.asarray(value), np.shape(value), value.dtype, value)
    return Leaf(name, "static", value, (), None, value)


def _peel(tracer) -> tuple[np.ndarray | None, bool]:
    """The concrete value under a JAX tracer, where there is one, and whether it is being differentiated."""
    differentiated, batched = False, False
    while isinstance(tracer, jax.core.Tracer):
        kind = type(tracer).__name__
        if kind in ("JVPTracer", "LinearizeTracer"):
            differentiated, tracer = True, tracer.primal
        elif kind == "BatchTracer":
            batched, tracer = True, tracer.val
        else:  # under jit nothing is known
            return None, differentiated
    return (None if batched else np.asarray(tracer)), differentiated


def describe(leaf: Leaf) -> str:
    """A data argument in words."""
    if leaf.interface == "static":
        text = repr(leaf.original)
        return f"{leaf.name} = {text if len(text) <= 40 else text[:37] + '...'}"
    if not leaf.known:
        shape = f"array of shape {leaf.shape}" if leaf.shape else "a number"
        return f"{leaf.name}: {shape}, values not known (jit or vmap)"
    value = np.asarray(leaf.value)
    if value.ndim == 0:
        return f"{leaf.name} = {value.item():.6g}"
    if value.size <= 4:
        return f"{leaf.name} = {np.array2string(value, precision=4, separator=', ')}"
    return f"{leaf.name}: array of shape {leaf.shape}"


def as_data(value: np.ndarray, dtype) -> np.ndarray:
    """A stand-in for unknown data: bits for integers; state amplitudes (a length that is a power of two) are
    normalized."""
    if np.issubdtype(dtype, np.integer) or np.dtype(dtype).kind == "b":
        return (value > 0).astype(dtype)
    length = value.shape[-1] if value.ndim else 0
    if length >= 2 and length & (length - 1) == 0:
        value = value / np.linalg.norm(value, axis=-1, keepdims=True)
    return value.astype(complex) if np.issubdtype(dtype, np.complexfloating) else value


def as_interface(value, leaf: Leaf, keep_dtype: bool):
    """A stand-in in the type of the caller's array; floats in double precision unless ``keep_dtype``."""
    value = np.asarray(value)
    if keep_dtype:
        value = value.astype(leaf.dtype)
    elif value.dtype.kind == "f":
        value = value.astype(float)
    if leaf.interface == "jax":
        return jax.numpy.asarray(value)
    if leaf.interface == "autograd":
        return qp.numpy.array(value, requires_grad=leaf.requires_grad is not False)
    if leaf.interface == "torch":
        return sys.modules["torch"].tensor(value)
    return value
