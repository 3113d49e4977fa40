"""Gemini's own API (`POST models/M:generateContent`): a question, with pictures where there are any, and its answer. Knows no question.

The address is GOOGLE_GEMINI_BASE_URL (Google's own by default), the key GEMINI_API_KEY or GOOGLE_API_KEY.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tdmm_core.errors import MissingPartError, ServiceError
from tdmm_core.runtime.keys import key_from
from tdmm_core.runtime.web import Patience, WebClient

REFUSED = "REFUSED"
"Reason of the ServiceError where the model would not answer, which is no fault of the service."
_ADDRESS = "https://generativelanguage.googleapis.com/v1beta"
_TEMPERATURE = 0.4
_LONGEST = 4096


class GeminiEndpoint:
    """One of Gemini's models."""

    def __init__(self, model: str, *, environment: Mapping[str, str] = os.environ, patience: Patience | None = None) -> None:
        """Raises MissingPartError without a key, InputError for an address that is none."""
        key = key_from(("GEMINI_API_KEY", "GOOGLE_API_KEY"), f"the model {model}", environment)
        self.model = model
        self._web = WebClient(environment.get("GOOGLE_GEMINI_BASE_URL") or _ADDRESS, "x-goog-api-key", lambda: key, patience)

    def __call__(self, text: str, *, jpegs: Sequence[bytes] = (), seed: int = 0) -> str:
        """The answer. Raises ServiceError, with reason REFUSED where the model declines, and MissingPartError where key or model are not known."""
        pictures = [{"inline_data": {"mime_type": "image/jpeg", "data": base64.b64encode(j).decode()}} for j in jpegs]
        body = {
            "contents": [{"role": "user", "parts": [{"text": text}, *pictures]}],
            "generationConfig": {"temperature": _TEMPERATURE, "maxOutputTokens": _LONGEST, "seed": seed},
        }
        try:
            return self._text(self._web.send("POST", f"models/{self.model}:generateContent", body))
        except ServiceError as e:
            if e.status in (401, 403, 404):
                raise MissingPartError(f"{self.model}: key or model is not accepted ({e})") from None
            raise

    def _text(self, answer: Mapping[str, Any]) -> str:
        blocked = (answer.get("promptFeedback") or {}).get("blockReason")
        candidates = answer.get("candidates") or []
        reason = blocked or (candidates[0].get("finishReason", "") if candidates else "no candidate")
        parts = (candidates[0].get("content") or {}).get("parts") or [] if candidates else []
        text = "".join(str(p.get("text", "")) for p in parts if not p.get("thought"))
        if blocked or not candidates or (not text and reason not in ("STOP", "MAX_TOKENS")):
            raise ServiceError(f"{self.model}: would not answer ({reason})", reason=REFUSED)
        return text
