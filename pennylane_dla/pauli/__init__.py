"""Pauli strings and their real sums as bit-packed arrays.

Read ``strings`` first. A string is a vector ``v = (x|z)`` of bits, 32 qubits to a word, and stands for the Hermitian
operator ``i^{x·z} X^x Z^z``; a product of strings is a sum of vectors, and its power of ``i`` is kept apart. Two
strings anticommute exactly if ``ω(u, v) = x_u·z_v + z_u·x_v`` is odd. Many strings are two arrays, in NumPy and JAX
alike.

``sums`` has what is made of strings: real sums, for observables and generators, and projectors on many wires, whose
terms are not written out. ``table`` looks strings up, ``growing`` numbers them as they are met. Linear algebra on such
vectors is in :mod:`~pennylane_dla.algebra.f2`.
"""

from .strings import PauliStrings
from .sums import PauliSum, ProjectorProduct
from .table import StringTable

__all__ = ["PauliStrings", "PauliSum", "ProjectorProduct", "StringTable"]
