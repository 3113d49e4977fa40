"""The embedded language model: from the GGUF file that it is published in to a folder that loads in a second or two.

Owns the conversion, done once and kept beside the GGUF. Does not know where the GGUF comes from: it is given the path.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import struct
import tempfile
from pathlib import Path

from tdmm_core.errors import InputError

EMBEDDED_NAME = "SmolLM2-135M-Instruct"
"Name under which models remember the embedded language model."
SOURCE = "source.json"
"Written last into a converted folder: which file it was made from."
_LAYOUT = 1


def embedded_folder(gguf: Path) -> Path:
    """The folder converted from `gguf` (config.json, model.safetensors in bfloat16, text tokenizer), made on first use.

    Several processes may ask at once: each converts into a folder of its own and the first to finish gives it the name.
    Raises InputError where the file is no language model or the folder cannot be written.
    """
    folder = gguf.with_name(f"{gguf.stem}.converted-{_LAYOUT}")
    if (folder / SOURCE).is_file():
        return folder
    try:
        working = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=gguf.parent))
    except OSError as e:
        raise InputError(
            f"{gguf.parent}: expected a folder that can be written, to convert the language model in ({e.strerror}); set TDMM_CACHE"
        ) from e
    try:
        _convert(gguf, working)
        _give_name(working, folder)
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return folder


def _convert(gguf: Path, folder: Path) -> None:
    """Dequantize into bfloat16, which keeps more digits than the file's four bits have."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tdmm_core.textmodels.quiet import quiet

    quiet()
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # the reader of GGUF draws a bar that nothing else turns off
            network = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16, **_dense())
            words = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    except (OSError, ValueError, LookupError, TypeError, struct.error) as e:
        reason = str(e).splitlines()[0]
        raise InputError(f"{gguf}: expected the language model {EMBEDDED_NAME} as GGUF, got a file that does not read ({reason})") from e
    network.config._name_or_path = EMBEDDED_NAME
    tied = "lm_head.weight" if network.config.tie_word_embeddings else None
    tensors = {name: value.to(torch.bfloat16).contiguous() for name, value in network.state_dict().items() if name != tied}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    network.config.save_pretrained(folder)
    network.generation_config.save_pretrained(folder)
    words.save_pretrained(folder)
    with gguf.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    (folder / SOURCE).write_text(json.dumps({"name": EMBEDDED_NAME, "digest": digest}) + "\n", encoding="utf-8")


def _dense() -> dict:
    """Newer libraries leave the blocks packed unless told otherwise; older ones always unpack."""
    try:
        from transformers import GgufConfig
    except ImportError:
        return {}
    return {"quantization_config": GgufConfig(dequantize=True)}


def _give_name(working: Path, folder: Path) -> None:
    for path in working.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    working.chmod(0o755)
    try:
        working.rename(folder)
    except OSError:
        if not (folder / SOURCE).is_file():
            raise
