"""One module for each verb: read artifacts, call rooms, write an artifact, return a summary."""
