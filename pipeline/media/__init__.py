"""The recording: what it holds, its clock, its sound and its frames."""
