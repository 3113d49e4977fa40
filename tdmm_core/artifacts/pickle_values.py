"""What a pickle may build beside plain values: arrays, their dtypes and scalars, scipy's sparse matrices, and the array inside an old chumpy shell.

Owns the list of names that are known, and makes each thing itself from checked parts: nothing named in a file is imported or called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np


class RefusedError(ValueError):
    """What the file asks for is not among the few known things."""


@dataclass(frozen=True)
class Known:
    """A name that the file gave and that is known; it stands for nothing but itself."""

    what: str


@dataclass(eq=False)
class Shell:
    """Something that the file has begun and not yet filled."""

    what: str
    detail: str = ""
    value: object = None
    filled: bool = False


_OLD_NAMES = {"copy_reg": "copyreg", "__builtin__": "builtins"}
"Python 2's names of modules."
_KNOWN = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("numpy.core.multiarray", "_reconstruct"): "new array",
    ("numpy.core.multiarray", "scalar"): "scalar",
    ("numpy.core.numeric", "_frombuffer"): "array of a buffer",
    ("_codecs", "encode"): "encode",
    ("copyreg", "_reconstructor"): "new object",
    ("builtins", "object"): "object",
    ("builtins", "set"): "set",
    ("builtins", "bytes"): "bytes",
    ("chumpy.ch", "Ch"): "chumpy",
}
_SPARSE = re.compile(r"scipy\.sparse\.(?:_?(?:csc|csr|coo)\.)?(csc|csr|coo)_(?:matrix|array)")
_DTYPE = re.compile(r"b1|[iu][1248]|f[248]|c8|c16|[SU][1-9]\d{0,5}|O8?")


def known(module: str, name: str) -> Known:
    """The known thing of that name. Raises RefusedError for every other."""
    module = _OLD_NAMES.get(module, module).replace("numpy._core.", "numpy.core.")
    form = _SPARSE.fullmatch(f"{module}.{name}")
    what = f"sparse {form[1]}" if form else _KNOWN.get((module, name))
    if what is None:
        shown = f"{module}.{name}"[:80]
        raise RefusedError(f"it asks for {shown!r}; only numpy arrays, scipy sparse matrices and old chumpy arrays are read")
    return Known(what)


class Builder:
    """Makes values for one file; what it makes together is no larger than a few times the file."""

    def __init__(self, budget_bytes: int) -> None:
        self._budget = budget_bytes

    def call(self, function: object, arguments: object) -> object:
        """What a known name gives for a tuple of arguments."""
        if not isinstance(function, Known) or not isinstance(arguments, tuple):
            raise RefusedError("it calls something that is no known name")
        match function.what, arguments:
            case "new array", (Known("ndarray"), tuple(), str() | bytes()):
                return Shell("array")
            case "dtype", (str(form), *rest) if all(isinstance(r, int) for r in rest):
                return Shell("dtype", detail=_checked(form))
            case "scalar", (np.dtype() as kind, raw):
                return self._array(raw, kind, (), "C")[()]
            case "array of a buffer", (raw, np.dtype() as kind, tuple(shape), ("C" | "F") as order):
                return self._array(raw, kind, shape, order)
            case "new object", (Known() as which, Known("object"), None):
                return self.new(which, ())
            case "encode", (str(text), "latin1" | "latin-1"):
                return self._bytes(text)
            case "set", ():
                return set()
            case "set", (list(items),):
                return set(plain_keys(items))
            case "bytes", ():
                return b""
        raise RefusedError(f"it makes a {function.what} in an unknown way")

    def new(self, which: object, arguments: object) -> Shell:
        """An empty object of a known class."""
        if isinstance(which, Known) and arguments == () and (which.what == "chumpy" or which.what.startswith("sparse ")):
            return Shell(*which.what.split(" "))
        raise RefusedError("it makes an object of a class that is not among the known ones")

    def fill(self, shell: object, state: object) -> object:
        """The finished value of a shell."""
        if not isinstance(shell, Shell) or shell.filled:
            raise RefusedError("it sets the state of something that has none")
        match shell.what, state:
            case "array", (int(), tuple(shape), np.dtype() as kind, bool() | int() as fortran, raw):
                value: object = self._array(raw, kind, shape, "F" if fortran else "C")
            case "dtype", (int(), ("<" | ">" | "|" | "=") as order, None, None, None, *rest) if all(isinstance(r, int) for r in rest[:3]):
                value = np.dtype(object) if shell.detail.startswith("O") else np.dtype(order + shell.detail)
            case "sparse", dict():
                value = self._sparse(shell.detail, state)
            case "chumpy", {"x": np.ndarray() | float() | int() as inside}:
                value = np.asarray(inside)
            case _:
                raise RefusedError(f"a {shell.what} in it has another content than such a thing has")
        shell.value, shell.filled = value, True
        return value

    def _array(self, raw: object, kind: np.dtype, shape: tuple, order: str) -> np.ndarray:
        if len(shape) > 32 or not all(type(n) is int and n >= 0 for n in shape):
            raise RefusedError("an array in it has an impossible shape")
        count = int(np.prod([int(n) for n in shape], dtype=object)) if shape else 1
        if kind.hasobject:
            return _objects(raw, count, shape, order)
        if isinstance(raw, str):
            raw = self._bytes(raw)
        if not isinstance(raw, bytes | bytearray) or len(raw) != count * kind.itemsize:
            raise RefusedError("an array in it has another size than it says")
        if count == 0:
            return np.zeros(shape, kind)
        return text_checked(np.frombuffer(bytes(raw), kind).reshape(shape, order=order))

    def _bytes(self, text: str) -> bytes:
        self._budget -= len(text)
        if self._budget < 0:
            raise RefusedError("it unfolds to many times its own size")
        return text.encode("latin-1")

    def _sparse(self, form: str, state: dict) -> object:
        from scipy import sparse

        shape = state.get("_shape", state.get("shape"))
        match form, state, shape:
            case "coo", {"data": np.ndarray() as data}, (int(rows), int(columns)):
                where = state.get("coords") or (state.get("row"), state.get("col"))
                made = sparse.coo_matrix((data, where), shape=(rows, columns))
            case "csc" | "csr", {"data": np.ndarray() as data, "indices": np.ndarray() as where, "indptr": np.ndarray() as starts}, (int(), int()):
                if len(starts) != shape[form == "csc"] + 1:
                    raise RefusedError("a sparse matrix in it has another size than it says")
                made = {"csc": sparse.csc_matrix, "csr": sparse.csr_matrix}[form]((data, where, starts), shape=shape)
                made.check_format(full_check=True)
            case _:
                raise RefusedError("a sparse matrix in it lacks a part")
        return made


def text_checked(array: np.ndarray) -> np.ndarray:
    """The array. Raises RefusedError for one of text whose numbers are no characters: numpy would fail on it later, and not as it should."""
    if array.dtype.kind == "U" and array.size:
        codes = np.ascontiguousarray(array).reshape(-1).view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        if codes.max() > 0x10FFFF:
            raise RefusedError("text in it is of numbers that are no characters")
    return array


def _checked(form: str) -> str:
    if not _DTYPE.fullmatch(form):
        raise RefusedError(f"an array in it is of unknown type {form[:20]!r}")
    return form


def _objects(raw: object, count: int, shape: tuple, order: str) -> np.ndarray:
    """An array of values that were read already."""
    if not isinstance(raw, list) or len(raw) != count:
        raise RefusedError("an array of objects in it has another size than it says")
    result = np.empty(count, object)
    result[:] = raw if count else []
    return result.reshape(shape, order=order)


def plain_keys(items: list | tuple) -> list | tuple:
    """The items, when all may be keys: text, bytes and numbers alone."""
    if not all(isinstance(i, str | bytes | int | float | None) for i in items):
        raise RefusedError("a key or set member in it is neither text nor a number")
    return items
