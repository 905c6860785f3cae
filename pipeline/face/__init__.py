"""Faces: head pose, gaze, lids and openings from landmarks, and the events in them."""
