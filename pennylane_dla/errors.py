"""The exceptions of the package: one base class, so that a user can catch them all."""


class DLAError(ValueError):
    """A request that cannot be answered; the message names the operation or argument and what to do."""


class BarrenPlateauError(DLAError):
    """Raised by :func:`pennylane_dla.check` when training could not see its gradient."""


class DLAWarning(UserWarning):
    """A diagnosis that failed while the circuit itself still runs."""
