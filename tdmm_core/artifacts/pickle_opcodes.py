"""The bytes of a pickle as named operations with plain arguments. Owns the encoding (protocols 0 to 5); knows nothing of what they build.

Nothing is made here but numbers, text and bytes, none longer than the file itself.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable, Iterator

_BARE = {
    b".": "STOP", b"(": "MARK", b"0": "POP", b"1": "POP_MARK", b"2": "DUP", b"N": "NONE", b"R": "REDUCE", b"a": "APPEND", b"b": "BUILD", b"d": "DICT",
    b"}": "EMPTY_DICT", b"e": "APPENDS", b"l": "LIST", b"]": "EMPTY_LIST", b"o": "OBJ", b"s": "SETITEM", b"t": "TUPLE", b")": "EMPTY_TUPLE",
    b"u": "SETITEMS", b"Q": "BINPERSID", b"\x81": "NEWOBJ", b"\x85": "TUPLE1", b"\x86": "TUPLE2", b"\x87": "TUPLE3", b"\x88": "TRUE",
    b"\x89": "FALSE", b"\x8f": "EMPTY_SET", b"\x90": "ADDITEMS", b"\x91": "FROZENSET", b"\x92": "NEWOBJ_EX", b"\x93": "STACK_GLOBAL",
    b"\x94": "MEMOIZE", b"\x97": "NEXT_BUFFER", b"\x98": "READONLY_BUFFER",
}  # fmt: skip
"Operations without an argument."
_NUMBERS = {
    b"J": ("VALUE", "<i"), b"K": ("VALUE", "<B"), b"M": ("VALUE", "<H"), b"G": ("VALUE", ">d"), b"h": ("GET", "<B"), b"j": ("GET", "<I"),
    b"q": ("PUT", "<B"), b"r": ("PUT", "<I"), b"\x80": ("PROTO", "<B"), b"\x82": ("EXT", "<B"), b"\x83": ("EXT", "<H"), b"\x84": ("EXT", "<i"),
    b"\x95": ("FRAME", "<Q"),
}  # fmt: skip
"Operations with one number, by its struct format."


def _latin(data: bytes) -> str:
    return data.decode("latin-1")


def _utf8(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _long(data: bytes) -> int:
    if len(data) > 64:
        raise ValueError("a whole number of more than 64 bytes")
    return int.from_bytes(data, "little", signed=True)


_BLOCKS: dict[bytes, tuple[str, Callable[[bytes], object]]] = {
    b"U": ("<B", _latin), b"T": ("<i", _latin), b"\x8c": ("<B", _utf8), b"X": ("<I", _utf8), b"\x8d": ("<Q", _utf8), b"C": ("<B", bytes),
    b"B": ("<I", bytes), b"\x8e": ("<Q", bytes), b"\x96": ("<Q", bytearray), b"\x8a": ("<B", _long), b"\x8b": ("<i", _long),
}  # fmt: skip
"Values of a stated length: the length's struct format, and what the bytes are. Text of Python 2 is read as Latin-1, so that no byte is lost."


def _int(line: bytes) -> object:
    return line == b"01" if line in (b"00", b"01") else int(line)


def _quoted(line: bytes) -> str:
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise ValueError("text without its quotes")
    return _latin(codecs.escape_decode(line[1:-1])[0])


_LINES: dict[bytes, tuple[str, Callable[[bytes], object]]] = {
    b"F": ("VALUE", float), b"I": ("VALUE", _int), b"L": ("VALUE", lambda line: int(line.rstrip(b"L"))), b"S": ("VALUE", _quoted),
    b"V": ("VALUE", lambda line: line.decode("raw-unicode-escape")), b"g": ("GET", int), b"p": ("PUT", int), b"P": ("PERSID", _latin),
}  # fmt: skip
"Operations whose argument is the rest of the line."


def operations(data: bytes) -> Iterator[tuple[str, object]]:
    """Name and argument of each operation up to STOP. Raises ValueError for bytes that are no pickle, or a truncated one."""
    at = 0

    def take(count: int) -> bytes:
        nonlocal at
        if count < 0 or at + count > len(data):
            raise ValueError("its end is missing, or a length in it is wrong")
        at += count
        return data[at - count : at]

    def number(form: str) -> int:
        return struct.unpack(form, take(struct.calcsize(form)))[0]

    def line() -> bytes:
        return take(data.index(b"\n", at) + 1 - at)[:-1]

    while True:
        code = take(1)
        if code in _BARE:
            yield _BARE[code], None
            if code == b".":
                return
        elif code in _NUMBERS:
            name, form = _NUMBERS[code]
            yield name, number(form)
        elif code in _BLOCKS:
            form, read = _BLOCKS[code]
            yield "VALUE", read(take(number(form)))
        elif code in _LINES:
            name, parse = _LINES[code]
            yield name, parse(line())
        elif code in (b"c", b"i"):
            yield {b"c": "GLOBAL", b"i": "INST"}[code], (_utf8(line()), _utf8(line()))
        else:
            raise ValueError(f"byte {code[0]:#x} is no operation of a pickle")
