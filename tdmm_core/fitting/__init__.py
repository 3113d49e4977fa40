"""Frames to motion: landmarks, correspondence, solver."""
