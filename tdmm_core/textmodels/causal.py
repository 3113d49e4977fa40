"""A pretrained causal language model and its text tokenizer: found, loaded, given new words, read by embeddings.

Owns every call into transformers that the rooms above need. Does not know what the new words stand for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.textmodels.embedded import EMBEDDED_NAME, SOURCE, embedded_folder
from tdmm_core.textmodels.quiet import quiet

if TYPE_CHECKING:
    import torch

_PAYLOAD = ("*.safetensors", "*.bin", "config.json", "tokenizer*", "vocab*", "merges.txt", "*.model", "special_tokens_map.json", "added_tokens.json")


@dataclass(frozen=True, kw_only=True, eq=False)
class CausalModel:
    """A causal language model in memory."""

    network: Any
    "The transformers model."
    text_tokenizer: Any
    "The transformers tokenizer."
    name: str
    "Id, folder or the embedded model's name: what `load_causal` finds it by."
    digest: str
    "SHA-256 over whatever decides its answers."
    num_text_words: int
    "Size of the vocabulary before any word was added."

    @property
    def dim(self) -> int:
        """H, the width of an embedding."""
        return int(self.network.get_input_embeddings().weight.shape[1])

    @property
    def end_id(self) -> int:
        """The id that ends an answer."""
        return int(self.text_tokenizer.eos_token_id)

    def ids(self, text: str) -> list[int]:
        """Ids of the word pieces of `text`, nothing added at either end."""
        return list(self.text_tokenizer(text, add_special_tokens=False)["input_ids"])

    def text(self, ids: Sequence[int]) -> str:
        """The text of `ids`, special words left out."""
        return str(self.text_tokenizer.decode(list(ids), skip_special_tokens=True)).strip()

    @property
    def start_ids(self) -> list[int]:
        """What the text tokenizer puts before every text by itself: nothing, or one id."""
        found = self.text_tokenizer("a")["input_ids"]
        return [int(found[0])] if found and found[0] == self.text_tokenizer.bos_token_id else []

    def chat(self, text: str) -> str:
        """`text` as a user's turn in the model's own chat template, up to where the answer starts. Raises ValueError where it has none."""
        turn = [{"role": "user", "content": text}]
        return str(self.text_tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True, enable_thinking=False))

    def logits_at(self, embeddings: torch.Tensor, mask: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """Logits over the text words where they are wanted, of rows that are padded on the left.

        embeddings (B, L, H), mask (B, L) 1 at words, wanted (B, A) bool over the last A positions; returns (N, words), row by row. Added
        words are never an answer, so they have no logit. The head is computed nowhere else: over whole rows it would cost half as much as all layers.
        """
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        head = self.network.get_output_embeddings()
        # Picked out before the head, for a slice of a batch times the vocabulary is a product that copies the vocabulary for each row.
        picking = head.register_forward_pre_hook(lambda _, hidden: (hidden[0][wanted],))
        try:
            out = self.network(inputs_embeds=embeddings, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=wanted.shape[1])
        finally:
            picking.remove()
        return out.logits[..., : self.num_text_words]  # (N, words)


def load_causal(name: str | None = None, *, gguf: Path | None = None, dtype: torch.dtype | None = None) -> CausalModel:
    """The embedded model (None or its name; `gguf` is its file), or the model of that id or folder, on the CPU, frozen.

    `dtype` None takes float32. Raises MissingPartError where the model is not on this machine, InputError for a folder that is none.
    """
    quiet()
    if name is None or name == EMBEDDED_NAME:
        if gguf is None:
            raise MissingPartError(f"{EMBEDDED_NAME} is not on this machine: run tdmm describe once with a connection, or set TDMM_CACHE")
        folder = embedded_folder(gguf)
        digest = str(json.loads((folder / SOURCE).read_text(encoding="utf-8"))["digest"])
        return _load(str(folder), name=EMBEDDED_NAME, digest=digest, dtype=dtype)
    if not Path(name).is_dir() and (name.endswith("/") or name.startswith(("/", "./", "../", "~"))):
        raise InputError(f"{name}: no such folder; expected a language model's folder, or an id such as Qwen/Qwen3-0.6B")
    digest = folder_digest(Path(name)) if Path(name).is_dir() else ""
    return _load(name, name=name, digest=digest, dtype=dtype)


def _load(source: str, *, name: str, digest: str, dtype: torch.dtype | None) -> CausalModel:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    on_cpu = not torch.cuda.is_available()
    # Measured on the CPU in bfloat16: plain attention trains a quarter faster than the fused kernel at these lengths.
    attention = {"attn_implementation": "eager"} if on_cpu else {}
    try:
        words = AutoTokenizer.from_pretrained(source, local_files_only=True)
        network = AutoModelForCausalLM.from_pretrained(source, local_files_only=True, dtype=dtype or torch.float32, **attention)
    except (OSError, ValueError, KeyError) as e:
        reason = str(e).splitlines()[0]
        if Path(source).is_dir():
            raise InputError(f"{source}: expected a causal language model and its text tokenizer, got a folder that does not load ({reason})") from e
        raise MissingPartError(f"language model {source!r} is not on this machine: fetch it with `hf download {source}`, or name a folder") from e
    if words.eos_token_id is None:
        raise InputError(f"{source}: expected a text tokenizer with an end-of-sequence word, got none")
    network.requires_grad_(False).eval()
    digest = digest or hashlib.sha256(f"{name}@{getattr(network.config, '_commit_hash', '')}".encode()).hexdigest()
    size = int(network.get_input_embeddings().weight.shape[0])
    return CausalModel(network=network, text_tokenizer=words, name=name, digest=digest, num_text_words=size)


def add_words(model: CausalModel, words: Sequence[str], rows: torch.Tensor) -> list[int]:
    """Add `words` to the vocabulary of both halves, with `rows` (W, H) as their embeddings; returns their ids.

    Where input and output embeddings are one matrix, it grows as one. Raises InputError when a word is there already.
    """
    import torch

    known = model.text_tokenizer.get_vocab()
    if clash := next((w for w in words if w in known), None):
        raise InputError(f"language model {model.name}: expected a model without motion words, got one that knows {clash!r} already")
    model.text_tokenizer.add_tokens(list(words), special_tokens=True)
    ids = list(model.text_tokenizer.convert_tokens_to_ids(list(words)))
    table = model.network.get_input_embeddings().weight
    if max(ids) >= table.shape[0]:
        model.network.resize_token_embeddings(max(ids) + 1, mean_resizing=False)
    with torch.no_grad():
        table = model.network.get_input_embeddings().weight
        table[ids] = rows.to(table)
    return ids


def keep_layers(model: CausalModel, count: int) -> None:
    """Keep `count` layers of the language model, half of them its first and half its last; all for 0, or where it has no more.

    Measured on SmolLM2-135M, 12 of 30 layers and nothing trained, in nats a word (4.2 with all): first and last six 8.0, first eight and last four
    11.4, the first twelve 19, evenly spread 13 to 21. Raises InputError for a network whose layers are not found.
    """
    inner = getattr(model.network, "model", None)
    layers = getattr(inner, "layers", None)
    if not count:
        return
    if layers is None:
        raise InputError(f"language model {model.name}: expected a list of layers, found none in {type(model.network).__name__}; set num_layers=0")
    if count >= len(layers):
        return
    kept = [*range((count + 1) // 2), *range(len(layers) - count // 2, len(layers))]
    inner.layers = type(layers)([layers[i] for i in kept])
    for number, layer in enumerate(inner.layers):
        if hasattr(layer, "self_attn"):
            layer.self_attn.layer_idx = number  # by which a cache finds it
    model.network.config.num_hidden_layers = count
    if types := getattr(model.network.config, "layer_types", None):
        model.network.config.layer_types = [types[i] for i in kept]


def save_plain(model: CausalModel, folder: Path) -> None:
    """Write network and text tokenizer into an existing folder as `AutoModelForCausalLM` reads them."""
    model.network.save_pretrained(folder)
    model.text_tokenizer.save_pretrained(folder)


def folder_digest(folder: Path) -> str:
    """SHA-256 over names and bytes of the files that decide what a model says."""
    total = hashlib.sha256()
    for path in sorted({p for pattern in _PAYLOAD for p in folder.glob(pattern) if p.is_file()}):
        with path.open("rb") as file:
            total.update(f"{path.name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


def continue_rows(
    model: CausalModel, rows: Sequence[Sequence[int]], *, longest: int, temperature: float = 0.0, seed: int = 0, forbidden: Sequence[int] = ()
) -> list[str]:
    """What the model says after each row of ids, at most `longest` words and none of `forbidden`: likeliest words, or drawn at a temperature."""
    import torch

    table = model.network.get_input_embeddings().weight
    shown = [table[torch.tensor(list(r), device=table.device)] for r in rows]
    return continue_shown(model, shown, longest=longest, temperature=temperature, seed=seed, forbidden=forbidden)


def continue_shown(
    model: CausalModel,
    rows: Sequence[torch.Tensor],
    *,
    longest: int,
    temperature: float = 0.0,
    seed: int = 0,
    forbidden: Sequence[int] = (),
    heard: Callable[[str], None] | None = None,
) -> list[str]:
    """As `continue_rows`, after rows of embeddings (L, H). `heard` is told the answer to a single row as it comes, piece by piece."""
    import torch
    from transformers import GenerationConfig

    width = max(len(r) for r in rows)
    shown = torch.stack([torch.cat([r.new_zeros(width - len(r), r.shape[1]), r]) for r in rows])  # (B, L, H)
    mask = torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows], device=shown.device)
    drawn = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature > 0 else {"do_sample": False}
    how = GenerationConfig(
        max_new_tokens=longest, eos_token_id=model.end_id, pad_token_id=model.end_id, suppress_tokens=list(forbidden) or None, use_cache=True, **drawn
    )
    streamer = _Telling(model, heard) if heard is not None and len(rows) == 1 else None
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        out = model.network.generate(inputs_embeds=shown, attention_mask=mask, generation_config=how, streamer=streamer)
    return [model.text(row) for row in out.tolist()]


class _Telling:
    """Hands on the text of word pieces as they are made; what may still change, half a letter or a space, waits."""

    def __init__(self, model: CausalModel, heard: Callable[[str], None]) -> None:
        self.model, self.heard = model, heard
        self.ids: list[int] = []
        self.told = ""

    def put(self, ids: torch.Tensor) -> None:
        """Called by transformers with each new id."""
        self.ids += ids.reshape(-1).tolist()
        text = self.model.text(self.ids)
        if text.startswith(self.told) and not text.endswith("\N{REPLACEMENT CHARACTER}") and len(text) > len(self.told):
            self.heard(text[len(self.told) :])
            self.told = text

    def end(self) -> None:
        """Called by transformers after the last id: now nothing changes any more."""
        if rest := self.model.text(self.ids)[len(self.told) :]:
            self.heard(rest)
