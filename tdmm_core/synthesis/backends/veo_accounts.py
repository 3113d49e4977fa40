"""The two kinds of account for Veo: an API key of the Gemini API, or a project of Vertex AI with a token that is renewed.

Owns addresses, forms and where keys come from.
"""

from __future__ import annotations

import base64
import binascii
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from tdmm_core.errors import MissingPartError, ServiceError
from tdmm_core.runtime.keys import Key, key_from, without_secrets
from tdmm_core.runtime.web import Patience, WebClient
from tdmm_core.synthesis.generation import Request
from tdmm_core.synthesis.known import Generation

API_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
_GEMINI = "https://generativelanguage.googleapis.com/v1beta"
_GCLOUD_TIMEOUT_S = 60


class Account(Protocol):
    """How one kind of account is spoken to."""

    def start(self, request: Request) -> str:
        """Begin a generation; returns the operation's name. May cost money, so it is never sent twice on a doubt."""
        ...

    def poll(self, operation: str) -> dict[str, Any]:
        """The operation as it stands."""
        ...

    def fetch(self, video: Mapping[str, Any], path: Path) -> None:
        """Bring a finished video to `path`."""
        ...


def open_account(generation: Generation, *, patience: Patience | None = None, environment: Mapping[str, str] = os.environ) -> Account:
    """Vertex where GOOGLE_GENAI_USE_VERTEXAI is true or only a project is named, else the Gemini API.

    Raises MissingPartError where the environment holds neither a key nor a project.
    """
    project = environment.get("GOOGLE_CLOUD_PROJECT", "")
    wanted = environment.get("GOOGLE_GENAI_USE_VERTEXAI", "").lower() in ("1", "true")
    if wanted and not project:
        raise MissingPartError("veo on Vertex AI needs the environment variable GOOGLE_CLOUD_PROJECT")
    if wanted or (project and not any(environment.get(name) for name in API_KEYS)):
        return VertexAccount(generation, project, environment, patience)
    return ApiAccount(generation, environment, patience)


class ApiAccount:
    """The Gemini API."""

    def __init__(self, generation: Generation, environment: Mapping[str, str], patience: Patience | None) -> None:
        key = key_from(API_KEYS, "veo", environment)
        base = environment.get("GOOGLE_GEMINI_BASE_URL") or _GEMINI
        self._generation = generation
        self._web = WebClient(base, "x-goog-api-key", lambda: key, patience)

    def start(self, request: Request) -> str:
        body = _body(self._generation, request, personGeneration="allow_all")
        return _name(self._web.send("POST", f"models/{self._generation.model}:predictLongRunning", body, repeatable=False))

    def poll(self, operation: str) -> dict[str, Any]:
        return self._web.send("GET", operation)

    def fetch(self, video: Mapping[str, Any], path: Path) -> None:
        self._web.download(str(video["uri"]), path)


class VertexAccount:
    """Vertex AI: a project, a location, and a token for an hour."""

    def __init__(self, generation: Generation, project: str, environment: Mapping[str, str], patience: Patience | None) -> None:
        location = environment.get("GOOGLE_CLOUD_LOCATION") or "us-central1"
        base = environment.get("GOOGLE_VERTEX_BASE_URL") or f"https://{location}-aiplatform.googleapis.com/v1"
        self._generation = generation
        self._model = f"projects/{project}/locations/{location}/publishers/google/models/{generation.model}"
        self._web = WebClient(base, "Authorization", VertexToken(environment), patience)

    def start(self, request: Request) -> str:
        body = _body(self._generation, request, personGeneration="allow_adult", generateAudio=False)
        return _name(self._web.send("POST", f"{self._model}:predictLongRunning", body, repeatable=False))

    def poll(self, operation: str) -> dict[str, Any]:
        return self._web.send("POST", f"{self._model}:fetchPredictOperation", {"operationName": operation})

    def fetch(self, video: Mapping[str, Any], path: Path) -> None:
        try:
            content = base64.b64decode(str(video["bytesBase64Encoded"]), validate=True)
        except (KeyError, binascii.Error) as e:
            raise ServiceError("veo: expected the video's bytes in the answer, got none; name no storage bucket for the project") from e
        part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
        part.write_bytes(content)
        part.replace(path)


class VertexToken:
    """VERTEX_ACCESS_TOKEN where it is set, else what `gcloud auth print-access-token` says, asked again when it has run out."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        given = environment.get("VERTEX_ACCESS_TOKEN", "").strip()
        self._token = Key("VERTEX_ACCESS_TOKEN", given) if given else self._ask()
        self._fixed = bool(given)

    def __call__(self) -> Key:
        return self._token

    def renew(self) -> bool:
        """Whether there is another token now."""
        if not self._fixed:
            self._token = self._ask()
        return not self._fixed

    def _ask(self) -> Key:
        try:
            told = subprocess.run(
                ["gcloud", "auth", "print-access-token"],
                capture_output=True, text=True, timeout=_GCLOUD_TIMEOUT_S, check=True, env=without_secrets(self._environment),
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as e:
            raise MissingPartError(
                "veo on Vertex AI needs a token: set VERTEX_ACCESS_TOKEN, or log in with `gcloud auth login` so that gcloud prints one"
            ) from (None if isinstance(e, subprocess.CalledProcessError) else e)
        return Key("VERTEX_ACCESS_TOKEN", told.stdout.strip())


def _body(generation: Generation, request: Request, **own: object) -> dict[str, object]:
    upright = generation.height_px > generation.width_px
    parameters = {
        "aspectRatio": "9:16" if upright else "16:9",
        "resolution": f"{min(generation.width_px, generation.height_px)}p",
        "durationSeconds": round(generation.duration_s),
        "negativePrompt": request.negative_prompt,
        "seed": request.seed,
        "sampleCount": 1,
    }
    return {"instances": [{"prompt": request.prompt}], "parameters": {**parameters, **own}}


def _name(answer: Mapping[str, Any]) -> str:
    if not answer.get("name"):
        raise ServiceError(f"veo: expected the name of an operation, got an answer with {', '.join(sorted(answer)) or 'nothing'}")
    return str(answer["name"])
