"""Keys of services: taken from the environment, shown nowhere. Knows no service."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tdmm_core.errors import MissingPartError

SECRETS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "VERTEX_ACCESS_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"Variables that no child process is given."


class Key:
    """A secret that prints as the name of its variable; `reveal` is for the header of a request alone."""

    __slots__ = ("_value", "name")

    def __init__(self, name: str, value: str) -> None:
        self.name, self._value = name, value

    def reveal(self) -> str:
        return self._value

    def hide(self, text: str) -> str:
        """`text` without the secret, should a service repeat it."""
        return text.replace(self._value, str(self)) if self._value else text

    def __repr__(self) -> str:
        return f"<{self.name}>"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError(f"{self}: a key is not written anywhere")


def key_from(names: tuple[str, ...], what: str, environment: Mapping[str, str] = os.environ) -> Key:
    """The first of the variables that is set. Raises MissingPartError that names them."""
    for name in names:
        if environment.get(name, "").strip():
            return Key(name, environment[name].strip())
    raise MissingPartError(f"{what} needs a key: put it into the environment variable {' or '.join(names)}; it is read from nowhere else")


def without_secrets(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment that a child process is given."""
    return {name: value for name, value in environment.items() if name not in SECRETS}
