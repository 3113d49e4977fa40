"""Device, seeding, progress and process rank; knows no noun."""
