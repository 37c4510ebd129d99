"""A case from a seed."""

from __future__ import annotations

import numpy as np

from .case import Argument, Case
from .catalogue import FIXED, OTHER_CHANNELS, PAULI_CHANNELS, PREPARATIONS, ROTATIONS, Pen, measurement, template

INTERFACES = ("numpy", "autograd", "jax", "torch")
LABELS = (
    lambda n, rng: tuple(range(n)),
    lambda n, rng: tuple(int(i) for i in rng.permutation(n)),
    lambda n, rng: tuple("abcd"[:n]),
    lambda n, rng: tuple([0, "b", 7, "long label"][:n]),
)
FACTORS = ("2 * {}", "-{}", "0.5 * {}", "-0.5 * {} + 0.3", "{} + 0.7", "3 * {} - 1", "{} - np.pi / 2", "1.5 * {}")


class _Elements:
    """Hands out elements of the arguments, new ones or used ones."""

    def __init__(self, rng: np.random.Generator, most: int):
        self.rng, self.most = rng, most
        self.sizes = {"w": 0}
        self.two = rng.random() < 0.25
        self.scalar = not self.two and rng.random() < 0.1
        self.repeat = rng.choice([0.0, 0.0, 0.15, 0.5])
        self.data = rng.random() < 0.25
        self.data_size = 0
        self.fancy = rng.choice([0.0, 0.15, 0.5])

    @property
    def used(self) -> int:
        return sum(self.sizes.values())

    def element(self) -> str:
        names = ["w", "v"] if self.two else ["w"]
        name = names[int(self.rng.integers(len(names)))]
        size = self.sizes.get(name, 0)
        if size and (self.used >= self.most or self.rng.random() < self.repeat):
            return f"{name}[{int(self.rng.integers(size))}]"
        self.sizes[name] = size + 1
        return f"{name}[{size}]"

    def datum(self) -> str:
        if self.data_size and self.rng.random() < 0.5:
            return f"x[{int(self.rng.integers(self.data_size))}]"
        self.data_size += 1
        return f"x[{self.data_size - 1}]"

    def angle(self) -> str:
        if self.used >= self.most and self.rng.random() > self.repeat + 0.2:
            return self.datum() if self.data else f"{self.rng.uniform(0.2, 2.9):.3f}"
        if self.data and self.rng.random() < 0.2:
            return self.datum()
        text = self.element()
        if self.rng.random() < self.fancy:
            kind = self.rng.random()
            if kind < 0.7:
                return FACTORS[int(self.rng.integers(len(FACTORS)))].format(text)
            if kind < 0.85 or not self.data:
                return f"{text} + {self.element()}"
            return f"{self.datum()} * {text}" if kind < 0.93 else f"{text} + {self.datum()}"
        return text

    def part(self, shape: tuple[int, ...]) -> str:
        size = int(np.prod(shape))
        start = self.sizes["w"]
        self.sizes["w"] = start + size
        return f"w[{start}:{start + size}].reshape({shape!r})"


def draw(seed: int) -> Case:
    """The case of a seed; the same everywhere."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([1, 2, 3, 4], p=[0.08, 0.35, 0.42, 0.15]))
    labels = LABELS[int(rng.choice(4, p=[0.6, 0.2, 0.1, 0.1]))](n, rng)
    noise = rng.choice(["none", "pauli", "any"], p=[0.76, 0.12, 0.12])
    if noise != "none" and n == 4:
        noise = "none"
    most = int(rng.integers(1, 8 if noise == "none" else 6))
    elements = _Elements(rng, most)
    pen = Pen(rng, labels, elements.angle)
    measures = tuple(measurement(pen, n) for _ in range(1 if rng.random() < 0.85 else 2))
    if any(m.startswith("qp.var") for m in measures):
        elements.most = min(most, 4)
    lines = []
    if rng.random() < 0.3:
        lines.append(pen.pick(PREPARATIONS)(pen))
    if rng.random() < 0.25:
        lines.append(
            template(pen, n if n < 2 or rng.random() < 0.7 else 2, elements.part)
            if n > 1
            else f"qp.RY({elements.angle()}, wires={labels[0]!r})"
        )
    family = rng.choice(["strings", "sums", "known"], p=[0.45, 0.4, 0.15])
    for _ in range(int(rng.integers(1, 12))):
        lines.append(_line(pen, n, family))
        if noise != "none" and rng.random() < 0.25:
            pool = PAULI_CHANNELS if noise == "pauli" or rng.random() < 0.4 else OTHER_CHANNELS
            lines.append(pen.pick(pool)(pen))
    if not elements.used:
        lines.append(f"qp.RY({elements.element()}, wires={pen.wire()})")
    return _finish(seed, rng, lines, measures, elements, labels)


def _line(pen: Pen, n: int, family: str) -> str:
    """One operation."""
    size = 1 + int(pen.rng.integers(n))
    if pen.rng.random() < 0.55:
        if family == "strings":
            size = min(size, 3)
            pool = {1: ROTATIONS[1][:5], 2: [ROTATIONS[2][i] for i in (7, 8, 9, 16)], 3: ROTATIONS[3][:2]}[size]
            return pen.pick(pool)(pen)
        return pen.pick(ROTATIONS[size])(pen)
    pool = FIXED[size]
    if family != "known" and size <= 2 and pen.rng.random() < 0.8:  # Cliffords
        pool = {1: pool[:2], 2: pool[:3]}[size]
    return pen.pick(pool)(pen)


def _law(rng: np.random.Generator) -> tuple:
    kind = rng.random()
    if kind < 0.25:
        return ("uniform",)
    if kind < 0.55:
        low = round(float(rng.uniform(-3, 2)), 2)
        return ("window", low, round(low + float(rng.uniform(0.1, 5)), 2))
    return (
        "normal",
        round(float(rng.choice([0.01, 0.1, 0.3, 1.0])), 3),
        round(float(rng.choice([0, 0, 0.4, 1.3, -2])), 2),
    )


def _finish(seed, rng, lines, measures, elements, labels) -> Case:
    same = rng.random() < 0.5
    default = rng.random() < 0.5
    law = ("uniform",) if default else _law(rng)
    arguments = []
    for name in ("w", "v"):
        size = elements.sizes.get(name, 0)
        if size:
            mine = law if same or default else _law(rng)
            arguments.append(Argument(name, (size,), True, int(rng.integers(1000)), mine))
    if elements.data_size:
        shape = (elements.data_size,)
        if rng.random() < 0.15:
            shape = (elements.data_size, int(rng.integers(2, 4)))  # each x[i] is a batch
        data = Argument("x", shape, False, int(rng.integers(1000)))
        arguments.insert(int(rng.integers(len(arguments) + 1)), data)
    if len(arguments) == 1 and arguments[0].size == 1 and rng.random() < 0.5 and not any("reshape" in t for t in lines):
        name = arguments[0].name
        lines = [line.replace(f"{name}[0]", name) for line in lines]
        arguments = [Argument(name, (), True, arguments[0].seed, arguments[0].law)]
    options: dict = {"max_seconds": 6.0, "samples": 4000, "seed": int(rng.integers(1000)), "progress": False}
    if rng.random() < 0.2:
        options["method"] = str(rng.choice(["paths", "simulated", "simulated", "module", "exact"]))
    interface = str(rng.choice(INTERFACES, p=[0.4, 0.3, 0.15, 0.15]))
    return Case(seed, tuple(arguments), tuple(lines), measures, interface, options, labels, rng.random() < 0.5)
