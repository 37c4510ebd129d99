"""The exceptions of the package: one base class, so that a user can catch them all."""


class DLAError(ValueError):
    """A request that cannot be answered; the message names the operation or argument and what to do."""


class TrainabilityError(DLAError):
    """Raised by :func:`pennylane_dla.check` where the given shots do not resolve the gradient.

    Args:
        message: what was found
        diagnostics: the whole diagnosis
    """

    def __init__(self, message: str, diagnostics=None):
        super().__init__(message)
        self.diagnostics = diagnostics

    @property
    def verdict(self):
        """The verdict, with its numbers."""
        return None if self.diagnostics is None else self.diagnostics.verdict

    @property
    def shots_needed(self) -> float | None:
        """Shots per expectation value that would resolve the gradient, or a lower bound of them."""
        return None if self.diagnostics is None else self.diagnostics.verdict.shots_needed


class BarrenPlateauError(TrainabilityError):
    """Raised by :func:`pennylane_dla.check` where the gradient is exponentially small: no budget resolves it."""


class DLAWarning(UserWarning):
    """A diagnosis that failed while the circuit itself still runs."""
