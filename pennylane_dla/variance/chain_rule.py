"""From derivatives with respect to gate angles to derivatives with respect to argument elements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse
from jaxtyping import Float

from pennylane_dla.circuit.ansatz import Angle


def to_elements(
    angles: Sequence[Angle], second_moments: Float[np.ndarray, " rotations"], num_elements: int
) -> Float[np.ndarray, " num_elements"]:
    """``E[(∂l/∂θ_e)²] = a² E[(∂l/∂α_k)²]`` for the one rotation ``k`` with ``α_k = aθ_e + …``.

    Linear in the squares, so variances and their errors go the same way. Where an element drives several rotations
    their derivatives are correlated and no engine that calls this may be used.

    Args:
        angles: of the rotations
        second_moments: one each, in the same order
        num_elements: elements of the trainable arguments

    Returns:
        one entry an element, 0 where it drives nothing
    """
    result = np.zeros(num_elements)
    for angle, value in zip(angles, second_moments, strict=True):
        coefficients = angle.coefficients if angle.affine else (1.0,) * len(angle.elements)
        for element, coefficient in zip(angle.elements, coefficients, strict=True):
            result[element] = coefficient**2 * value
    return result


def mean_to_elements(
    angles: Sequence[Angle], means: Float[np.ndarray, " rotations"], num_elements: int
) -> Float[np.ndarray, " num_elements"]:
    """``E[∂l/∂θ_e] = Σ_k a_k E[∂l/∂α_k]`` over the rotations that ``θ_e`` drives: a mean is linear.

    Args:
        angles: of the rotations
        means: one each, in the same order
        num_elements: elements of the trainable arguments

    Returns:
        one entry per element, 0 where it drives nothing
    """
    result = np.zeros(num_elements)
    for angle, value in zip(angles, means, strict=True):
        coefficients = angle.coefficients if angle.affine else (1.0,) * len(angle.elements)
        for element, coefficient in zip(angle.elements, coefficients, strict=True):
            result[element] += coefficient * value
    return result


def angle_map(
    angles: Sequence[Angle], num: int
) -> tuple[Float[np.ndarray, " rotations"], scipy.sparse.csr_array, scipy.sparse.csr_array, list[int]]:
    """``angles = offsets + matrix · elements``; the matrix of the chain rule, where an angle that is not affine counts
    as the element itself, as for the other engines; and the positions of those."""
    offsets = np.array([angle.offset for angle in angles], float)
    own = [k for k, angle in enumerate(angles) if not angle.affine]
    affine = [
        (k, element, coefficient)
        for k, angle in enumerate(angles)
        if angle.affine
        for element, coefficient in zip(angle.elements, angle.coefficients, strict=True)
    ]
    alone = [(k, e, 1.0) for k in own for e in angles[k].elements]
    matrices = []
    for entries in (affine, affine + alone):
        rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
        matrices.append(scipy.sparse.csr_array((np.array(values, float), (rows, columns)), shape=(len(angles), num)))
    matrix, chain = matrices
    return offsets, matrix, chain, own
