"""The restricted pickle reader: what files of other tools hold is read to the bit, and every known way to run code from a pickle is refused.

Each attack is live: Python's own pickle runs it (in this test) and leaves a canary; the restricted reader must refuse it and leave none.
"""

from __future__ import annotations

import contextlib
import copyreg
import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flame_cases import flame_arrays, write_flame_npz, write_flame_pickle
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from tdmm_core.artifacts.pickle_reader import parse_pickle, read_arrays, read_pickle
from tdmm_core.errors import InputError

VALUES = {
    "wide": np.random.default_rng(0).random((7, 3, 5)),
    "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "big endian": np.arange(6, dtype=">u4").reshape(2, 3).T,
    "flags": np.array([True, False]),
    "text": np.array(["ab", "c"]),
    "empty": np.zeros((0, 3)),
    "scalar": np.float64(3.5),
    "objects": np.array([1, "a", None, 2.5], object),
    "csc": sparse.random(5, 40, 0.2, format="csc", random_state=0),
    "csr": sparse.random(5, 40, 0.2, format="csr", random_state=0),
    "coo": sparse.random(5, 40, 0.2, format="coo", random_state=0),
    "plain": [1, -2.5, None, True, "text", b"\xff\x00", 2**70, -(2**31), (1, (2, "x")), {"a": [1]}, {1, 2}, ""],
}


def same(a: object, b: object) -> bool:
    if sparse.issparse(a):
        return type(a) is type(b) and a.shape == b.shape and abs(a - b).sum() == 0
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", VALUES)
def test_what_files_hold_is_read(name: str, protocol: int) -> None:
    assert same(VALUES[name], parse_pickle(pickle.dumps(VALUES[name], protocol), "x"))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(PLAIN, st.integers(0, 5))
@settings(max_examples=150, deadline=None)
def test_plain_values_are_read_as_python_reads_them(value: object, protocol: int) -> None:
    assert parse_pickle(pickle.dumps(value, protocol), "x") == value


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_noise_is_read_or_refused_in_a_sentence(noise: bytes) -> None:
    try:
        parse_pickle(noise, "noise.pkl")
    except InputError as e:
        assert str(e).startswith("noise.pkl: ")


def test_every_truncation_and_flip_is_read_or_refused(tmp_path: Path) -> None:
    content = pickle.dumps({"a": np.arange(4.0), "b": VALUES["csc"]}, 2)
    rng = np.random.default_rng(0)
    for cut in range(len(content)):
        with pytest.raises(InputError):
            parse_pickle(content[:cut], "x")
    for _ in range(2000):
        flipped = bytearray(content)
        flipped[rng.integers(len(content))] = rng.integers(256)
        with contextlib.suppress(InputError):
            parse_pickle(bytes(flipped), "x")


def test_a_file_of_python_2_with_chumpy_shells(tmp_path: Path) -> None:
    """Old FLAME files: byte strings, old module names, bases within chumpy shells."""
    path = write_flame_pickle(tmp_path / "generic_model.pkl")
    content = path.read_bytes()
    assert b"cchumpy.ch\nCh\n" in content and b"numpy.core.multiarray" in content and b"scipy.sparse.csc\n" in content
    with pytest.raises(ModuleNotFoundError, match="chumpy"):
        pickle.loads(content, encoding="latin1")
    found = read_pickle(path)
    assert all(same(value, found[key]) for key, value in flame_arrays().items())


def test_npz_npy_and_pickled_members(tmp_path: Path) -> None:
    found = read_arrays(write_flame_npz(tmp_path / "flame.npz"))
    assert same(flame_arrays()["shapedirs"], found["shapedirs"]) and found["bs_style"] == "lbs"
    np.savez(tmp_path / "mixed.npz", a=np.arange(3), J_regressor=np.array(VALUES["csc"], object), allow_pickle=True)
    mixed = read_arrays(tmp_path / "mixed.npz")
    assert same(mixed["a"], np.arange(3)) and same(mixed["J_regressor"], VALUES["csc"])
    np.save(tmp_path / "lid.npy", VALUES["wide"])
    assert same(read_arrays(tmp_path / "lid.npy")["array"], VALUES["wide"])
    with pytest.raises(InputError, match="expected named arrays"):
        (tmp_path / "list.pkl").write_bytes(pickle.dumps([1]))
        read_arrays(tmp_path / "list.pkl")


def test_files_that_are_no_pickle(tmp_path: Path) -> None:
    for name, content in {"text.pkl": b"hello world", "empty.pkl": b"", "video.pkl": b"\x00\x00\x00\x18ftypmp42" * 20}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            read_pickle(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        read_pickle(tmp_path / "none.pkl")
    with pytest.raises(InputError, match="a folder"):
        read_pickle(tmp_path)


# Attacks. Each makes bytes that create the file `canary` when Python's own pickle loads them.


class Calls:
    """Reduces to a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def text(value: str) -> bytes:
    """BINUNICODE."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def touch(canary: Path) -> str:
    return f"open({str(canary)!r}, 'w').close()"


def of_call(function: object, argument: Callable[[Path], object]) -> Callable[[Path], bytes]:
    return lambda canary: pickle.dumps(Calls(function, argument(canary)), 2)


def by_hand(*parts: object) -> Callable[[Path], bytes]:
    """Bytes, and functions of the canary that give bytes."""
    return lambda canary: b"".join(p(canary) if callable(p) else p for p in parts)


def shell(canary: Path) -> str:
    return f"touch {canary}"


def shell_text(canary: Path) -> bytes:
    return text(shell(canary))


def code_text(canary: Path) -> bytes:
    return text(touch(canary))


def nested(canary: Path) -> bytes:
    return pickle.dumps(Calls(os.system, shell(canary)), 2)


def in_a_file(canary: Path) -> bytes:
    """A pickled npy beside the canary, for numpy's own loader."""
    path = canary.with_suffix(".npy")
    np.save(path, np.array([Calls(os.system, shell(canary))], object), allow_pickle=True)
    return text(str(path))


def path_text(canary: Path) -> bytes:
    return text(str(canary))


def stateful(_: Path) -> bytes:
    return f"c{__name__}\nStateful\n".encode()


class Stateful:
    """Runs what its state says when it is unpickled."""

    def __setstate__(self, state: dict) -> None:
        os.system(state["command"])


copyreg.add_extension("os", "system", 240)

ATTACKS: dict[str, Callable[[Path], bytes]] = {
    "os.system": of_call(os.system, shell),
    "os.system by Python 2": by_hand(b"\x80\x02cposix\nsystem\n", shell_text, b"\x85R."),
    "eval": of_call(eval, touch),
    "exec": of_call(exec, touch),
    "eval by Python 2": by_hand(b"c__builtin__\neval\n(", code_text, b"tR."),
    "open": by_hand(b"cbuiltins\nopen\n", path_text, text("w"), b"\x86R."),
    "import and getattr": by_hand(
        b"cbuiltins\ngetattr\n(cbuiltins\n__import__\n", text("os"), b"\x85R", text("system"), b"tR", shell_text, b"\x85R."
    ),
    "getattr from an allowed class": by_hand(
        b"cbuiltins\ngetattr\n(cbuiltins\ngetattr\n(cnumpy\nndarray\n", text("__class__"), b"tR", text("__call__"), b"tR0", b"cbuiltins\nexec\n",
        code_text, b"\x85R.",
    ),
    "subprocess.call": of_call(subprocess.call, lambda canary: ["touch", str(canary)]),
    "subprocess.getoutput": by_hand(b"\x80\x04csubprocess\ngetoutput\n", shell_text, b"\x85R0N."),
    "pickle.loads within": of_call(pickle.loads, nested),
    "numpy.load of a pickled file": by_hand(b"cnumpy\nload\n(", in_a_file, b"NI01\ntR."),
    "numpy.memmap": by_hand(b"cnumpy\nmemmap\n(", path_text, text("uint8"), text("w+"), b"K\x00K\x04tR."),
    "numpy.ndarray.tofile": by_hand(
        b"cbuiltins\ngetattr\n(cnumpy\nzeros\nK\x01\x85R", text("tofile"), b"tR", path_text, b"\x85R."
    ),
    "numpy _reconstruct, then a call": by_hand(
        b"cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR0cos\nsystem\n", shell_text, b"\x85R."
    ),
    "numpy's runstring": by_hand(b"cnumpy.testing._private.utils\nrunstring\n(", code_text, b"}tR."),
    "numpy.savetxt": by_hand(b"cnumpy\nsavetxt\n(", path_text, b"(K\x01ltR."),
    "NEWOBJ_EX": by_hand(b"\x80\x04cos\nsystem\n", shell_text, b"\x85R0cnumpy\nmemmap\n(", path_text, b"t}\x92."),
    "copyreg's reconstructor": by_hand(
        b"ccopyreg\n_reconstructor\n(", stateful, b"cbuiltins\nobject\nNtR}", text("command"), shell_text, b"sb."
    ),
    "BUILD with __setstate__": by_hand(b"\x80\x02", stateful, b")\x81}", text("command"), shell_text, b"sb."),
    "BUILD on a class": by_hand(b"cos\nsystem\n", shell_text, b"\x85R0", b"cnumpy\nndarray\n."),
    "INST": by_hand(b"(", shell_text, b"ios\nsystem\n."),
    "INST within a list": by_hand(b"((", shell_text, b"ios\nsystem\nl."),
    "OBJ": by_hand(b"(cos\nsystem\n", shell_text, b"o."),
    "STACK_GLOBAL": by_hand(b"\x80\x04", text("os"), text("system"), b"\x93", shell_text, b"\x85R."),
    "STACK_GLOBAL with dots": by_hand(b"\x80\x04", text("subprocess"), text("os.system"), b"\x93", shell_text, b"\x85R."),
    "STACK_GLOBAL through numpy": by_hand(b"\x80\x04", text("numpy.lib._npyio_impl"), text("os.system"), b"\x93", shell_text, b"\x85R."),
    "EXT1": by_hand(b"\x80\x02\x82\xf0", shell_text, b"\x85R."),
    "EXT2": by_hand(b"\x80\x02\x83\xf0\x00", shell_text, b"\x85R."),
    "EXT4": by_hand(b"\x80\x02\x84\xf0\x00\x00\x00", shell_text, b"\x85R."),
    "a name kept in the memo": by_hand(b"cos\nsystem\nq\x000]h\x00", shell_text, b"\x85Ra."),
    "a name under a harmless one": by_hand(b"cnumpy\nndarray\nq\x000cos\nsystem\nq\x000h\x00", shell_text, b"\x85R."),
    "a duplicated name": by_hand(b"cos\nsystem\n2", shell_text, b"\x85R0", shell_text, b"\x85R."),
    "a call in a dict's key": by_hand(b"}cos\nsystem\n", shell_text, b"\x85RK\x01s."),
    "a call that is thrown away": by_hand(b"cos\nsystem\n", shell_text, b"\x85R0K\x01."),
    "a call under a mark": by_hand(b"(cos\nsystem\n", shell_text, b"\x85R1K\x01."),
    "a call before garbage": by_hand(b"cos\nsystem\n", shell_text, b"\x85R0\xff\xff"),
    "functools.partial": by_hand(b"cfunctools\npartial\n(cos\nsystem\n", shell_text, b"tR)R."),
    "operator.methodcaller": by_hand(
        b"coperator\nmethodcaller\n(", text("system"), shell_text, b"tR(cimportlib\nimport_module\n(", text("os"), b"tRtR."
    ),
    "runpy": by_hand(b"crunpy\n_run_code\n(cbuiltins\ncompile\n(", code_text, text("x"), text("exec"), b"tR}tR."),
    "timeit": by_hand(b"ctimeit\ntimeit\n(", code_text, text("pass"), b"cbuiltins\neval\n(", text("__import__('time').time"), b"tRK\x01tR."),
    "an interpreter's method": by_hand(
        b"cbuiltins\ngetattr\n(ccode\nInteractiveInterpreter\n)R", text("runsource"), b"tR(", code_text, b"tR."
    ),
    "shutil": by_hand(b"cshutil\ncopyfile\n(", text(__file__), path_text, b"tR."),
    "pathlib": by_hand(b"cbuiltins\ngetattr\n(cpathlib\nPosixPath\n(", path_text, b"tR", text("touch"), b"tR)R."),
    "logging": by_hand(b"clogging\nFileHandler\n(", path_text, b"tR."),
    "an iterator that calls": by_hand(b"cbuiltins\nlist\n(cbuiltins\nmap\n(cos\nsystem\n(", shell_text, b"ltRtR."),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_before_it_runs(name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "attack.pkl"
    path.write_bytes(ATTACKS[name](canary))
    with pytest.raises(InputError, match=r"attack\.pkl: refused: "):
        read_pickle(path)
    np.save(tmp_path / "member.npy", np.array([1]))
    wrapped = tmp_path / "member.npz"
    with zipfile.ZipFile(wrapped, "w") as archive:
        archive.writestr("v_template.npy", object_array_header() + path.read_bytes())
    with pytest.raises(InputError, match=r"v_template\.npy: refused: "):
        read_arrays(wrapped)
    assert not canary.exists()
    with contextlib.suppress(Exception):
        pickle.loads(path.read_bytes())
    assert canary.exists(), "the attack is no attack: Python's own reader did not run it"


def object_array_header() -> bytes:
    """The header of an npy whose content is pickled."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": ()})
    return stream.getvalue()


NAMES = [
    ("nt", "system"), ("webbrowser", "open"), ("pty", "spawn"), ("ctypes", "CDLL"), ("marshal", "loads"), ("types", "CodeType"), ("pip", "main"),
    ("torch", "load"), ("torch.storage", "_load_from_bytes"), ("torch._utils", "_rebuild_tensor_v2"), ("joblib", "load"), ("pandas", "read_pickle"),
    ("numpy", "loadtxt"), ("numpy", "fromfile"), ("numpy", "matrix"), ("numpy", "ndarray.tofile"), ("numpy.f2py", "compile"), ("numpy", "frompyfunc"),
    ("numpy.core.multiarray", "fromfile"), ("numpy._core.multiarray", "_reconstruct.__call__"), ("numpy.core", "multiarray"), ("scipy.io", "loadmat"),
    ("scipy.sparse", "load_npz"), ("scipy.sparse.csc", "csc_matrix.dump"), ("scipy.sparse.evil", "csc_matrix"), ("scipyXsparse", "csc_matrix"),
    ("chumpy.ch", "ChLambda"), ("chumpy.ch", "Ch.__setattr__"), ("chumpy.ch", "os"), ("chumpy", "Ch"), ("builtins", "getattr"),
    ("builtins", "bytearray"), ("_codecs", "lookup"), ("codecs", "open"), ("copyreg", "add_extension"),
    ("copyreg", "_inverted_registry"), ("", ""), ("os", ""),
    ("posix", "fork"), ("sys", "exit"), ("sys", "modules"), ("collections", "OrderedDict"), ("__main__", "Model"), ("tdmm_core.errors", "InputError"),
]  # fmt: skip
"Names of things that run, load or reach further, and of things that are merely not needed."


@pytest.mark.parametrize("name", NAMES, ids=".".join)
@pytest.mark.parametrize("way", ["GLOBAL", "STACK_GLOBAL", "INST"])
def test_every_other_name_is_refused(name: tuple[str, str], way: str) -> None:
    content = {
        "GLOBAL": b"c" + "\n".join(name).encode() + b"\n.",
        "STACK_GLOBAL": b"\x80\x04" + text(name[0]) + text(name[1]) + b"\x93.",
        "INST": b"(i" + "\n".join(name).encode() + b"\n.",
    }[way]
    before = set(sys.modules)
    with pytest.raises(InputError, match="refused"):
        parse_pickle(content, "x")
    assert set(sys.modules) == before, "nothing named in a file is imported"


MISUSED = {
    "a persistent id": b"Pname\n.",
    "a persistent id on the stack": b"N" + b"Q.",
    "a name as the result": b"cnumpy\nndarray\n.",
    "a name in a list": b"]cnumpy\nndarray\na.",
    "a name in a dict": b"}K\x01cnumpy\nndarray\ns.",
    "a name hidden in a tuple": b"cnumpy\nndarray\n\x85.",
    "a name hidden in two tuples": b"cnumpy\nndarray\n\x85\x85.",
    "state for a name": b"cnumpy\nndarray\n}b.",
    "state for a list": b"]}b.",
    "an array begun and not filled": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR.",
    "an unfilled array in a list": b"]cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btRa.",
    "_reconstruct of something else": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\nK\x00\x85C\x01btR.",
    "_reconstruct of chumpy": b"cnumpy.core.multiarray\n_reconstruct\n(cchumpy.ch\nCh\nK\x00\x85C\x01btR.",
    "an array called": b"cnumpy\nndarray\nK\x05\x85R.",
    "an object of ndarray": b"\x80\x02cnumpy\nndarray\n)\x81.",
    "chumpy with arguments": b"\x80\x02cchumpy.ch\nCh\nK\x01\x85\x81.",
    "chumpy without content": b"\x80\x02cchumpy.ch\nCh\n)\x81}b.",
    "chumpy around a name": b"\x80\x02cchumpy.ch\nCh\n)\x81}X\x01\x00\x00\x00xcnumpy\nndarray\nsb.",
    "sparse without parts": b"\x80\x02cscipy.sparse\ncsc_matrix\n)\x81}b.",
    "a codec that is not Latin-1": b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13tR.",
    "a set of lists": b"c__builtin__\nset\n(](]etR.",
    "an unhashable key": b"}]K\x01s.",
    "a tuple as a key": b"})K\x01s.",
    "a buffer from outside": b"\x80\x05\x97.",
    "a dtype of objects by another name": b"cnumpy\ndtype\n(X\x02\x00\x00\x00V8K\x00K\x01tR.",
    "a list filled as a dict": b"]K\x01K\x02s.",
}


@pytest.mark.parametrize("name", MISUSED)
def test_allowed_names_misused_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="refused"):
        parse_pickle(MISUSED[name], "x")


def array_state(shape: object, form: str, raw: bytes) -> bytes:
    """An array with a shape and a content of one's own."""
    class State:
        def __reduce__(self):
            new = np.zeros(0, form).__reduce__()
            return new[0], new[1], (1, shape, np.dtype(form), False, raw)

    return pickle.dumps(State(), 2)


HUGE = {
    "an array larger than its bytes": lambda: array_state((10**12,), "f8", b"12345678"),
    "an array of many dimensions": lambda: array_state((1,) * 100, "f8", b"12345678"),
    "an array of negative length": lambda: array_state((-1,), "f8", b"12345678"),
    "a product that overflows": lambda: array_state((2**32, 2**32), "f8", b""),
    "no bytes of a huge type": lambda: array_state((10**12,), "S0", b""),
    "bytes of a length beyond the file": lambda: b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"x.",
    "a bytearray beyond the file": lambda: b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x.",
    "text of a negative length": lambda: b"T\xff\xff\xff\xffx.",
    "a frame beyond the file": lambda: b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"\x8c\x01" + b"a",
    "a huge whole number": lambda: b"\x8b" + struct.pack("<i", 10**6) + b"\x01" * 10**6 + b".",
    "a huge whole number in text": lambda: b"L" + b"9" * 10**5 + b"L\n.",
    "bytearray(10**12)": lambda: b"cbuiltins\nbytearray\n\x8a\x06" + (10**12).to_bytes(6, "little") + b"\x85R.",
    "bytes(10**12)": lambda: b"cbuiltins\nbytes\n\x8a\x06" + (10**12).to_bytes(6, "little") + b"\x85R.",
    "text encoded again and again": lambda: text("x" * 10**6) + b"q\x000]" + b"c_codecs\nencode\n(h\x00X\x06\x00\x00\x00latin1tRa" * 300 + b".",
    "a sparse matrix of another size": lambda: pickle.dumps(_resized(sparse.csc_matrix((2, 3)), (2, 10**9)), 2),
    "a sparse matrix with indices outside": lambda: pickle.dumps(_moved(sparse.csc_matrix(np.eye(3)), 10**6), 2),
}


def _resized(matrix: sparse.csc_matrix, shape: tuple[int, int]) -> sparse.csc_matrix:
    matrix._shape = shape
    return matrix


def _moved(matrix: sparse.csc_matrix, by: int) -> sparse.csc_matrix:
    matrix.indices = matrix.indices + by
    return matrix


@pytest.mark.parametrize("name", HUGE)
def test_what_would_be_huge_is_refused(name: str) -> None:
    import resource

    content = HUGE[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError):
        parse_pickle(content, "x")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000, "KB"


@pytest.mark.parametrize("order", ["<", ">"])
def test_text_that_is_no_text_is_refused(order: str, tmp_path: Path) -> None:
    raw = np.array([65, 0x110000], f"{order}u4").tobytes()
    with pytest.raises(InputError, match="no characters"):
        parse_pickle(array_state((1,), f"{order}U2", raw), "x")
    np.savez(tmp_path / "t.npz", edition=np.frombuffer(raw, f"{order}U2"))
    with pytest.raises(InputError, match=r"edition\.npy: refused: .*no characters"):
        read_arrays(tmp_path / "t.npz")


def test_shared_parts_are_shared_and_not_unfolded() -> None:
    """A list of lists of lists: small as a file, small in memory."""
    content = b"]q\x00" + b"".join(b"0(" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 9 + b"lq" + bytes([i + 1]) for i in range(60)) + b"."
    found = parse_pickle(content, "x")
    assert len(found) == 10 and all(inner is found[0] for inner in found)


def test_a_list_that_holds_itself_is_no_trap() -> None:
    found = parse_pickle(b"]q\x00h\x00a.", "x")
    assert found[0] is found


def test_deep_nesting_is_read_or_refused() -> None:
    with contextlib.suppress(InputError):
        parse_pickle(b"(" * 10**5 + b"t" * 10**5 + b".", "x")
    with contextlib.suppress(InputError):
        parse_pickle(b"]" + b")" + b"\x85" * 10**5 + b"a.", "x")
