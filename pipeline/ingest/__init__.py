"""What `ingest` tells of a session: which of its sound is heard, and why the rest is not."""
