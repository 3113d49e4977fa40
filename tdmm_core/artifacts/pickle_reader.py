"""The restricted pickle reader: the one way by which a pickled file of another tool (FLAME, SMIRK ...) is read.

An interpreter of its own, not Python's: it keeps a stack of plain values and asks `pickle_values` for the few other things that are known. No name
in a file is ever imported, looked up or called, so a file can only be read or refused. Python 2's files are read with their text as Latin-1.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.opening import check_exists, is_zip
from tdmm_core.artifacts.pickle_opcodes import operations
from tdmm_core.artifacts.pickle_values import Builder, Known, RefusedError, Shell, known, plain_keys, text_checked
from tdmm_core.errors import InputError

LARGEST_BYTES = 2**30
_BROKEN = (ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError, RecursionError, AttributeError)
"What damaged bytes end in; RefusedError is told apart."
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError)


def read_pickle(path: Path | str) -> object:
    """The content of a pickled file: dicts, lists, tuples, sets, text, bytes, numbers, arrays and sparse matrices; chumpy shells become arrays.

    Raises InputError for everything else, before anything in the file has had an effect.
    """
    path = Path(path)
    return parse_pickle(_content(path), str(path))


def read_arrays(path: Path | str) -> dict[str, object]:
    """What an npz, npy (under the key `array`) or pickled file holds, by name; pickled members of an npz are read as `read_pickle` reads."""
    path = Path(path)
    if is_zip(path):
        return _npz(path)
    content = _content(path)
    if content.startswith(b"\x93NUMPY"):
        return {"array": _npy(content, str(path))}
    found = parse_pickle(content, str(path))
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected named arrays, got a pickled {type(found).__name__}")
    return {str(key): value for key, value in found.items()}


def parse_pickle(content: bytes, name: str) -> object:
    """As `read_pickle`, for bytes; `name` is what errors call them."""
    try:
        return _Machine(content).run()
    except RefusedError as e:
        raise InputError(f"{name}: refused: {e}") from e
    except _BROKEN as e:
        why = str(e)[:120] or type(e).__name__
        raise InputError(f"{name}: expected a pickled file of arrays, got something else or a damaged one ({why})") from e


def _content(path: Path) -> bytes:
    check_exists(path)
    if path.is_dir():
        raise InputError(f"{path}: a folder; expected a pickled file or an npz")
    if path.stat().st_size > LARGEST_BYTES:
        raise InputError(f"{path}: {path.stat().st_size / 1e9:.1f} GB; expected a file of at most 1 GB")
    try:
        return path.read_bytes()
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror})") from e


def _npz(path: Path) -> dict[str, object]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
            if sum(m.file_size for m in members) > LARGEST_BYTES:
                raise InputError(f"{path}: it unfolds to more than 1 GB; expected named arrays")
            return {m.filename.removesuffix(".npy"): _npy(archive.read(m), f"{path}: {m.filename}") for m in members}
    except _BROKEN_ZIP as e:
        raise InputError(f"{path}: damaged or truncated ({e}); copy it again") from e


def _npy(content: bytes, name: str) -> object:
    """An array, or what a pickled one holds; a single object in an array is taken out of it."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        kind = header(stream)[2]
        if not kind.hasobject:
            stream.seek(0)
            return text_checked(np.lib.format.read_array(stream, allow_pickle=False))
    except RefusedError as e:
        raise InputError(f"{name}: refused: {e}") from e
    except _BROKEN as e:
        raise InputError(f"{name}: damaged or truncated ({e}); copy it again") from e
    found = parse_pickle(content[stream.tell() :], name)
    if isinstance(found, np.ndarray) and found.dtype.hasobject and found.ndim == 0:
        return found[()]
    return found


class _Machine:
    """Stack, marks and memo of one pickle."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._stack: list[object] = []
        self._marks: list[list[object]] = []
        self._memo: dict[int, object] = {}
        self._build = Builder(4 * len(content) + 2**20)

    def run(self) -> object:
        for name, argument in operations(self._content):
            if name == "STOP":
                return self._settled(self._stack.pop())
            self._do(name, argument)
        raise ValueError("it ends without a result")

    def _do(self, name: str, argument: object) -> None:
        push, pop = self._stack.append, self._stack.pop
        match name:
            case "PROTO" | "FRAME":
                pass
            case "VALUE":
                push(argument)
            case "NONE" | "TRUE" | "FALSE":
                push({"NONE": None, "TRUE": True, "FALSE": False}[name])
            case "POP":
                pop()
            case "POP_MARK":
                self._since_mark()
            case "DUP":
                push(self._stack[-1])
            case "MARK":
                self._marks.append(self._stack)
                self._stack = []
            case "PUT" | "MEMOIZE":
                self._memo[argument if name == "PUT" else len(self._memo)] = self._stack[-1]  # type: ignore[index]
            case "GET":
                push(self._filled(self._memo[argument]))  # type: ignore[index]
            case "GLOBAL":
                push(known(*argument))  # type: ignore[misc]
            case "STACK_GLOBAL":
                own, module = pop(), pop()
                push(known(*(n if isinstance(n, str) else "?" for n in (module, own))))
            case "REDUCE" | "NEWOBJ":
                arguments, function = pop(), pop()
                push((self._build.call if name == "REDUCE" else self._build.new)(function, arguments))
            case "BUILD":
                state, shell = pop(), pop()
                push(self._build.fill(shell, state))
            case _:
                self._collect(name)

    def _collect(self, name: str) -> None:
        """Operations that make and fill tuples, lists, dicts and sets."""
        push, pop = self._stack.append, self._stack.pop
        match name:
            case "EMPTY_TUPLE" | "EMPTY_LIST" | "EMPTY_DICT" | "EMPTY_SET":
                push({"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set}[name]())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(name[-1])
                items = [pop() for _ in range(count)][::-1]
                push(tuple(self._part(i) for i in items))
            case "TUPLE":
                items = self._since_mark()
                self._stack.append(tuple(self._part(i) for i in items))
            case "LIST" | "FROZENSET":
                items = [self._settled(i) for i in self._since_mark()]
                self._stack.append(items if name == "LIST" else frozenset(plain_keys(items)))
            case "DICT":
                pairs = dict(self._pairs(self._since_mark()))
                self._stack.append(pairs)
            case "APPEND" | "APPENDS":
                items = [pop()] if name == "APPEND" else self._since_mark()
                self._top(list).extend(self._settled(i) for i in items)
            case "SETITEM" | "SETITEMS":
                items = [pop(), pop()][::-1] if name == "SETITEM" else self._since_mark()
                self._top(dict).update(self._pairs(items))
            case "ADDITEMS":
                items = self._since_mark()
                self._top(set).update(plain_keys(items))
            case _:
                raise RefusedError(f"it uses the operation {name}, which files of arrays do not need")

    def _since_mark(self) -> list[object]:
        items, self._stack = self._stack, self._marks.pop()
        return items

    def _top(self, kind: type) -> object:
        top = self._stack[-1]
        if type(top) is not kind:
            raise RefusedError(f"it fills a {type(top).__name__} as if it were a {kind.__name__}")
        return top

    def _pairs(self, items: list[object]) -> Iterator[tuple[object, object]]:
        if len(items) % 2:
            raise ValueError("a key without its value")
        return zip(plain_keys(items[::2]), (self._settled(v) for v in items[1::2]), strict=True)

    def _filled(self, value: object) -> object:
        return value.value if isinstance(value, Shell) and value.filled else value

    def _part(self, value: object) -> object:
        """A member of a tuple: any finished value, or a known name on its way to be called with."""
        return value if isinstance(value, Known) else self._settled(value)

    def _settled(self, value: object) -> object:
        """A finished value. Raises RefusedError for names, for what holds them, and for what was begun and never filled."""
        value = self._filled(value)
        if isinstance(value, Known | Shell) or (isinstance(value, tuple) and any(isinstance(i, Known) for i in value)):
            raise RefusedError("a name or an unfinished object stands in it where a value belongs")
        return value
