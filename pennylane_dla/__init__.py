"""Can this circuit be trained? Dynamical Lie algebras and gradient variances of PennyLane QNodes, before training."""

from .algebra.classification import classify
from .algebra.lie_algebra import LieAlgebra
from .algebra.lie_closure import lie_closure
from .compare import compare
from .diagnose import check, diagnose, inspect
from .diagnostics import Diagnostics
from .errors import BarrenPlateauError, DLAError, DLAWarning, TrainabilityError
from .report import plot
from .scaling import scaling
from .variance.estimate import VarianceEstimate
from .variance.law import Normal, Uniform

__version__ = "0.1.0.dev0"

__all__ = [
    "BarrenPlateauError",
    "DLAError",
    "DLAWarning",
    "Diagnostics",
    "LieAlgebra",
    "Normal",
    "TrainabilityError",
    "Uniform",
    "VarianceEstimate",
    "check",
    "classify",
    "compare",
    "diagnose",
    "inspect",
    "lie_closure",
    "plot",
    "scaling",
]
