"""Predicted variance of the loss and of every gradient component: one file an engine."""
