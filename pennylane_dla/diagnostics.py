"""What a user holds: the records of a diagnosis with their presentation."""

from __future__ import annotations

from pennylane_dla.diagnosis.records import Diagnosis
from pennylane_dla.remedies import find_remedies
from pennylane_dla.report.html import render_html
from pennylane_dla.report.plot import overview
from pennylane_dla.report.text import render


class Diagnostics(Diagnosis):
    __doc__ = Diagnosis.__doc__

    def __str__(self) -> str:
        return render(self)

    def remedies(self, measurement: int | None = None, max_seconds: float = 120.0, progress: bool = True):
        """What would help: variants of the circuit, each diagnosed, those with the largest gradient first.

        Tried are small initial angles (the best width of a normal law), fewer layers, a local observable in place of a
        global one, leaving out generators that blow up the algebra, and other start states.

        Args:
            measurement: index of the measurement; by default the one that needs most shots
            max_seconds: after which no further candidate is started
            progress: whether a progress bar shows

        Returns:
            Remedies: a sequence of :class:`~pennylane_dla.remedies.Remedy`; prints as a table

        Raises:
            DLAError: where the gradient variance of the circuit itself is not known

        **Example**

        >>> import numpy as np, pennylane as qp, pennylane_dla as dla
        >>> @qp.qnode(qp.device("default.qubit"))
        ... def circuit(weights):
        ...     qp.BasicEntanglerLayers(weights, wires=range(5), rotation=qp.RY)
        ...     return qp.expval(qp.Projector([0] * 5, wires=range(5)))
        >>> remedies = dla.inspect(circuit)(np.zeros((2, 5))).remedies()
        >>> all(remedy.factor > 1 for remedy in remedies)
        True
        """
        return find_remedies(self, measurement, max_seconds, progress)

    def plot(self, measurement: int = 0):
        """One figure: the circuit with its gradient variances, the noise of the shots, the parts of the algebra.

        Args:
            measurement: index of the measurement that is shown

        Returns:
            matplotlib.figure.Figure: the figure; each panel alone: ``dla.plot.circuit``, ``dla.plot.gradients``,
            ``dla.plot.parts``, ``dla.plot.algebra``

        Raises:
            DLAError: without matplotlib (``pip install "pennylane-dla[plot]"``)
        """
        return overview(self, measurement)

    def _repr_html_(self) -> str:
        return render_html(self)
