r"""Linear algebra over F₂: a Pauli string is a vector ``v = (x|z)``, a product of strings a sum of vectors.

Two strings anticommute exactly if the symplectic form ``ω(u, v) = x_u·z_v + z_u·x_v`` is 1. A subspace ``U`` has a
normal form: ``g`` hyperbolic pairs and a radical ``R = U ∩ U^⊥`` of dimension ``r``, ``dim U = 2g + r``
(``symplectic``). On it lives the quadratic form that is 1 on every generator, with ``ω`` as its polarization; its
Arf invariant tells the two kinds of such forms apart, and with them the families of algebras.

This door gives the functions on packed rows (``linear``), 64 columns to a word. ``integers`` does the same for a
few thousand local strings on Python integers, which is faster there; ``weight_enumerator`` counts the words of one
weight in a code, hard in general and exact where the code splits.
"""

from .linear import (
    BLOCK,
    CHUNK,
    WORD,
    Echelon,
    echelon,
    identity,
    inner_products,
    left_kernel,
    multiply,
    num_words,
    pack,
    parity,
    rank,
    transpose,
    unpack,
)

__all__ = [
    "BLOCK",
    "CHUNK",
    "Echelon",
    "WORD",
    "echelon",
    "identity",
    "inner_products",
    "left_kernel",
    "multiply",
    "num_words",
    "pack",
    "parity",
    "rank",
    "transpose",
    "unpack",
]
