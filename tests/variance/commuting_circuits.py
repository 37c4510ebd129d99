"""Circuits of commuting generators, which the exact engine and the paths both average in closed form."""

import numpy as np

from pennylane_dla.circuit.ansatz import ProductState


def commute(a, b):
    return sum(p != q and "I" not in (p, q) for p, q in zip(a, b, strict=True)) % 2 == 0


def times(a, b):
    code = "IXZY"
    return "".join(code[code.index(p) ^ code.index(q)] for p, q in zip(a, b, strict=True))


def commuting_words(rng, n, count):
    """Random strings that commute, some of them repeated or products of others."""
    words = []
    while len(words) < count:
        kind = rng.random()
        if len(words) > 1 and kind < 0.3:
            word = times(*rng.choice(words, 2, replace=False))
        elif words and kind < 0.45:
            word = str(rng.choice(words))
        else:
            word = "".join(rng.choice(list("IXYZ"), n))
        if set(word) != {"I"} and all(commute(word, other) for other in words):
            words.append(word)
    return words


def state(rng, n, kind):
    bloch = np.zeros((n, 3))
    bloch[np.arange(n), rng.integers(3, size=n)] = rng.choice([1.0, -1.0], n)
    if kind == "mixed":
        bloch[rng.integers(n)] = 0.0
    if kind == "others":
        for q in rng.choice(n, max(1, n // 2), replace=False):
            bloch[q] = rng.normal(size=3)
            bloch[q] *= rng.uniform(0.3, 1.0) / np.linalg.norm(bloch[q])
    return ProductState(bloch)


def ring(n, layers):
    return [[(w, (w + 1) % n) for w in range(n)]] * layers
