"""Transcripts people bring: reading each layout, and whose words they are."""
