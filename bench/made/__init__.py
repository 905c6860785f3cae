"""Inputs with a known truth, made for measurements."""
