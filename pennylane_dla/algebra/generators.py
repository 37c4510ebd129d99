"""Generators as a user writes them: PennyLane operators, Pauli words and sentences, or plain words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pennylane as qp
from pennylane.pauli import PauliSentence, PauliWord

from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.pauli.strings import CODE

IMAGINARY = 1e-9  # relative size up to which an imaginary part is rounding


def pauli_sums(generators: Iterable) -> tuple[tuple[PauliSum, ...], tuple[Any, ...]]:
    """The generators as real Pauli sums on common wires.

    Args:
        generators: operators, ``PauliWord``, ``PauliSentence``, words such as ``"XXI"``, in one list

    Returns:
        one sum for each generator, and the wire labels (``range(n)`` for words)

    Raises:
        DLAError: for an empty list, an unknown kind, complex coefficients, words of different lengths

    **Example**

    >>> sums, wires = pauli_sums([qp.X("a") @ qp.X("b"), 0.5 * qp.Z("b")])
    >>> sums[0].strings.labels(), wires
    (['XX'], ('a', 'b'))
    """
    if isinstance(generators, PauliStrings):
        return tuple(PauliSum(s, np.ones(1)) for s in generators), tuple(range(generators.num_wires))
    if isinstance(generators, (str, PauliWord, PauliSentence, qp.operation.Operator)):
        raise DLAError(f"generators={generators!r} is a single generator: pass a list, [{generators!r}].")
    generators = _listed(generators)
    if not generators:
        raise DLAError("generators: the list is empty; pass at least one Pauli string.")
    words = [isinstance(g, str) for g in generators]
    if all(words):
        return _from_words(generators)
    if any(words):
        raise DLAError(
            "generators mixes words such as 'XXI' with operators: words have no wire labels; use one kind only."
        )
    sentences = [_sentence(g, k) for k, g in enumerate(generators)]
    wires = tuple(qp.wires.Wires.all_wires([s.wires for s in sentences], sort=True))
    if not wires:
        raise DLAError("generators: every generator is the identity; pass at least one other Pauli string.")
    position = {wire: i for i, wire in enumerate(wires)}
    local, letters, owner, coefficients = [], [], [], []
    for k, sentence in enumerate(sentences):
        for word, coefficient in sentence.items():
            local.append([position[wire] for wire in word])
            letters.append("".join(word.values()))
            owner.append(k)
            coefficients.append(_real(coefficient, k))
    strings = PauliStrings.from_local(local, letters, len(wires))
    bounds = np.searchsorted(owner, np.arange(len(sentences) + 1))
    sums = tuple(
        PauliSum.collect(strings[a:b], np.array(coefficients[a:b])) for a, b in zip(bounds, bounds[1:], strict=False)
    )
    return sums, wires


def single_strings(generators: Iterable) -> PauliStrings:
    """The generators as packed strings, where each is a real multiple of one Pauli string.

    Raises:
        DLAError: as :func:`pauli_sums`, and for sums of several strings, zero or the identity
    """
    if isinstance(generators, PauliStrings):
        return generators
    if not isinstance(generators, (str, PauliWord, PauliSentence, qp.operation.Operator)):
        generators = _listed(generators)
        if generators and all(isinstance(g, str) for g in generators):
            return _named_identity(_parse(generators), generators)
    sums, _ = pauli_sums(generators)
    for k, (given, total) in enumerate(zip(generators, sums, strict=True)):
        if len(total) + (total.constant != 0) > 1:
            raise DLAError(
                f"Generator {k} ({given}) is a sum of several Pauli strings; classify takes single strings. "
                "Use dla.lie_closure for sums, or pass the terms separately if each has its own parameter."
            )
        if not len(total):
            what = "the identity, which generates only a phase" if total.constant else "zero"
            raise DLAError(f"Generator {k} ({given}) is {what}: leave it out.")
    return PauliStrings.concatenate([s.strings for s in sums])


def _listed(generators) -> list:
    try:
        return list(generators)
    except TypeError:
        raise DLAError(
            f"generators={generators!r}: pass a list of Pauli strings, such as ['XXI', 'IXX'] or [qp.X(0), qp.Z(1)]."
        ) from None


def _named_identity(strings: PauliStrings, words) -> PauliStrings:
    identity = np.flatnonzero(strings.is_identity())
    if len(identity):
        k = int(identity[0])
        raise DLAError(f"Generator {k} ({words[k]}) is the identity, which generates only a phase: leave it out.")
    return strings


def _from_words(words):
    """Words such as ``"XXI"`` as sums."""
    strings = _parse(words)
    identity = strings.is_identity()
    sums = tuple(
        PauliSum(s[:0], np.zeros(0), 1.0) if i else PauliSum(s, np.ones(1))
        for s, i in zip(strings, identity, strict=True)
    )
    return sums, tuple(range(strings.num_wires))


def _parse(words) -> PauliStrings:
    """Words of one length, qubit 0 first; all letters at once, for there may be millions."""
    for k, word in enumerate(words):
        if len(word) != len(words[0]):
            raise DLAError(
                f"Generator {k} ({word!r}) has {len(word)} letters and generator 0 ({words[0]!r}) has "
                f"{len(words[0])}: words need one letter for each wire; pad with I."
            )
    letters = np.frombuffer("".join(words).encode("utf-32-le"), "<u4").reshape(len(words), -1)
    codes = np.full(128, 255, np.uint8)
    codes[[ord(letter) for letter in CODE]] = list(CODE.values())
    found = np.where(letters < 128, codes[np.minimum(letters, 127)], 255).astype(np.uint8)
    unknown = (found == 255).any(axis=1)
    if not letters.shape[1] or unknown.any():
        k = int(unknown.argmax())
        raise DLAError(
            f"Generator {k} ({words[k]!r}) is not a Pauli word: use the letters I, X, Y, Z, one for each wire."
        )
    return PauliStrings.from_bits(found & 1, found >> 1)


def _sentence(generator, k) -> PauliSentence:
    if isinstance(generator, PauliSentence):
        return generator
    if isinstance(generator, PauliWord):
        return PauliSentence({generator: 1.0})
    if isinstance(generator, qp.operation.Operator):
        sentence = generator.pauli_rep
        if sentence is None:
            try:
                sentence = qp.pauli.pauli_sentence(generator)
            except ValueError:
                sentence = None
        if sentence is None:
            raise DLAError(
                f"Generator {k} ({generator}) has no Pauli representation: write it with qp.X, qp.Y, qp.Z, "
                "for example by qp.pauli_decompose."
            )
        return sentence
    raise DLAError(
        f"Generator {k} ({generator!r}) is a {type(generator).__name__}: pass PennyLane operators, PauliWord, "
        "PauliSentence, or words such as 'XXI'."
    )


def _real(coefficient, k) -> float:
    value = complex(coefficient)
    if not np.isfinite(value):
        raise DLAError(f"Generator {k} has the coefficient {coefficient}: it must be finite.")
    if abs(value.imag) > IMAGINARY * max(1.0, abs(value.real)):
        raise DLAError(
            f"Generator {k} has the complex coefficient {value:.6g}: a generator G of exp(-iθG) is Hermitian, so its "
            "coefficients are real. Pass G, not iG."
        )
    return value.real
