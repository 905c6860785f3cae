"""Voices: pitch, loudness, pauses and rate, and how sure we are of whose they are."""
