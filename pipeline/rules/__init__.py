"""Which moments are proposed: one module per kind of evidence."""
