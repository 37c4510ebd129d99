"""The type checker for ``PYTHONPATH=tests pytest --jaxtyping-packages=pennylane_dla,typechecked.check``.

Beartype, with Python's usual tower of numbers: an ``int`` is a ``float`` is a ``complex``.
"""

from __future__ import annotations

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
