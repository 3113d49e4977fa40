"""Pretrained language models and word vectors."""
