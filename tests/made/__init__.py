"""Inputs with a known truth, made by the tests or planted in what they run."""
