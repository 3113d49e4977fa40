"""A balanced plan of scripts and the embedded generator that performs them."""
