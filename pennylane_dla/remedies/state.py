"""Another product state to start from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pennylane_dla.circuit.ansatz import ProductState

from .variant import Variant

STATES = {"|0…0⟩": (0.0, 0.0, 1.0), "|+…+⟩": (1.0, 0.0, 0.0), "|+i…+i⟩": (0.0, 1.0, 0.0)}


def start_states(base: Variant, judged) -> Iterator[Variant]:
    """All qubits in one eigenstate of Z, X or Y, whichever gives the largest gradient.

    Args:
        base: the circuit as it is
        judged: ``variant -> Figures | None``
    """
    state, known = base.ansatz.state, {}
    for name, vector in STATES.items():
        bloch = np.tile(vector, (base.ansatz.num_wires, 1))
        if isinstance(state, ProductState) and np.allclose(state.bloch, bloch):
            continue
        variant = base.changed("state", f"start in {name}", "", replace(base.ansatz, state=ProductState(bloch)))
        figures = judged(variant)
        if figures is not None:
            known[variant] = figures
    if known:
        yield max(known, key=lambda variant: known[variant].relative)
