"""The training engine: loop, checkpoints, resume, curves, many processes."""
