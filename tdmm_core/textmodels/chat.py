"""Asking a chat model, by an OpenAI-compatible endpoint or on this machine. Knows neither what is asked nor why."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tdmm_core.errors import ServiceError
from tdmm_core.runtime.keys import Key, key_from
from tdmm_core.runtime.web import Patience, WebClient
from tdmm_core.textmodels.causal import continue_rows, load_causal

ENDPOINT = "openai:"
"A name that begins so is a model of the endpoint."
_ADDRESS = "https://api.openai.com/v1"
_LONGEST = 240
_TEMPERATURE = 0.8


class ChatEndpoint:
    """A model behind `OPENAI_BASE_URL` (OpenAI's own by default), with the key of `OPENAI_API_KEY`, which servers of one's own do not need."""

    def __init__(self, model: str, *, environment: Mapping[str, str] = os.environ, patience: Patience | None = None) -> None:
        """Raises MissingPartError where OpenAI's own endpoint is asked without a key, InputError for an address that is none."""
        address = environment.get("OPENAI_BASE_URL", "").strip() or _ADDRESS
        own = urlsplit(address).netloc != urlsplit(_ADDRESS).netloc
        keyless = own and not environment.get("OPENAI_API_KEY", "").strip()
        key: Key | None = None if keyless else key_from(("OPENAI_API_KEY",), f"the chat model {model}", environment)
        self.model = model
        self._web = WebClient(address, "Authorization", lambda: key, patience)

    def __call__(self, text: str, *, jpegs: Sequence[bytes] = (), seed: int = 0) -> str:
        """The answer to one question, with pictures where there are any. Raises ServiceError with the service's own words."""
        pictures = [{"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{base64.b64encode(j).decode()}"}} for j in jpegs]
        content: object = [{"type": "text", "text": text}, *pictures] if pictures else text
        body = {"model": self.model, "messages": [{"role": "user", "content": content}], "temperature": _TEMPERATURE, "seed": seed}
        answer = self._web.send("POST", "chat/completions", body)
        try:
            return str(answer["choices"][0]["message"]["content"] or "")
        except (KeyError, IndexError, TypeError) as e:
            raise ServiceError(f"{self.model}: expected the answer of a chat model, got {str(answer)[:120]}") from e


def local_chat(name: str | None = None, *, gguf: Path | None = None) -> Callable[..., str]:
    """A causal language model on this machine as a chat model: an id, a folder, or the embedded one. Raises what `load_causal` raises."""
    model = load_causal(name, gguf=gguf)

    def ask(text: str, *, seed: int = 0) -> str:
        row = model.ids(model.chat(text)) if model.text_tokenizer.chat_template else model.ids(text)
        return continue_rows(model, [row], longest=_LONGEST, temperature=_TEMPERATURE, seed=seed)[0]

    return ask
