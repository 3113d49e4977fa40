"""What describing needs, opened and matched by digest: the Motion2Language model, its language model and its motion tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.header import Parent
from tdmm_core.artifacts.model_folder import read_model_header
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.language.m2l_decoding import windows_of
from tdmm_core.language.m2l_model import M2LModel, load_model, read_about
from tdmm_core.pipelines.m2l_parts import KIND, embedded_file
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.device import resolve_device
from tdmm_core.tokenization.tokenizer import MotionTokenizer, load_default, load_embedded

DEFAULT_MODEL = Path(__file__).parents[1] / "pretrained" / KIND


@dataclass(frozen=True, kw_only=True, eq=False)
class Describer:
    """Parts that belong together."""

    model: M2LModel
    tokenizer: MotionTokenizer
    parents: tuple[Parent, ...]
    "The model and the motion tokenizer, as an artifact remembers them."

    def windows(self, codes: np.ndarray) -> list[tuple[int, int]]:
        """The stretches of frames in which these codes are read."""
        return windows_of(len(codes), self.model.about.max_frames)


def load_describer(run: Run, *, model: Path | None = None, tokenizer: Path | None = None) -> Describer:
    """Open model, language model and motion tokenizer, the embedded ones for None.

    Raises InputError for parts that do not belong together and MissingPartError for absent ones.
    """
    folder = model or DEFAULT_MODEL
    if model is None and not (folder / "config.json").is_file():
        raise MissingPartError(f"motion-to-language model: the embedded one is not in this installation ({folder}); train one: tdmm train-m2l")
    header = read_model_header(folder, KIND)
    about = read_about(folder)
    coder = MotionTokenizer.load(tokenizer) if tokenizer else load_embedded(about.tokenizer_digest) or load_default()
    if coder.digest != about.tokenizer_digest:
        raise InputError(
            f"--model {model or 'embedded'} reads codes of motion tokenizer {about.tokenizer_digest[:12]}, but --tokenizer "
            f"{tokenizer or 'embedded'} is {coder.digest[:12]}; give the folder of the first with --tokenizer"
        )
    gguf = embedded_file(about.base, run) if about.is_adapter else None
    parents = (
        Parent(kind=header.kind, digest=header.digest, name=folder.name),
        Parent(kind="motion-tokenizer", digest=coder.digest, name=tokenizer.name if tokenizer else "motion-tokenizer"),
    )
    return Describer(model=_on_device(load_model(folder, gguf=gguf), run), tokenizer=coder, parents=parents)


def _on_device(model: M2LModel, run: Run) -> M2LModel:
    device = resolve_device(run.device)
    model.model.network.to(device)
    if model.gist is not None:
        model.gist.to(device)
    return model
