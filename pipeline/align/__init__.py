"""The analysis windows: each cue with its gate and its baseline."""
