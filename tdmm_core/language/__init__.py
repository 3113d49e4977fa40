"""Motion words, prompting, datasets and the two directions between motion and language."""
