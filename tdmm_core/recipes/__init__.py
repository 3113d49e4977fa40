"""Named, coherent settings for all verbs at once."""
