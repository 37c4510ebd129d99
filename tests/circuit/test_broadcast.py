"""Large broadcast batches: some elements stand for all."""

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.extract import MAX_BATCH, extract


@qp.qnode(qp.device("default.qubit"))
def circuit(weights, x):
    qp.RY(weights[0], 0)
    qp.RX(x, 0)
    qp.RY(weights[1], 0)
    return qp.expval(qp.Z(0))


@pytest.mark.parametrize("size", [MAX_BATCH, MAX_BATCH + 1, 1000])
def test_at_most_so_many_elements_are_read_and_they_are_those_of_the_batch(size):
    x = np.linspace(0.1, 3.0, size)
    batch = extract(circuit, (np.zeros(2), x))
    assert len(batch) == min(size, MAX_BATCH)
    expected = x[np.linspace(0, size - 1, len(batch)).round().astype(int)]
    assert [ansatz.gates[1].angle.offset for ansatz in batch] == pytest.approx(expected, abs=1e-12)
    told = f"{MAX_BATCH} of the {size} elements of the batch are diagnosed, evenly spaced"
    assert all((told in ansatz.notes) == (size > MAX_BATCH) for ansatz in batch)


def test_a_batch_of_arrays_keeps_what_belongs_together():
    """A batched state preparation and a batched angle take the same elements."""
    rng = np.random.default_rng(0)
    x, vectors = rng.uniform(0.1, 1.0, 200), rng.normal(size=(200, 4))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]

    @qp.qnode(qp.device("default.qubit"))
    def prepared(w, x, vectors):
        qp.StatePrep(vectors, wires=range(2))
        qp.RX(w, 0)
        qp.RY(x, 1)
        return qp.expval(qp.Z(0))

    batch = extract(prepared, (0.3, x, vectors))
    chosen = np.linspace(0, 199, MAX_BATCH).round().astype(int)
    for ansatz, j in zip(batch, chosen, strict=True):
        assert ansatz.gates[-1].angle.offset == pytest.approx(x[j], abs=1e-12)
        assert np.abs(np.vdot(ansatz.state.amplitudes, vectors[j])) == pytest.approx(1, abs=1e-9)
