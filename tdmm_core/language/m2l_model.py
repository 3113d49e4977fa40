"""A Motion2Language model as a folder: the language model with its motion words, and which motion tokenizer it reads.

Two forms. An adapter folder holds the low-rank parts and the motion words' rows, and names the language model that they belong to; a plain
folder is a whole language model that `AutoModelForCausalLM` loads. What is ours stands in config.json under "tdmm" in both.
Knows neither the header that pipelines write beside it nor how it was trained.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tdmm_core.errors import InputError
from tdmm_core.language.m2l_config import M2LConfig, Prompting
from tdmm_core.language.motion_words import MotionVocabulary
from tdmm_core.textmodels import adapter
from tdmm_core.textmodels.causal import CausalModel, add_words, load_causal, save_plain

MODEL_TYPE = "tdmm-motion-to-language"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
ROWS = "motion_words"
"Name of the motion words' embeddings among an adapter's tensors."


@dataclass(frozen=True, kw_only=True)
class M2LAbout:
    """What a Motion2Language model is, apart from its weights."""

    base: str
    "Name of the language model that it was made from."
    base_digest: str
    num_codes: int
    codes_per_frame: int
    tokenizer_digest: str
    "Of the motion tokenizer whose codes it reads."
    fps: float
    face_model: str
    face_model_digest: str
    frame_stride: int
    max_frames: int
    prompting: Prompting
    lora_rank: int
    lora_alpha: float
    is_adapter: bool

    @property
    def vocabulary(self) -> MotionVocabulary:
        """The words of its motion tokenizer."""
        return MotionVocabulary(num_codes=self.num_codes, codes_per_frame=self.codes_per_frame)


def reading_of(config: M2LConfig) -> dict[str, object]:
    """The settings of a training that a trained model keeps to."""
    names = ("frame_stride", "max_frames", "prompting", "lora_rank", "lora_alpha")
    return {name: getattr(config, name) for name in names} | {"is_adapter": config.tuning == "adapter"}


@dataclass(frozen=True, kw_only=True, eq=False)
class M2LModel:
    """A language model that reads motion words, whole again: no adapter hangs on it."""

    model: CausalModel
    word_ids: list[int]
    "Id of each motion word in the vocabulary, by its number."
    about: M2LAbout


def read_about(folder: Path) -> M2LAbout:
    """What the model in `folder` is. Raises InputError for a folder that is none of ours."""
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(f"{folder}: expected a motion-to-language model folder, found no {CONFIG}; tdmm train-m2l makes one")
    try:
        return M2LAbout(**json.loads(path.read_text(encoding="utf-8"))["tdmm"])
    except (ValueError, KeyError, TypeError) as e:
        raise InputError(f"{folder}: expected a motion-to-language model, got another folder or a damaged {CONFIG}; tdmm train-m2l makes one") from e


def save_model(folder: Path, model: CausalModel, rows: torch.Tensor, about: M2LAbout) -> None:
    """Write a trained model into an existing folder; `rows` (W + 2, H) are the motion words' embeddings.

    An adapter leaves `model` as it is. The plain form folds the adapter in and adds the words, after which `model` is of no further use.
    """
    if about.is_adapter:
        tensors = {name: value.to(torch.float16) for name, value in adapter.adapter_weights(model).items()}
        save_file(tensors | {ROWS: rows.detach().to("cpu", torch.float16).contiguous()}, folder / WEIGHTS)
        config = {"model_type": MODEL_TYPE, "tdmm": asdict(about)}
        (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return
    adapter.detach(model)
    add_words(model, about.vocabulary.words(), rows)
    model.network.config.tdmm = asdict(about)
    save_plain(model, folder)


def load_model(folder: Path, *, gguf: Path | None = None, dtype: torch.dtype | None = None) -> M2LModel:
    """Read what `save_model` wrote; `gguf` is the embedded language model's file, where the adapter belongs to that one.

    Raises InputError for a damaged folder or a language model that is not the one it was trained on, MissingPartError where that is absent.
    """
    about = read_about(folder)
    if not about.is_adapter:
        model = load_causal(str(folder), dtype=dtype)
        words = about.vocabulary.words()
        ids = list(model.text_tokenizer.convert_tokens_to_ids(words))
        if len(set(ids)) != len(words):
            raise InputError(f"{folder}: expected a text tokenizer that knows {len(words)} motion words, got one that lacks some; train it again")
        return M2LModel(model=model, word_ids=ids, about=about)
    model = load_causal(about.base, gguf=gguf, dtype=dtype)
    if model.digest != about.base_digest:
        raise InputError(
            f"{folder}: trained on language model {about.base} {about.base_digest[:12]}, here is {model.digest[:12]}; "
            "give the very one that it was trained on, or train it again"
        )
    try:
        tensors = load_file(folder / WEIGHTS)
        rows = tensors.pop(ROWS)
    except (OSError, KeyError, SafetensorError) as e:
        raise InputError(f"{folder / WEIGHTS}: missing or damaged ({e}); take another copy or train it again") from e
    adapter.merge(model, tensors, rank=about.lora_rank, alpha=about.lora_alpha)
    return M2LModel(model=model, word_ids=add_words(model, about.vocabulary.words(), rows), about=about)
