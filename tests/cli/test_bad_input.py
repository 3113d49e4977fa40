"""Wrong input, command by command: exit code 2, one sentence that says what helps, no traceback, and nothing left under the output's name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tdmm_cli.app import app
from tdmm_core.fitting.system_libraries import missing_libraries

Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`tdmm ARGS` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(app, [str(a) for a in args], prog_name="tdmm")


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small motion artifact."""
    path = tmp_path_factory.mktemp("motion") / "motion.h5"
    done = CliRunner().invoke(app, ["synth", "-o", str(path), "--no-video", "--num-clips", "4", "--recipe", "tiny", "--workers", "1", "--quiet"])
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture(scope="module")
def tokens(motion: Path) -> Path:
    path = motion.with_name("tokens.h5")
    done = CliRunner().invoke(app, ["tokenize", str(motion), "-o", str(path), "--quiet"])
    assert done.exit_code == 0, done.output
    return path


def refused(result: Result, *told: str, code: int = 2) -> None:
    """The command ended as it should: one line on stderr, no traceback."""
    assert result.exit_code == code, result.output
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("tdmm: "), result.output
    for word in told:
        assert word in lines[0], lines[0]
    assert result.stdout == ""


@pytest.mark.parametrize(
    "argv",
    [
        ["fit", "none.mp4", "-o", "out.npz"],
        ["tokenize", "none.h5", "-o", "out.h5"],
        ["train-l2m", "none.h5", "-o", "out"],
        ["train-m2l", "none.h5", "-o", "out"],
        ["animate", "none.npz", "-o", "out.mp4"],
        ["describe", "none.npz"],
        ["eval", "none.h5"],
        ["info", "none.h5"],
    ],
)
def test_no_such_file(call: Call, argv: list[str]) -> None:
    refused(call(*argv), "no such file", argv[1])
    assert not list(Path().iterdir())


@pytest.mark.parametrize("content", [b"", b"these are words, not a film\n" * 50], ids=["empty", "text"])
def test_a_file_that_is_no_video(call: Call, content: bytes) -> None:
    if content and missing_libraries():
        pytest.skip(f"a content is judged by fitting, which needs system libraries that are not here: {', '.join(missing_libraries())}")
    Path("talk.mp4").write_bytes(content)
    refused(call("fit", "talk.mp4", "-o", "out.npz"), "talk.mp4")
    assert not Path("out.npz").exists()


@pytest.mark.parametrize("argv", [["tokenize"], ["train-l2m"], ["train-m2l"], ["describe"], ["eval"], ["info"]])
def test_an_empty_file(call: Call, argv: list[str]) -> None:
    Path("empty.h5").touch()
    output = ["-o", "out"] if argv[0] in ("train-l2m", "train-m2l") else ["-o", "out.h5"] if argv[0] == "tokenize" else []
    refused(call(*argv, "empty.h5", *output), "empty")


def test_a_file_in_place_of_a_sentence(call: Call) -> None:
    Path("talk.mp4").write_text("no film")
    Path("lines.txt").write_text("a smile")
    Path("motions").mkdir()
    refused(call("animate", "talk.mp4", "-o", "out.npz"), "tdmm fit talk.mp4")
    refused(call("animate", "lines.txt", "-o", "out.npz"), "--prompts lines.txt")
    refused(call("animate", "motions/", "-o", "out.npz"), "a folder without one")
    assert not Path("out.npz").exists()


def test_a_file_that_is_nothing_of_ours(call: Call, motion: Path) -> None:
    Path("notes.txt").write_text("words")
    for verify in ([], ["--verify"]):
        refused(call("info", "notes.txt", *verify), "nothing that tdmm knows")
        Path("cut.h5").write_bytes(motion.read_bytes()[:20_000])
        refused(call("info", "cut.h5", *verify), "truncated")


def test_a_folder_in_place_of_tokens(call: Call) -> None:
    Path("there").mkdir()
    for verb in ("train-l2m", "train-m2l"):
        refused(call(verb, "there", "-o", "out"), "there", "folder")
    assert {p.name for p in Path().iterdir()} == {"there"}


def test_the_wrong_kind(call: Call, motion: Path, tokens: Path) -> None:
    refused(call("train-l2m", motion, "-o", "out"), "motion", "tdmm tokenize")
    refused(call("train-m2l", motion, "-o", "out"), "motion", "tdmm tokenize")
    refused(call("tokenize", tokens, "-o", "out.h5"), "tokens artifact", "give the motion artifact")
    refused(call("describe", tokens), "tokens")


def test_a_newer_version(call: Call, motion: Path) -> None:
    shutil.copy(motion, "new.h5")
    with h5py.File("new.h5", "r+") as file:
        file.attrs["version"] = 99
        file.attrs["tool"] = "tdmm 9.9"
    refused(call("tokenize", "new.h5", "-o", "out.h5"), "99", "tdmm 9.9")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_truncated_artifact(call: Call, motion: Path, share: float) -> None:
    whole = motion.read_bytes()
    Path("cut.h5").write_bytes(whole[: int(len(whole) * share)])
    refused(call("tokenize", "cut.h5", "-o", "out.h5"), "cut.h5")
    assert not Path("out.h5").exists()


def test_models_of_another_tokenizer(call: Call, motion: Path, tokens: Path) -> None:
    small = ["--recipe", "tiny", "--set", "tokenize.training.steps=2", "--set", "tokenize.training.warmup_steps=1"]
    assert call("tokenize", motion, "--train", "--tokenizer", "other", *small, "--quiet").exit_code == 0
    refused(call("animate", "a smile", "-o", "out.npz", "--tokenizer", "other"), "motion tokenizer", "--tokenizer")
    refused(call("train-m2l", tokens, "-o", "m2l", "--tokenizer", "other"), "motion tokenizer")
    assert not Path("out.npz").exists()


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["animate", "", "-o", "out.npz"], "empty"),
        (["animate", "   ", "-o", "out.npz"], "empty"),
        (["animate", "a smile\x07", "-o", "out.npz"], "control character"),
        (["animate", "smile " * 10_000, "-o", "out.npz"], "characters"),
        (["animate", "-o", "out.npz"], "--prompts"),
        (["animate", "a smile", "-o", ""], "-o"),
        (["animate", "a smile", "-o", "out.npz", "--seed", str(2**63)], "--seed"),
        (["animate", "a smile", "-o", "out.npz", "--seconds", "0"], "--seconds"),
        (["animate", "a smile", "-o", "out.npz", "--seconds", "-3"], "--seconds"),
        (["animate", "a smile", "-o", "out.gif"], ".mp4"),
        (["animate", "a smile", "-o", "out"], "suffix"),
        (["animate", "a smile", "-o", "out.npz", "-o", "out.npz"], "named twice"),
        (["animate", "a smile", "-o", "out.npz", "--seconds", "61"], "60"),
        (["animate", "a smile", "-o", "out.npz", "--shape", "nobody"], "--shape"),
        (["animate", "a smile", "-o", "out.mp4", "--num-samples", "2"], "one clip"),
        (["animate", "--script", "none.json", "-o", "out.npz"], "no such file"),
        (["animate", "a smile", "--script", "none.json", "-o", "out.npz"], "one of"),
        (["animate", "a smile", "-o", "out.npz", "--device", "abacus"], "--device"),
        (["animate", "a smile", "-o", "out.npz", "--recipe", "huge"], "tiny, base, paper"),
        (["animate", "a smile", "-o", "out.npz", "--set", "animate.temprature=2"], "temperature"),
        (["animate", "a smile", "-o", "out.npz", "--set", "animate.temperature=-1"], "temperature"),
        (["animate", "a smile", "-o", "out.npz", "--model", "nowhere"], "nowhere"),
        (["synth", "-o", "c.txt"], ".h5"),
        (["describe", "x.npz", "-o", "d.txt"], ".h5"),
        (["eval", "x.h5", "-o", "r"], ".h5"),
        (["tokenize", "x.h5", "-o", "t.npz", "--train", "--tokenizer", "t"], ".h5"),
        (["synth", "-o", "c.h5", "--set", "synth.min_duration_s=9"], "durations"),
        (["tokenize", "x.h5"], "--train"),
        (["tokenize", "x.h5", "--train"], "--tokenizer"),
        (["eval", "x.h5", "--task", "tea"], "tokenizer, l2m, m2l"),
        (["describe", "x.npz", "-q", ""], "question"),
    ],
)
def test_wrong_values(call: Call, argv: list[str], told: str) -> None:
    refused(call(*argv), told)
    assert not list(Path().iterdir())


@pytest.mark.parametrize("argv", [["animate", "a smile"], ["synth", "--num-clips", "many"], ["dance"], ["animate", "a smile", "--loud"]])
def test_wrong_usage(call: Call, argv: list[str]) -> None:
    """What the argument parser refuses ends in code 2 too."""
    result = call(*argv)
    assert result.exit_code == 2 and "Traceback" not in result.output and "Error" in result.stderr


def test_an_output_that_exists_is_kept(call: Call) -> None:
    Path("out.npz").write_text("mine")
    refused(call("animate", "a smile", "-o", "out.npz"), "--force")
    assert Path("out.npz").read_text() == "mine"


def test_an_unwritable_folder(call: Call) -> None:
    """A file in the folder's place cannot be written into, whoever asks."""
    Path("taken").write_text("")
    refused(call("animate", "a smile", "-o", "taken/out.npz"), "taken")


def test_a_motion_that_is_damaged(call: Call) -> None:
    np.savez("bad.npz", expression=np.zeros((3, 52), np.float32))
    refused(call("describe", "bad.npz"), "bad.npz")
    Path("bad.npz").write_bytes(b"PK\x03\x04 and no more")
    refused(call("animate", "bad.npz", "-o", "out.mp4"), "bad.npz")
    assert not Path("out.mp4").exists()
