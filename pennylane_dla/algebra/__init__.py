"""Dynamical Lie algebras: enumerated, classified, and the modules of observables."""
