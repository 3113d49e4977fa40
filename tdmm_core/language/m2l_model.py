"""A Motion2Language model as a folder: the language model with its motion words, and which motion tokenizer it reads.

Two forms. An adapter folder holds the low-rank parts and the motion words' rows, and names the language model that they belong to; a plain
folder is a whole language model that `AutoModelForCausalLM` loads. What is ours stands in config.json under "tdmm" in both.
Knows neither the header that pipelines write beside it nor how it was trained.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tdmm_core.errors import InputError
from tdmm_core.language.m2l_config import M2LConfig, Prompting
from tdmm_core.language.m2l_dataset import side_by_side
from tdmm_core.language.m2l_gist import GistEncoder, GistShape
from tdmm_core.language.m2l_prompting import Prompt, PromptWriter
from tdmm_core.language.motion_words import MotionVocabulary
from tdmm_core.textmodels import adapter
from tdmm_core.textmodels.causal import CausalModel, add_words, keep_layers, load_causal, save_plain

MODEL_TYPE = "tdmm-motion-to-language"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
ROWS = "motion_words"
"Name of the motion words' embeddings among an adapter's tensors."
GIST = "gist."
"How the gist encoder's tensors begin there."


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
    num_layers: int = 0
    "Layers of the language model that are kept; 0 for all."
    gist_frames: int = 0
    "Frames of a gist word; 0 where codes are shown as words of their own."
    gist_width: int = 0
    gist_layers: int = 0
    gist_pieces: int = 0

    def gist_shape(self, dim: int) -> GistShape:
        """The gist encoder's sizes beside a language model of width `dim`."""
        return GistShape(
            num_codewords=self.vocabulary.num_codewords,
            frames=self.gist_frames,
            width=self.gist_width,
            num_layers=self.gist_layers,
            max_frames=self.max_frames,
            dim=dim,
            num_pieces=self.gist_pieces,
        )

    @property
    def vocabulary(self) -> MotionVocabulary:
        """The words of its motion tokenizer."""
        return MotionVocabulary(num_codes=self.num_codes, codes_per_frame=self.codes_per_frame)


def reading_of(config: M2LConfig) -> dict[str, object]:
    """The settings of a training that a trained model keeps to."""
    names = ("frame_stride", "max_frames", "prompting", "lora_rank", "lora_alpha", "num_layers", "gist_frames", "gist_width", "gist_layers")
    return {name: getattr(config, name) for name in names} | {"is_adapter": config.tuning == "adapter"}


@dataclass(frozen=True, kw_only=True, eq=False)
class M2LModel:
    """A language model that reads motion words, whole again: no adapter hangs on it."""

    model: CausalModel
    word_ids: list[int]
    "Id of each motion word in the vocabulary, by its number; empty where a gist is shown instead."
    about: M2LAbout
    gist: GistEncoder | None = None

    @property
    def writer(self) -> PromptWriter:
        """Who lays out prompts as it learned them."""
        about = self.about
        return PromptWriter(
            self.model, about.vocabulary, prompting=about.prompting, stride=about.frame_stride, gist_frames=about.gist_frames
        )

    def embedded(self, prompts: Sequence[Prompt]) -> list[torch.Tensor]:
        """What the language model is shown: embeddings (L, H) of each prompt."""
        table = self.model.network.get_input_embeddings().weight
        shown = self._gist(prompts)
        rows = []
        for prompt, gist in zip(prompts, shown, strict=True):
            motion = torch.from_numpy(prompt.motion).to(table.device)
            row = table[torch.from_numpy(prompt.text).to(table.device)].clone()
            row[motion >= 0] = gist[motion[motion >= 0]].to(row)
            rows.append(row)
        return rows

    @torch.no_grad()
    def _gist(self, prompts: Sequence[Prompt]) -> list[torch.Tensor]:
        """What may stand at a prompt's motion words, by their numbers: (W, H) of words or (S, H) of gist words."""
        if self.gist is None:
            table = self.model.network.get_input_embeddings().weight
            return [table[torch.tensor(self.word_ids, device=table.device)]] * len(prompts)
        device = self.gist.own.device
        return list(self.gist(side_by_side([p.codes for p in prompts if p.codes is not None]).to(device)))


def read_about(folder: Path) -> M2LAbout:
    """What the model in `folder` is. Raises InputError for a folder that is none of ours."""
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(f"{folder}: expected a motion-to-language model folder, found no {CONFIG}; tdmm train-m2l makes one")
    try:
        return M2LAbout(**json.loads(path.read_text(encoding="utf-8"))["tdmm"])
    except (ValueError, KeyError, TypeError) as e:
        raise InputError(f"{folder}: expected a motion-to-language model, got another folder or a damaged {CONFIG}; tdmm train-m2l makes one") from e


def save_model(folder: Path, model: CausalModel, shown: torch.Tensor | GistEncoder, about: M2LAbout) -> None:
    """Write a trained model into an existing folder; `shown` are the motion words' embeddings (W + 2, H), or who gives their gist.

    An adapter leaves `model` as it is. The plain form folds the adapter in and adds the words, after which `model` is of no further use.
    """
    if about.is_adapter:
        tensors = {name: value.to(torch.float16) for name, value in adapter.adapter_weights(model).items()}
        more = {f"{GIST}{n}": t for n, t in shown.tensors().items()} if isinstance(shown, GistEncoder) else {ROWS: shown}
        tensors |= {n: t.detach().to("cpu", torch.float16).contiguous() for n, t in more.items()}
        save_file(tensors, folder / WEIGHTS)
        config = {"model_type": MODEL_TYPE, "tdmm": asdict(about)}
        (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return
    assert isinstance(shown, torch.Tensor)
    adapter.detach(model)
    add_words(model, about.vocabulary.words(), shown)
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
    keep_layers(model, about.num_layers)
    try:
        tensors = load_file(folder / WEIGHTS)
        shown = _gist_of(tensors, about, model.dim) if about.gist_frames else tensors.pop(ROWS)
    except (OSError, KeyError, RuntimeError, SafetensorError) as e:
        reason = str(e).splitlines()[0]
        raise InputError(f"{folder / WEIGHTS}: missing or damaged ({reason}); take another copy or train it again") from e
    adapter.merge(model, {n: t for n, t in tensors.items() if not n.startswith(GIST)}, rank=about.lora_rank, alpha=about.lora_alpha)
    if isinstance(shown, GistEncoder):
        return M2LModel(model=model, word_ids=[], about=about, gist=shown)
    return M2LModel(model=model, word_ids=add_words(model, about.vocabulary.words(), shown), about=about)


def _gist_of(tensors: dict[str, torch.Tensor], about: M2LAbout, dim: int) -> GistEncoder:
    """The gist encoder among an adapter's tensors. Raises KeyError or RuntimeError where it is not whole."""
    encoder = GistEncoder(about.gist_shape(dim))
    encoder.load_state_dict({n.removeprefix(GIST): t.float() for n, t in tensors.items() if n.startswith(GIST)})
    return encoder.eval().requires_grad_(False)
