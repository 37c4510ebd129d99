"""Pictures of a diagnosis: ``diag.plot()`` shows all panels, each of these functions one of them.

Matplotlib is imported when something is drawn, not before: everything else works without it.
"""

from .drawing import circuit
from .gradient_panel import gradients
from .graph import algebra
from .overview import overview
from .parts import parts

__all__ = ["algebra", "circuit", "gradients", "overview", "parts"]
