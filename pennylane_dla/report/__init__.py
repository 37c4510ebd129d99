"""What a person reads: text, HTML and plots of a diagnosis.

Read ``text`` first: it makes the rows of the printed report, those of the circuit, a block for each measurement and the
closing ones. ``html`` sets the same rows as a table for notebooks, ``plot`` draws. All of them take the records of
:mod:`pennylane_dla.diagnosis`, and :class:`pennylane_dla.Diagnostics` calls them. Matplotlib is imported when something
is drawn, not before.
"""
