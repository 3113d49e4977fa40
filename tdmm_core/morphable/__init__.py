"""Rotations, blendshapes and the open head: parameters to vertices and back to conventions."""
