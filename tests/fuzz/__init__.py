"""Random QNodes against references that share nothing with the package: ``python -m tests.fuzz --count 10000``.

A case is the source text of a QNode (:mod:`.case`), drawn from a seed by :mod:`.draw`. Its reference is an exact
integral over a grid of angles, or a simulated mean where the grid is too large (:mod:`.reference`); larger circuits are
compared with themselves after a change that must not matter (:mod:`.relations`).
"""
