"""The nouns: frozen dataclasses of numpy arrays, validated once, when made."""
