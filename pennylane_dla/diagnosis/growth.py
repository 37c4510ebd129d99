"""How a variance grows with the size: exponential, polynomial or constant, by comparing fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi

import numpy as np
from jaxtyping import Float

MIN_POINTS = 4  # two parameters and a scatter cannot be compared on fewer
MIN_RANGE = 2.0  # largest over smallest size: on less, finite-size effects look like one law or the other
MIN_SCATTER = 1e-3  # of log Var: below this no model of two parameters is claimed to be wrong
MARGIN = 4.0  # difference of the information criteria that decides
SIGNIFICANT = 3.0  # standard errors by which a slope must differ from zero
MIN_DEGREE = 0.1  # a slower power law than this is called constant


@dataclass(frozen=True)
class Fit:
    """``log₂ Var = intercept − slope · g(n)`` with ``g(n) = n`` (exponential), ``log₂ n`` (polynomial) or 0 (constant).

    Args:
        model: ``"exponential"``, ``"polynomial"`` or ``"constant"``
        intercept: ``log₂ Var`` at ``g = 0``
        slope: the rate: ``Var ∝ 2^(−slope·n)``, or the degree: ``Var ∝ n^(−slope)``
        stderr: its standard error, the scatter around the fit included
        scatter: standard deviation of ``log₂ Var`` around the fit that the errors of the points do not explain
        criterion: Akaike's; smaller is better
    """

    model: str
    intercept: float
    slope: float
    stderr: float
    scatter: float
    criterion: float

    def __call__(self, sizes) -> Float[np.ndarray, " m"]:
        """``Var`` at these sizes."""
        return 2.0 ** (self.intercept - self.slope * _abscissa(self.model, np.asarray(sizes, float)))

    def __str__(self) -> str:
        if self.model == "constant":
            return f"Var ≈ {2.0**self.intercept:.2g}, whatever the size"
        shown = f"({self.slope:.3g} ± {self.stderr:.1g})"
        return f"Var ∝ 2^(−{shown} n)" if self.model == "exponential" else f"Var ∝ n^(−{shown})"


@dataclass(frozen=True)
class Growth:
    """The verdict on one quantity.

    Args:
        label: ``"exponential"``, ``"polynomial"``, ``"constant"`` or ``"undecided"``
        reason: what decided, in words
        fits: every model that was tried, the best first
    """

    label: str
    reason: str
    fits: tuple[Fit, ...] = ()

    @property
    def fit(self) -> Fit | None:
        """The fit of the verdict."""
        return next((fit for fit in self.fits if fit.model == self.label), None)

    @property
    def rate(self) -> float | None:
        """Bits per qubit where exponential, degree where polynomial, 0 where constant."""
        return None if self.fit is None else self.fit.slope

    @property
    def rate_stderr(self) -> float | None:
        """Standard error of ``rate``."""
        return None if self.fit is None else self.fit.stderr

    def __str__(self) -> str:
        return self.label if self.fit is None else f"{self.label}, {self.fit}"


def growth(sizes: Sequence[float], variances: Sequence[float], errors: Sequence[float], name: str = "qubits") -> Growth:
    """Compare an exponential, a power law and a constant.

    Each is fitted to ``log Var`` by maximum likelihood: the points have their own standard errors, and in addition a
    scatter common to all of them, because no family is exactly a power law or exponential at finite size. Where the
    variance falls significantly, exponential and power law have equally many parameters, and Akaike's criterion
    compares their likelihoods.

    Args:
        sizes: numbers of qubits, layers, …
        variances: positive ones; others are left out
        errors: their standard errors, 0 where exact
        name: of what ``sizes`` count

    Returns:
        Growth: ``"undecided"`` with three points or fewer, on a range of less than a factor two, and where exponential
            and power law are too close

    **Example**

    >>> growth([4, 6, 8, 10], [2.0**-4, 2.0**-6, 2.0**-8, 2.0**-10], [0, 0, 0, 0]).label
    'exponential'

    Source: Burnham and Anderson, Model Selection and Multimodel Inference (2002), section 2.4.
    """
    x, y = np.asarray(sizes, float), np.asarray(variances, float)
    e = np.asarray(errors, float)
    use = np.isfinite(y) & (y > 0) & (x > 0)
    points = len(np.unique(x[use]))
    if points < MIN_POINTS:
        found = f"{points} size{'s' if points != 1 else ''} with a variance above zero"
        return Growth(
            "undecided", f"{found}: at least {MIN_POINTS} are needed to tell exponential from polynomial growth"
        )
    x, y, e = x[use], np.log2(y[use]), e[use] / y[use] / log(2)
    fits = [_fit(model, x, y, e) for model in ("constant", "polynomial", "exponential")]
    constant, falling = fits[0], sorted(fits[1:], key=lambda fit: fit.criterion)
    best, second = falling
    degree = next(fit for fit in falling if fit.model == "polynomial").slope
    if best.slope <= SIGNIFICANT * best.stderr or degree < MIN_DEGREE:
        reason = (
            f"the slope against the number of {name} is {best.slope:.2g} ± {best.stderr:.1g}, the degree {degree:.2g}"
        )
        return Growth("constant", reason, (constant, *falling))
    if x.max() < MIN_RANGE * x.min():
        reason = (
            f"it falls, but {x.min():g} to {x.max():g} {name} is too narrow a range to tell {best.model} from "
            f"{second.model}: the largest size must be {MIN_RANGE:g} times the smallest"
        )
        return Growth("undecided", reason, (*falling, constant))
    gap = second.criterion - best.criterion
    if gap < MARGIN:
        reason = (
            f"it falls, but {best.model} and {second.model} fit alike over {x.min():g} to {x.max():g} {name} "
            f"(information criteria {gap:.1f} apart, {MARGIN:.0f} decide): give a wider range of sizes"
        )
        return Growth("undecided", reason, (*falling, constant))
    reason = f"{second.model} fits worse, by {gap:.1f} in Akaike's criterion"
    return Growth(best.model, reason, (*falling, constant))


def _abscissa(model: str, x: np.ndarray) -> np.ndarray:
    return {"exponential": x, "polynomial": np.log2(x), "constant": np.zeros_like(x)}[model]


def _fit(model: str, x, y, e) -> Fit:
    """Maximum likelihood over intercept, slope and scatter; the scatter by a search over a fine grid."""
    columns = [np.ones_like(x)] if model == "constant" else [np.ones_like(x), -_abscissa(model, x)]
    design = np.stack(columns, axis=1)
    spread = max(float(np.std(y)), MIN_SCATTER)
    found = []
    for scatter in np.geomspace(MIN_SCATTER, 2 * spread + 2 * MIN_SCATTER, 200):
        variance = e**2 + scatter**2
        weights = 1 / np.sqrt(variance)
        solution, *_ = np.linalg.lstsq(design * weights[:, None], y * weights, rcond=None)
        residuals = y - design @ solution
        likelihood = -0.5 * float(np.sum(residuals**2 / variance + np.log(2 * pi * variance)))
        found.append((likelihood, solution, scatter, variance))
    likelihood, solution, scatter, variance = max(found, key=lambda one: one[0])
    count, parameters = len(x), design.shape[1] + 1
    # the likelihood estimate of a scatter is too small by the degrees of freedom that the fit used
    freedom = max(count - design.shape[1], 1)
    covariance = np.linalg.inv((design / variance[:, None]).T @ design) * count / freedom
    slope, stderr = (0.0, 0.0) if model == "constant" else (float(solution[1]), float(np.sqrt(covariance[1, 1])))
    return Fit(model, float(solution[0]), slope, stderr, float(scatter), 2 * parameters - 2 * likelihood)
