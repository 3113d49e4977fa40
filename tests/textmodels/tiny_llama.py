"""A random language model of two layers with a byte-level text tokenizer, saved as any other, for the tests of Motion2Language."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SENTENCES = [
    "The person smiles broadly, then nods twice.",
    "The person frowns a little and turns their head to the left.",
    "Describe the facial motion. Name the main expression or movement.",
    "What does the face do? What is this called, in a word or two?",
    "a slow pout turning to surprise while blinking",
]
CHAT = "{% for m in messages %}<|end|>{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"


def write_tiny_llama(folder: Path, *, seed: int = 0, tied: bool = True, chat: bool = True) -> Path:
    """Save a random Llama (H = 64) and its text tokenizer of some 400 pieces."""
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    words.train_from_iterator(SENTENCES, trainer)
    text_tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|end|>", pad_token="<|end|>")
    if chat:
        text_tokenizer.chat_template = CHAT
    text_tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(text_tokenizer), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        eos_token_id=text_tokenizer.eos_token_id, bos_token_id=text_tokenizer.eos_token_id, tie_word_embeddings=tied, initializer_range=0.1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
