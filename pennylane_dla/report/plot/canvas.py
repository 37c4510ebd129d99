"""What all panels share: matplotlib or a clear error, colours that everybody can tell apart, log scales, numbers."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from jaxtyping import Bool, Float

from pennylane_dla.checked import index_of
from pennylane_dla.diagnosis.records import Diagnosis, MeasurementDiagnostics
from pennylane_dla.errors import DLAError
from pennylane_dla.variance.estimate import VarianceEstimate, as_float

# Okabe and Ito's colours, told apart with every kind of colour vision, on white and on black; markers and line styles
# differ as well. The sequential map is viridis: even in lightness, safe for colour-vision deficiency, and without the
# greys that mark dead gates here.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"
CYCLE = (SKY, ORANGE, GREEN, PURPLE, VERMILION, BLUE)
MARKERS = "osD^vPX*<>hpd8"
SEQUENTIAL = "viridis"
DEAD_GREY, UNSEEN_GREY = "#7f7f7f", "#bdbdbd"


def pyplot() -> ModuleType:
    """``matplotlib.pyplot``.

    Raises:
        DLAError: without matplotlib
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise DLAError('Plots need matplotlib: pip install "pennylane-dla[plot]".') from error
    return plt


def new_axes(ax, figsize: tuple[float, float]):
    """The given axes, or those of a new figure."""
    plt = pyplot()
    if ax is None:
        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax


def measurement_of(diagnostics: Diagnosis, index: int) -> MeasurementDiagnostics:
    """One measurement.

    Raises:
        DLAError: an index out of range
    """
    return diagnostics.measurements[index_of("measurement", index, len(diagnostics.measurements), diagnostics.name)]


@dataclass(frozen=True, eq=False)
class ElementValues:
    """Gradient variances, one for each element of the trainable arguments.

    Args:
        value: the variance, averaged over a broadcast batch; ``nan`` where there is none
        low: lower end of the error bar
        high: upper end
        dead: an exact zero
        unseen: zero in sampling, so not known to be one
    """

    value: Float[np.ndarray, " m"]
    low: Float[np.ndarray, " m"]
    high: Float[np.ndarray, " m"]
    dead: Bool[np.ndarray, " m"]
    unseen: Bool[np.ndarray, " m"]

    @property
    def live(self) -> Bool[np.ndarray, " m"]:
        return self.value > 0

    @classmethod
    def of(cls, estimate: VarianceEstimate, size: int) -> ElementValues:
        """From an estimate with one entry an element."""
        if not estimate.available:
            missing, none = np.full(size, np.nan), np.zeros(size, bool)
            return cls(missing, missing, missing, none, none)
        value = flat(estimate.value, size)
        if estimate.interval is not None:
            low, high = (flat(end, size) for end in estimate.interval)
        else:
            error = flat(np.broadcast_to(estimate.stderr, np.shape(estimate.value)), size)
            low, high = value - error, value + error
        zero = value == 0
        return cls(value, np.clip(low, 0, None), high, zero & estimate.exact, zero & (not estimate.exact))


def flat(values, size: int) -> Float[np.ndarray, " m"]:
    """One float for each element, averaged over a broadcast batch."""
    array = np.asarray(values)
    if array.dtype == object:
        array = np.vectorize(as_float, otypes=[float])(array)
    return np.broadcast_to(np.asarray(array, float), (size, *array.shape[1:])).reshape(size, -1).mean(axis=1)


def scalar(estimate: VarianceEstimate) -> float:
    """One number, averaged over a broadcast batch; ``nan`` where there is none."""
    return float(np.mean(as_float(estimate.value))) if estimate.available else float("nan")


def log_norm(values: Float[np.ndarray, " m"]):
    """A logarithmic colour scale over the positive values, never less than a factor of ten wide."""
    from matplotlib.colors import LogNorm

    live = values[np.isfinite(values) & (values > 0)]
    if not len(live):
        return LogNorm(0.1, 1)
    low, high = live.min(), live.max()
    if high < 10 * low:
        middle = np.sqrt(low * high)
        low, high = middle / np.sqrt(10), middle * np.sqrt(10)
    return LogNorm(low, high)


def ink() -> tuple[str, str]:
    """Colours of lines and of the ground, in the style that is active."""
    plt = pyplot()
    return plt.rcParams["text.color"], plt.rcParams["axes.facecolor"]


def contrasting(colour) -> str:
    """Black or white, whichever reads better on ``colour``."""
    from matplotlib.colors import to_rgb

    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "white"
