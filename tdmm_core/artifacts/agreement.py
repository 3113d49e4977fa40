"""What all clips of one artifact must share: the root attributes, and the widths of columns that a schema leaves open."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tdmm_core.artifacts.schema import Schema
from tdmm_core.errors import InputError


class Agreement:
    """Takes one clip after another and refuses the first that differs from those before it."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._shared, self._shared_by = "", ""
        self._widths: dict[str, tuple[int, str]] = {}

    @property
    def shared(self) -> dict[str, object]:
        """Root attributes; the schema's own where no clip had frames."""
        return json.loads(self._shared) if self._shared else dict(self._schema.unshared)

    @property
    def widths(self) -> dict[str, int]:
        """Width of each column that has one of its own, by name."""
        return {name: width for name, (width, _) in self._widths.items()}

    def take(self, clip_id: str, shared: str, widths: Mapping[str, int]) -> None:
        """`shared` is canonical JSON, empty where the clip has no frames. Raises InputError that names both clips and what differs."""
        if shared and not self._shared:
            self._shared, self._shared_by = shared, clip_id
        if shared and shared != self._shared:
            self._refuse(clip_id, json.loads(shared))
        for name, width in widths.items():
            known, first = self._widths.setdefault(name, (width, clip_id))
            if known != width:
                raise InputError(f"one artifact holds one number of {name} coefficients, but clip {first!r} has {known} and clip {clip_id!r} {width}")

    def _refuse(self, clip_id: str, other: Mapping[str, object]) -> None:
        for name, value in json.loads(self._shared).items():
            if value != other[name]:
                one, two = ("" if len(str(v)) > 60 else f" ({v})" for v in (value, other[name]))
                who = f"clip {self._shared_by!r}{one} and clip {clip_id!r}{two}"
                raise InputError(f"one artifact holds clips of one {name}, but {who} differ in it; write two artifacts")
