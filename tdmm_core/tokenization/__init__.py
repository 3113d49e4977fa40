"""The motion tokenizer: a geometry VQ-VAE that turns each frame into one token."""
