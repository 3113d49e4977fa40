"""What animating needs, opened and matched by digest: the Language2Motion model, its text encoder and its motion tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tdmm_core.artifacts.header import Parent
from tdmm_core.artifacts.model_folder import read_model_header
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.language.l2m_model import L2MModel
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.device import resolve_device
from tdmm_core.textmodels.text_encoder import TextEncoder, load_text_encoder
from tdmm_core.tokenization.tokenizer import MotionTokenizer, load_default, load_embedded

KIND = "language-to-motion"
DEFAULT_MODEL = Path(__file__).parents[1] / "pretrained" / KIND


@dataclass(frozen=True, kw_only=True, eq=False)
class Animator:
    """Parts that belong together."""

    model: L2MModel
    encoder: TextEncoder
    tokenizer: MotionTokenizer
    parents: tuple[Parent, ...]
    "The model and the motion tokenizer, as an artifact remembers them."


def load_animator(run: Run, *, model: Path | None = None, tokenizer: Path | None = None) -> Animator:
    """Open model and motion tokenizer, the embedded ones for None, and the text encoder that the model was trained with.

    Raises InputError for parts that do not belong together and MissingPartError for absent ones.
    """
    folder = model or DEFAULT_MODEL
    if model is None and not (folder / "config.json").is_file():
        raise MissingPartError(f"language-to-motion model: the embedded one is not in this installation ({folder}); train one: tdmm train-l2m")
    header = read_model_header(folder, KIND)
    l2m = L2MModel.load(folder, device=resolve_device(run.device))
    motion_tokenizer = MotionTokenizer.load(tokenizer) if tokenizer else load_embedded(l2m.tokenizer_digest) or load_default()
    if motion_tokenizer.digest != l2m.tokenizer_digest:
        raise InputError(
            f"--model {model or 'embedded'} was trained on codes of motion tokenizer {l2m.tokenizer_digest[:12]}, but --tokenizer "
            f"{tokenizer or 'embedded'} is {motion_tokenizer.digest[:12]}; give the folder of the first with --tokenizer"
        )
    parents = (
        Parent(kind=header.kind, digest=header.digest, name=folder.name),
        Parent(kind="motion-tokenizer", digest=motion_tokenizer.digest, name=tokenizer.name if tokenizer else "motion-tokenizer"),
    )
    return Animator(model=l2m, encoder=_matching_encoder(l2m), tokenizer=motion_tokenizer, parents=parents)


def _matching_encoder(l2m: L2MModel) -> TextEncoder:
    encoder = load_text_encoder(l2m.text_encoder)
    if encoder.digest != l2m.text_encoder_digest:
        raise InputError(
            f"text encoder {l2m.text_encoder!r}: the model was trained with {l2m.text_encoder_digest[:12]}, here is {encoder.digest[:12]}; "
            "install the version of it that the model was trained with, or train the model again"
        )
    return encoder
