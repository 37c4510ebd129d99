"""A fuzzed case: a QNode as source text, its arguments, the law of its angles and the options of the inspection."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
import pennylane as qp


@dataclass(frozen=True)
class Argument:
    """One positional argument of the QNode.

    Args:
        name: in the signature
        shape: ``()`` for a scalar
        trainable: whether it is differentiated
        seed: of its value
        law: of its elements, ``("uniform",)``, ``("window", low, high)`` or ``("normal", std, mean)``
    """

    name: str
    shape: tuple[int, ...]
    trainable: bool
    seed: int = 0
    law: tuple = ("uniform",)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))

    def value(self) -> np.ndarray:
        """Its value, rounded so that it can be read."""
        return np.round(np.random.default_rng(self.seed).uniform(0.2, 2.9, self.shape), 3)


@dataclass(frozen=True)
class Case:
    """A QNode as text, and how it is inspected.

    Args:
        seed: what it was drawn from
        arguments: in the order of the signature
        lines: of the body, one operation each
        measurements: expressions that the QNode returns
        interface: ``"numpy"``, ``"autograd"``, ``"jax"`` or ``"torch"``
        options: further keyword arguments of ``dla.inspect``
        wires: labels that may occur
        one_law: whether ``angles=`` is one law for all arguments instead of a dictionary
    """

    seed: int
    arguments: tuple[Argument, ...]
    lines: tuple[str, ...]
    measurements: tuple[str, ...]
    interface: str = "numpy"
    options: dict = field(default_factory=dict)
    wires: tuple = ()
    one_law: bool = False

    @property
    def source(self) -> str:
        """The function of the QNode."""
        body = "\n    ".join((*self.lines, f"return {', '.join(self.measurements)}"))
        return f"def circuit({', '.join(a.name for a in self.arguments)}):\n    {body}\n"

    @property
    def trainable(self) -> tuple[Argument, ...]:
        """Arguments that are differentiated."""
        return tuple(a for a in self.arguments if a.trainable)

    @property
    def num_elements(self) -> int:
        """Elements of the trainable arguments."""
        return sum(a.size for a in self.trainable)

    def laws(self) -> list[tuple]:
        """The law of every element."""
        return [a.law for a in self.trainable for _ in range(a.size)]

    def function(self):
        """The function, compiled from its text."""
        return compiled(self.source)

    def values(self, elements=None) -> list[np.ndarray | float]:
        """NumPy arguments; ``elements`` replace the trainable values."""
        values, start = [], 0
        for argument in self.arguments:
            value = argument.value()
            if argument.trainable and elements is not None:
                value = np.asarray(elements[start : start + argument.size]).reshape(argument.shape)
            start += argument.size * argument.trainable
            values.append(value if argument.shape else float(value))
        return values

    def script(self) -> str:
        """The whole reproduction, ready to run."""
        arguments = []
        for argument in self.arguments:
            text = str(argument.value().tolist())
            if self.interface == "numpy":
                arguments.append(f"np.array({text})" if argument.shape else text)
            elif self.interface == "autograd":
                arguments.append(f"pnp.array({text}, requires_grad={argument.trainable})")
            elif self.interface == "jax":
                arguments.append(f"jnp.array({text})")
            else:
                arguments.append(f"torch.tensor({text}, requires_grad={argument.trainable})")
        keywords = [f"{key}={value!r}" for key, value in self.options.items()]
        if (law := self.law_text()) is not None:
            keywords.append(f"angles={law}")
        if self.interface in ("numpy", "jax"):
            keywords.append(f"argnums={self.argnums()!r}")
        return (
            f"@qp.qnode(qp.device('default.mixed', wires={list(self.wires)!r}))\n{self.source}\n"
            f"diag = dla.inspect(circuit, {', '.join(keywords)})({', '.join(arguments)})"
        )

    def argnums(self) -> tuple[int, ...]:
        """Positions of the trainable arguments."""
        return tuple(i for i, a in enumerate(self.arguments) if a.trainable)

    def law_text(self) -> str | None:
        """The option ``angles`` as text; ``None`` for the default."""
        texts = {a.name: _law_text(a.law) for a in self.trainable}
        if set(texts.values()) == {"dla.Uniform()"}:
            return None
        if self.one_law and len(set(texts.values())) == 1:
            return next(iter(texts.values()))
        return "{" + ", ".join(f"{name!r}: {text}" for name, text in texts.items()) + "}"


def _law_text(law: tuple) -> str:
    kind, *numbers = law
    if kind == "uniform":
        return "dla.Uniform()"
    if kind == "window":
        return f"dla.Uniform({numbers[0]!r}, {numbers[1]!r})"
    return f"dla.Normal({numbers[0]!r}, mean={numbers[1]!r})"


@functools.lru_cache(maxsize=64)
def compiled(source: str):
    """A function from its text; what the text may use is :data:`NAMES`."""
    scope = dict(NAMES)
    exec(compile(source, "<fuzzed circuit>", "exec"), scope)  # noqa: S102 - the text is our own
    return scope["circuit"]


def unitary(seed: int, dim: int) -> np.ndarray:
    """A Haar random unitary."""
    rng = np.random.default_rng(seed)
    q, r = np.linalg.qr(rng.normal(size=(dim, dim)) + 1j * rng.normal(size=(dim, dim)))
    return q * (np.diag(r) / np.abs(np.diag(r)))


def vector(seed: int, dim: int, real: bool = False) -> np.ndarray:
    """A random state vector."""
    rng = np.random.default_rng(seed)
    v = rng.normal(size=dim) + (0 if real else 1j * rng.normal(size=dim))
    return v / np.linalg.norm(v)


def hermitian(seed: int, dim: int) -> np.ndarray:
    """A random Hermitian matrix of norm about 1."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(dim, dim)) + 1j * rng.normal(size=(dim, dim))
    return (a + a.conj().T) / (2 * np.sqrt(dim))


def kraus(seed: int, dim: int, count: int) -> list[np.ndarray]:
    """Kraus operators of a random channel."""
    u = unitary(seed, dim * count)[:, :dim]
    return [u[i * dim : (i + 1) * dim] for i in range(count)]


NAMES = {
    "qp": qp,
    "np": np,
    "unitary": unitary,
    "vector": vector,
    "hermitian": hermitian,
    "kraus": kraus,
}
