"""Finds, verifies and caches model files that the package does not carry."""
