"""What an engine is, and the table of all of them in the order in which they are asked.

An engine answers one question: how much do the loss and its gradient vary for this circuit under this distribution of
its angles? :class:`Engine` says what it must have. Its room holds how it works; this file says for which circuits it is
there, so that the whole choice can be read in one place. Rooms are imported when they are asked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from pennylane_dla.errors import DLAError

from .estimate import Declined, Prediction
from .problem import Problem
from .shares import one_by_one, variance_of

FEW_QUBITS = 6  # state vectors take no time worth compiling for


class Engine(ABC):
    """One way to predict variances.

    A subclass has a ``name`` and at least ``applies`` and ``predict``.

    **Example**

    >>> class Flat(Engine):
    ...     name = "flat"
    ...     def applies(self, problem):
    ...         return None if not problem.effective.num_rotations else Declined("the circuit has rotations")
    ...     def predict(self, problem):
    ...         nothing = VarianceEstimate(0.0, method="flat")
    ...         gradient = VarianceEstimate(np.zeros(problem.ansatz.arguments.num_elements), method="flat")
    ...         return Prediction(nothing, gradient)
    >>> from pennylane_dla.variance.estimate import VarianceEstimate
    >>> Flat().name
    'flat'
    """

    name: str
    """What ``method`` may be to ask this engine alone."""

    @abstractmethod
    def applies(self, problem: Problem) -> Declined | None:
        """Whether this kind of circuit is the engine's, from a look at it: nothing that takes time.

        Where ``problem.method`` is the engine's name, the user asks for it, and only what it cannot do is declined;
        else it also declines what another engine does better.

        Args:
            problem: one observable of one circuit

        Returns:
            ``None``, or why not
        """

    def predict(self, problem: Problem) -> Prediction:
        """Variance of the loss and of every gradient component.

        Args:
            problem: one observable of one circuit

        Returns:
            the numbers, each with its error and method, or the reason why there are none: never less than is known

        Raises:
            OutOfTime: where the open allowance of time is used up (:func:`pennylane_dla.allowance.checkpoint`)
        """
        return self.predict_together([problem])[0]

    def predict_together(self, problems: Sequence[Problem]) -> Sequence[Prediction]:
        """The same for several observables of one circuit: an engine that can share work between them does so here.

        Args:
            problems: of one circuit, law and budget

        Returns:
            one prediction each, in order
        """
        return one_by_one(self.predict, problems, variance_of)


class ExactEngine(Engine):
    """Weights of all Pauli strings in reach; see :mod:`pennylane_dla.variance.exact`."""

    name = "exact"

    def applies(self, problem: Problem) -> Declined | None:
        return problem.obstacle or _sum(problem)

    def predict_together(self, problems: Sequence[Problem]) -> Sequence[Prediction]:
        from .exact.engine import predict_together

        return predict_together(problems)


class SmallSectorEngine(Engine):
    """The sector where it is found at once, before anything else; see :mod:`pennylane_dla.variance.sector.first`."""

    name = "sector"

    def applies(self, problem: Problem) -> Declined | None:
        if problem.kind == "var":
            return problem.obstacle
        return Declined("the generators are single strings") if problem.effective.single else None

    def predict_together(self, problems: Sequence[Problem]) -> Sequence[Prediction]:
        from .sector.first import predict_together

        return predict_together(problems)


class ModuleEngine(Engine):
    """Covariances on the module of the observable; see :mod:`pennylane_dla.variance.module`."""

    name = "module"

    def applies(self, problem: Problem) -> Declined | None:
        effective = problem.effective
        noisy = effective.correlated and effective.channels and problem.kind != "var"
        if noisy:  # noise between the gates of one argument keeps them from being one rotation, which this engine knows
            return None
        if problem.method != self.name and effective.single:
            return Declined("the generators are single strings")
        return problem.obstacle

    def predict_together(self, problems: Sequence[Problem]) -> Sequence[Prediction]:
        from .module.engine import predict_together

        return predict_together(problems)


class PathsEngine(Engine):
    """Sampled Pauli paths, at any number of qubits; see :mod:`pennylane_dla.variance.paths`."""

    name = "paths"

    def applies(self, problem: Problem) -> Declined | None:
        return problem.obstacle or _sum(problem)

    def predict_together(self, problems: Sequence[Problem]) -> Sequence[Prediction]:
        from .paths.engine import predict_together

        return predict_together(problems)


class SectorEngine(Engine):
    """The sector wherever it is smaller than the state vector; see :mod:`pennylane_dla.variance.sector`."""

    name = "sector"

    def applies(self, problem: Problem) -> Declined | None:
        if problem.method == self.name:
            return None
        effective = problem.effective
        if effective.num_wires <= FEW_QUBITS:
            return Declined("a state vector of so few qubits is as fast")
        if problem.obstacle is None and effective.single:
            return Declined("the generators are single strings")
        if effective.single and effective.channels:
            return Declined("noise channels leave no subspace of state vectors")
        return None

    def predict_together(self, problems: Sequence[Problem]) -> Sequence[Prediction]:
        from .sector.engine import predict_together

        if problems[0].method == self.name:
            return predict_together(problems)
        effective = problems[0].effective
        strings = len(effective.strings) / max(1, effective.num_rotations)
        # a rotation takes d² there, and 2ⁿ for each string on the state vector
        return predict_together(problems, int((2.0**effective.num_wires * strings) ** 0.5))


class SimulatedEngine(Engine):
    """Circuits at random angles, for what the others leave; see :mod:`pennylane_dla.variance.simulated`."""

    name = "simulated"

    def applies(self, problem: Problem) -> Declined | None:
        return None

    def predict_together(self, problems: Sequence[Problem]) -> Sequence[Prediction]:
        from .simulated.engine import predict_together

        return predict_together(problems)


def _sum(problem: Problem) -> Declined | None:
    """That some generator is no single string."""
    effective = problem.effective
    if effective.single:
        return None
    index = int(np.argmax(np.diff(effective.offsets) > 1))
    return Declined(f"the generator of {effective.names[index]} is a sum of strings")


_TABLE: list[Engine] = [
    ExactEngine(),
    SmallSectorEngine(),
    ModuleEngine(),
    PathsEngine(),
    SectorEngine(),
    SimulatedEngine(),
]


def engines() -> tuple[Engine, ...]:
    """All engines, in the order in which they are asked: exact before sampled, fast before slow."""
    return tuple(_TABLE)


def names() -> tuple[str, ...]:
    """What ``method`` may be."""
    return tuple(dict.fromkeys(engine.name for engine in reversed(_TABLE)))[::-1]


def named(name: object) -> Engine:
    """The engine that ``method`` asks for: the most general where several share the name.

    Raises:
        DLAError: for any other ``name``
    """
    for engine in reversed(_TABLE):
        if isinstance(name, str) and engine.name == name:
            return engine
    raise DLAError(f"method={name!r} is not an engine; there are {', '.join(names())}.")


def register(engine: Engine, before: str = "simulated") -> None:
    """Add an engine of your own; it is asked like the others from then on.

    Args:
        engine: an object with a ``name`` that is still free, ``applies`` and ``predict``
        before: the name of the engine that is asked after it

    Raises:
        DLAError: for anything else than an :class:`Engine`, a name that is taken, or an unknown ``before``
    """
    if not isinstance(engine, Engine) or not isinstance(getattr(engine, "name", None), str):
        raise DLAError(f"register takes an instance of Engine with a name, not {engine!r}.")
    if engine.name in names():
        raise DLAError(f"there is an engine named {engine.name!r} already; give yours another name.")
    _TABLE.insert(_TABLE.index(named(before)), engine)


def unregister(name: str) -> None:
    """Take an engine out again that :func:`register` added.

    Args:
        name: of the engine

    Raises:
        DLAError: where no such engine was added
    """
    found = [engine for engine in _TABLE if engine.name == name and not type(engine).__module__ == __name__]
    if not found:
        raise DLAError(f"no engine named {name!r} was added by register.")
    _TABLE.remove(found[0])
