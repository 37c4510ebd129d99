"""The printed report: many measurements as one block, the mean of a gradient that has one."""

import numpy as np
import pennylane as qp

import pennylane_dla as dla

DEVICE = qp.device("default.qubit")


def test_many_measurements_are_summarised_and_the_deciding_one_is_shown():
    @qp.qnode(DEVICE)
    def circuit(w):
        qp.BasicEntanglerLayers(w, wires=range(3), rotation=qp.RY)
        return qp.probs(wires=range(3))

    diag = dla.inspect(circuit, progress=False)(np.zeros((1, 3)))
    text = str(diag)
    assert "8 measurements" in text and text.count("deep limit") == 1 and "which decides" in text
    losses = [float(m.loss.variance.value) for m in diag.measurements]
    assert f"{min(losses):.3g}" in text and "8 measurements" in diag._repr_html_()
    assert len(text.splitlines()) < 45


def test_the_mean_of_a_warm_start_is_printed():
    @qp.qnode(DEVICE)
    def circuit(w):
        qp.RX(w, 0)
        return qp.expval(qp.Y(0))

    diag = dla.inspect(circuit, angles=dla.Normal(0.01), progress=False)(0.0)
    # E[-cos w] and E[cos²w] of a normal angle
    mean, second = -np.exp(-0.5e-4), (1 + np.exp(-2e-4)) / 2
    np.testing.assert_allclose(diag.gradient.mean, mean, rtol=1e-9)
    np.testing.assert_allclose(diag.gradient.second_moment, second, rtol=1e-9)
    assert diag.verdict.resolved and "mean up to 1" in str(diag)
    assert dla.check(circuit, angles=dla.Normal(0.01), shots=10, progress=False)(0.0).verdict.resolved
