"""Dial ratings: reading each layout, their quality and lag, and two dials together."""
