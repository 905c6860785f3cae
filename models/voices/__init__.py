"""Voices: who speaks when."""
