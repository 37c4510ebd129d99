"""The door: the transform :func:`diagnose`, the informative function :func:`inspect` and the guard :func:`check`."""

from __future__ import annotations

import copy
import functools
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pennylane as qp
from pennylane.tape import QuantumScript

from .circuit.call_key import call_key
from .diagnosis.inspection import Options, inspect_circuit
from .diagnostics import Diagnostics
from .errors import BarrenPlateauError, DLAError, DLAWarning, TrainabilityError


def inspect(circuit, **options: Any) -> Callable[..., Diagnostics]:
    """Diagnose a circuit without executing it; used like ``qp.specs`` and ``qp.draw``.

    Before a single training step the diagnosis holds the dynamical Lie algebra of the circuit, the variance of its
    loss and of every gradient component over random initializations, the limit of deep circuits, and a verdict.

    Args:
        circuit: a QNode, diagnosed or not, or a tape

    Keyword Args:
        **options: any of those below
        argnums (int | Sequence[int]): trainable positional arguments for JAX, NumPy and Python numbers; default 0, as
            in ``jax.grad``. For autograd and torch ``requires_grad`` decides
        level (str | int): after which transforms the circuit is read, as in ``qp.draw``; ``"device"`` includes device
            noise
        angles: distribution of the angles, in radians: ``dla.Uniform()`` (default), ``dla.Uniform(low, high)``,
            ``dla.Normal(std, mean)``, a characteristic function, or a dictionary from argument names to these
        shots (int): shots per expectation value that the verdict assumes; default those of the QNode, else 1000
        method (str): one engine instead of the best: ``"exact"``, ``"module"``, ``"paths"``, ``"sector"``,
            ``"simulated"``
        max_dim (int): elements that an enumeration may reach
        max_memory (int): bytes that one engine may hold
        samples (int): Monte Carlo samples at most
        rtol (float): relative standard error at which sampling stops
        seed (int): of all sampling
        progress (bool): whether long work shows a progress bar
        max_seconds (float): for the whole diagnosis, wall clock, 10 by default. What is not found by then is "not
            available", with the reason; what was sampled by then has a larger error. Reading the circuit is not cut
            short

    Returns:
        Callable: takes the arguments of the QNode and returns :class:`~pennylane_dla.Diagnostics`

    Raises:
        DLAError: where the circuit cannot be read; the message names the operation or argument and what to do

    **Example**

    >>> import numpy as np
    >>> @qp.qnode(qp.device("default.qubit"))
    ... def circuit(weights):
    ...     qp.BasicEntanglerLayers(weights, wires=range(4))
    ...     return qp.expval(qp.Z(0))
    >>> diag = inspect(circuit)(np.zeros((3, 4)))
    >>> diag.gradient.variance.shape
    (3, 4)

    Source: Ragone et al., arXiv:2309.09342; Fontana et al., arXiv:2309.07902.
    """
    chosen = Options.from_keywords(**options)
    if not isinstance(circuit, (qp.QNode, QuantumScript)):
        raise DLAError(f"inspect takes a QNode or a tape, not {circuit!r}.")

    @functools.wraps(circuit if isinstance(circuit, qp.QNode) else inspect)
    def wrapper(*args, **kwargs) -> Diagnostics:
        return Diagnostics.of(inspect_circuit(circuit, args, kwargs, chosen))

    return wrapper


def check(circuit, on_fail: str = "raise", **options: Any) -> Callable[..., Diagnostics]:
    """Raise if the gradient cannot be resolved with the given shots.

    Where no shots are given and the QNode has none, it runs on a simulator without shot noise: then only a gradient
    that is exponentially small, zero or not known to be larger is refused, not one that needs some more shots than the
    1000 that are assumed.

    Args:
        circuit: a QNode or a tape
        on_fail: ``"raise"`` or ``"warn"``

    Keyword Args:
        **options: those of :func:`inspect`; ``shots`` is what a training step would spend on one expectation value

    Returns:
        Callable: takes the arguments of the QNode and returns the diagnosis where the check passes

    Raises:
        BarrenPlateauError: where the gradient is exponentially small and ``on_fail="raise"``
        TrainabilityError: its parent, where the gradient needs more shots than were given, is zero, or is only known to
            be smaller than some bound. Both carry ``diagnostics``, ``verdict`` and ``shots_needed``
        DLAError: where the circuit cannot be read, or ``on_fail`` is neither word

    A gradient about which nothing can be computed gives a :class:`~pennylane_dla.DLAWarning`.

    **Example**

    >>> import numpy as np
    >>> @qp.qnode(qp.device("default.qubit"))
    ... def circuit(weights):
    ...     qp.BasicEntanglerLayers(weights, wires=range(4))
    ...     return qp.expval(qp.Z(0))
    >>> check(circuit, shots=1000)(np.zeros((3, 4))).verdict.label
    'resolved'
    """
    if not isinstance(on_fail, str) or on_fail not in ("raise", "warn"):
        raise DLAError(f'on_fail={on_fail!r}: use "raise" or "warn".')
    look = inspect(circuit, **options)

    @functools.wraps(look)
    def wrapper(*args, **kwargs) -> Diagnostics:
        diagnostics = look(*args, **kwargs)
        verdict = diagnostics.verdict
        if verdict.resolved or (verdict == "needs more shots" and diagnostics.analytic and not verdict.is_bound):
            return diagnostics
        if verdict == "unknown" and verdict.shots_needed is None:
            warnings.warn(f"{diagnostics.name} could not be checked: {verdict.criterion}", DLAWarning, stacklevel=2)
            return diagnostics
        message = f"{diagnostics.name}: {verdict.headline}; {verdict.criterion}. {verdict.outlook}".rstrip()
        if on_fail == "raise":
            kind = BarrenPlateauError if verdict == "exponentially small" else TrainabilityError
            raise kind(message, diagnostics)
        warnings.warn(message, DLAWarning, stacklevel=2)
        return diagnostics

    return wrapper


def _one(results):
    """Post-processing of a transform that leaves the tape as it is."""
    return results[0]


@qp.transform
def _diagnosed_here(tape):
    """Marks in a pipeline where the circuit was diagnosed; does nothing."""
    return (tape,), _one


@qp.transform
def diagnose(tape, **options: Any):
    """Attach a diagnosis to a circuit: decorate a QNode, and ``circuit.dla`` is there before the first execution.

    The decorated QNode returns what the bare one does, with the same gradients, under every interface. Calls with
    arguments of the same structure compute nothing again. The circuit is read as it stands in the pipeline at this
    place.

    Args:
        tape (QNode or QuantumScript or CompilePipeline): the circuit

    Keyword Args:
        **options: those of :func:`inspect`, except ``level``

    Returns:
        qnode (QNode) or tuple[list[QuantumScript], Callable]: the QNode with the attribute ``dla``
        (:class:`~pennylane_dla.Diagnostics`); a bare tape comes back unchanged, with the same attribute. A diagnosis
        that fails warns, the circuit still runs, and ``circuit.dla`` raises the stored error

    **Example**

    >>> import numpy as np
    >>> @diagnose(shots=1000)
    ... @qp.qnode(qp.device("default.qubit"))
    ... def circuit(weights):
    ...     qp.BasicEntanglerLayers(weights, wires=range(4))
    ...     return qp.expval(qp.Z(0))
    >>> result = circuit(np.zeros((3, 4)))
    >>> circuit.dla.verdict.label
    'resolved'
    """
    marked = copy.copy(tape)
    marked.dla = Diagnostics.of(inspect_circuit(tape, (), {}, Options.from_keywords(**options)))
    return (marked,), _one


@diagnose.custom_qnode_transform
def _diagnose_qnode(_transform, qnode, targs, tkwargs):
    if targs:
        raise DLAError(f"diagnose takes keyword options only, not {targs!r}.")
    if "level" in tkwargs:
        raise DLAError("diagnose reads the circuit at its own place in the pipeline; level is for inspect and check.")
    options = Options.from_keywords(**tkwargs)
    place = len(qnode.compile_pipeline)
    return DiagnosedQNode.wrap(_diagnosed_here(qnode), replace(options, level=place))


class DiagnosedQNode(qp.QNode):
    """A QNode that carries its diagnosis; made by :func:`diagnose`, never directly.

    It survives ``copy``, ``update``, ``qp.set_shots`` and further transforms; each copy has results of its own.
    """

    _dla_options: Options

    @classmethod
    def wrap(cls, qnode: qp.QNode, options: Options) -> DiagnosedQNode:
        """Turn a plain QNode, of which no other reference is kept, into a diagnosed one."""
        qnode.__class__ = cls
        qnode._dla_options = options
        qnode._dla_results = {}
        qnode._dla_latest = None
        return qnode

    def __copy__(self) -> DiagnosedQNode:
        return self.wrap(super().__copy__(), self._dla_options)

    def update(self, **kwargs) -> DiagnosedQNode:
        """As :meth:`pennylane.QNode.update`."""
        return self.wrap(super().update(**kwargs), self._dla_options)

    def __call__(self, *args, **kwargs):
        self._diagnose(args, kwargs)
        if qp.capture.enabled():  # capture cannot trace through a plain tape transform
            return self._bare()(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    @property
    def dla(self) -> Diagnostics:
        """The diagnosis of the latest call.

        Raises:
            DLAError: before the first call, or the error with which the diagnosis failed
        """
        if self._dla_latest is None:
            raise DLAError("The circuit was not called yet: call it, or dla.inspect(circuit)(*args).")
        if isinstance(self._dla_latest, Exception):
            raise self._dla_latest
        return self._dla_latest

    def _diagnose(self, args, kwargs) -> None:
        """Fill ``dla``, unless a call with arguments of the same structure did."""
        key, values_known = call_key(args, kwargs)
        found, complete = self._dla_results.get(key, (None, False))
        if found is not None and (complete or not values_known):
            self._dla_latest = found
            return
        try:
            found = Diagnostics.of(inspect_circuit(self, args, kwargs, self._dla_options))
        except Exception as error:  # whatever happens in here must not stop the user's circuit
            found = error if isinstance(error, DLAError) else DLAError(f"{type(error).__name__}: {error}")
            found.__cause__ = error if found is not error else None
            warnings.warn(f"The circuit runs, but it was not diagnosed: {found}", DLAWarning, stacklevel=3)
        complete = values_known or (isinstance(found, Diagnostics) and found.data_known)
        self._dla_results[key] = found, complete
        self._dla_latest = found

    def _bare(self) -> qp.QNode:
        """The same QNode without diagnosis and without the mark in its pipeline."""
        bare = qp.QNode.__copy__(self)
        mark = _diagnosed_here.tape_transform
        bare._compile_pipeline = qp.CompilePipeline([t for t in self.compile_pipeline if t.tape_transform is not mark])
        return bare
