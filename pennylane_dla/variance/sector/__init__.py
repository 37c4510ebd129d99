"""The sector: the few dimensions in which a circuit moves its own state (THEORY section 9)."""
