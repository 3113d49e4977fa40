"""The binary side of a glTF file: buffer views and accessors, dense and sparse, in one buffer. Knows nothing of faces."""

from __future__ import annotations

import numpy as np

_FLOAT, _UINT16, _UINT32 = 5126, 5123, 5125
_ARRAY, _ELEMENTS = 34962, 34963
"What a view is for: vertices or triangles."


class Buffers:
    """Takes arrays in and gives numbers of accessors out."""

    def __init__(self) -> None:
        self._content: list[bytes] = []
        self._length = 0
        self._views: list[dict] = []
        self._accessors: list[dict] = []

    def raw(self, content: bytes) -> int:
        """Number of a view of bytes, such as a picture."""
        return self._view(content)

    def accessor(self, values: np.ndarray, kind: str, *, bounds: bool = False, vertices: bool = True) -> int:
        """Number of an accessor of float32 `values` (N, width) or (N,); `vertices` are what a mesh is drawn from."""
        values = np.ascontiguousarray(values, "<f4")
        view = self._view(values.tobytes(), target=_ARRAY if vertices else None)
        return self._added({"bufferView": view, "componentType": _FLOAT, "count": len(values), "type": kind} | _bounds(values, bounds))

    def sparse(self, values: np.ndarray, kind: str, *, bounds: bool = False) -> int:
        """As `accessor`, storing only the rows that are not zero."""
        values = np.ascontiguousarray(values, "<f4")
        rows = np.flatnonzero(values.any(axis=1))
        about = {"componentType": _FLOAT, "count": len(values), "type": kind} | _bounds(values, bounds)
        if len(rows):
            small = len(values) <= 65535
            index = self._view(rows.astype("<u2" if small else "<u4").tobytes())
            where = {"bufferView": index, "componentType": _UINT16 if small else _UINT32}
            about["sparse"] = {"count": len(rows), "indices": where, "values": {"bufferView": self._view(values[rows].tobytes())}}
        return self._added(about)

    def indices(self, triangles: np.ndarray) -> int:
        """Number of an accessor of triangles (F, 3)."""
        view = self._view(np.ascontiguousarray(triangles, "<u4").tobytes(), target=_ELEMENTS)
        return self._added({"bufferView": view, "componentType": _UINT32, "count": triangles.size, "type": "SCALAR"})

    def described(self) -> dict:
        """What the document says of the buffer."""
        return {"buffers": [{"byteLength": self._length}], "bufferViews": self._views, "accessors": self._accessors}

    def content(self) -> bytes:
        """The buffer."""
        return b"".join(self._content)

    def _view(self, content: bytes, *, target: int | None = None) -> int:
        self._views.append({"buffer": 0, "byteOffset": self._length, "byteLength": len(content)} | ({} if target is None else {"target": target}))
        padding = b"\0" * (-len(content) % 4)
        self._content += [content, padding]
        self._length += len(content) + len(padding)
        return len(self._views) - 1

    def _added(self, accessor: dict) -> int:
        self._accessors.append(accessor)
        return len(self._accessors) - 1


def _bounds(values: np.ndarray, wanted: bool) -> dict:
    if not wanted:
        return {}
    table = values.reshape(len(values), -1)
    return {"min": [float(v) for v in table.min(axis=0)], "max": [float(v) for v in table.max(axis=0)]}
