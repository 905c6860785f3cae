"""Faces: found, followed, meshed; on a CPU frame after frame, on a card in batches."""
