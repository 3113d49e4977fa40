"""Finding assets: given, cached or fetched; what is fetched is verified, and what is missing is named with the way to it.

pip is real here; only its index is a folder of small wheels made on the spot (PIP_NO_INDEX, PIP_FIND_LINKS).
"""

from __future__ import annotations

import hashlib
import http.server
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tdmm_core.assets import find
from tdmm_core.assets.catalogue import CATALOGUE, Asset, Wheel
from tdmm_core.assets.find import cache_folder, cached_path, find_asset
from tdmm_core.errors import InputError, MissingPartError

CONTENT = b"the bytes of a model\n" * 100
TINY = Asset(
    name="tiny",
    file_name="tiny.bin",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    licence="CC0",
    about="a tiny model",
    wheels=(Wheel(requirement="tdmm-test-carrier==1.0", member="carrier/tiny.bin"),),
)


def make_wheel(folder: Path, content: bytes) -> None:
    folder.mkdir(exist_ok=True)
    info = "tdmm_test_carrier-1.0.dist-info"
    with zipfile.ZipFile(folder / "tdmm_test_carrier-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("carrier/tiny.bin", content)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tdmm-test-carrier\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and a package index of this test's own, and `tiny` in the catalogue."""
    monkeypatch.setenv("TDMM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    (tmp_path / "index").mkdir()
    monkeypatch.setattr(find, "CATALOGUE", {**CATALOGUE, "tiny": TINY})
    return tmp_path


def files_under(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_fetched_once_then_taken_from_the_cache(own_cache: Path) -> None:
    make_wheel(own_cache / "index", CONTENT)
    path = find_asset("tiny")
    assert path.read_bytes() == CONTENT and cache_folder() in path.parents
    assert files_under(own_cache / "cache") == ["tiny.bin"]
    (own_cache / "index" / "tdmm_test_carrier-1.0-py3-none-any.whl").unlink()
    assert find_asset("tiny") == path


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT[:-1] + b"?", b""])
def test_a_damaged_cache_file_is_fetched_again(own_cache: Path, damage: bytes) -> None:
    make_wheel(own_cache / "index", CONTENT)
    path = find_asset("tiny")
    path.write_bytes(damage)
    assert find_asset("tiny").read_bytes() == CONTENT


def test_other_bytes_are_refused_and_not_kept(own_cache: Path) -> None:
    make_wheel(own_cache / "index", CONTENT.replace(b"model", b"MODEL"))
    with pytest.raises(MissingPartError, match="another file came"):
        find_asset("tiny")
    assert files_under(own_cache / "cache") == []


def test_nothing_reachable_names_the_command_and_the_place() -> None:
    with pytest.raises(MissingPartError) as failure:
        find_asset("tiny")
    message = str(failure.value)
    assert "python -m tdmm_core.assets tiny" in message and str(cached_path("face-landmarker").parent.parent) in message
    assert failure.value.exit_code == 3 and "\n" not in message


def test_a_missing_pip_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match="pip is not installed"):
        find_asset("tiny")


def test_the_given_path_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.task").write_bytes(b"x")
    assert find_asset("face-landmarker", given=tmp_path / "mine.task") == tmp_path / "mine.task"
    with pytest.raises(InputError, match="no such file"):
        find_asset("face-landmarker", given=tmp_path / "other.task")


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(InputError, match="face-landmarker"):
        find_asset("face-landmark")


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[str]:
    """A web server of our own that serves one folder."""
    (tmp_path / "site").mkdir()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_publisher_is_asked_when_no_package_has_it(own_cache: Path, publisher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "CATALOGUE", {"tiny": replace(TINY, address=f"{publisher}/tiny.bin")})
    (own_cache / "site" / "tiny.bin").write_bytes(b"something newer")
    with pytest.raises(MissingPartError, match="another file came"):
        find_asset("tiny")
    (own_cache / "site" / "tiny.bin").write_bytes(CONTENT)
    assert find_asset("tiny").read_bytes() == CONTENT


RACE = """
import sys
from tdmm_core.assets import find
from tests.assets.test_find import TINY
find.CATALOGUE = {"tiny": TINY}
print(find.find_asset("tiny"))
"""


def test_processes_that_fetch_at_once_all_get_the_file(own_cache: Path) -> None:
    make_wheel(own_cache / "index", CONTENT)
    root = Path(__file__).resolve().parents[2]
    racers = [subprocess.Popen([sys.executable, "-c", RACE], cwd=root, env=os.environ, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    paths = {racer.communicate(timeout=60)[0].strip() for racer in racers}
    assert len(paths) == 1 and Path(paths.pop()).read_bytes() == CONTENT
    assert files_under(own_cache / "cache") == ["tiny.bin"]


def test_a_cache_that_cannot_be_written_is_named(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_cache / "file").write_bytes(b"x")
    monkeypatch.setenv("TDMM_CACHE", str(own_cache / "file"))
    with pytest.raises(InputError, match="set TDMM_CACHE"):
        find_asset("tiny")


def test_the_module_command_says_where_the_file_is_or_why_not(own_cache: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "tdmm_core.assets", "face-landmarker"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 3), done.stderr
    assert ("face_landmarker.task" in done.stdout) == (done.returncode == 0)
    assert subprocess.run([sys.executable, "-m", "tdmm_core.assets"], capture_output=True, check=False).stdout.count(b"not fetched") >= 2


@pytest.mark.parametrize("asset", CATALOGUE.values(), ids=lambda a: a.name)
def test_the_catalogue_is_pinned(asset: Asset) -> None:
    assert len(asset.sha256) == 64 and asset.size > 0 and asset.licence
    assert all("==" in w.requirement and w.member for w in asset.wheels)
