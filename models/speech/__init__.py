"""Speech: where it is, and its words."""
