"""Words to motion with real parts: a small scripted corpus, a motion tokenizer, train-l2m on the engine, animate to files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.artifacts.model_folder import read_model_header
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.artifacts.tokens import TokensWriter, open_tokens
from tdmm_core.domain.clip import MotionClip
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.exchange.npz import read_npz
from tdmm_core.language.config import AnimateConfig, L2MConfig
from tdmm_core.pipelines import animator
from tdmm_core.pipelines.animate import Wishes, animate, animate_to, show_motion
from tdmm_core.pipelines.code_vectors import find_code_vectors
from tdmm_core.pipelines.prompts import read_prompts
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.synth import synth
from tdmm_core.pipelines.tokenize import tokenize, train_tokenizer
from tdmm_core.pipelines.train_l2m import TrainL2MSummary, train_l2m
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.tokenization.config import TokenizerConfig
from tdmm_core.training.config import TrainingConfig

TOKENIZER = TokenizerConfig(
    num_codes=64, encoder_width=16, decoder_width=16, num_vertices=60, training=TrainingConfig(steps=8, batch_size=4, warmup_steps=1)
)
TRAINING = TrainingConfig(steps=12, batch_size=8, learning_rate=2e-3, warmup_steps=2, validate_every=6, checkpoint_every=4)
L2M = L2MConfig(width=32, num_layers=2, num_text_layers=1, num_heads=2, feed_forward=48, max_frames=100, training=TRAINING)
PROMPT = "a slow pout turning to surprise"
RUN = Run(device="cpu", workers=1)


@dataclass(frozen=True)
class Parts:
    motion: Path
    tokens: Path
    tokenizer: Path
    model: Path
    summary: TrainL2MSummary

    @property
    def chosen(self) -> dict:
        return {"config": AnimateConfig(), "model": self.model, "tokenizer": self.tokenizer}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("words-to-motion")
    motion, tokens, tokenizer, model = (folder / n for n in ("motion.h5", "tokens.h5", "tokenizer", "model"))
    synth(motion, RUN, config=SynthConfig(num_clips=60, max_duration_s=4.0, validation_share=0.1), video=False)
    train_tokenizer(motion, tokenizer, RUN, config=TOKENIZER)
    tokenize(motion, tokens, RUN, tokenizer=tokenizer)
    return Parts(motion, tokens, tokenizer, model, train_l2m(tokens, model, RUN, config=L2M))


# --- training -------------------------------------------------------------------------------------------------------


def test_training_leaves_a_whole_model_and_nothing_else(parts: Parts) -> None:
    names = {p.name for p in parts.model.iterdir()}
    assert names == {"config.json", "model.safetensors", "training.json", "tdmm.json", "curves.jsonl", "curves.png"}
    assert not parts.model.with_name("model.partial").exists()
    header = read_model_header(parts.model, "language-to-motion")
    assert header.digest == parts.summary.digest and [p.kind for p in header.parents] == ["tokens"]
    about = json.loads((parts.model / "config.json").read_text())
    with open_tokens(parts.tokens) as file:
        assert about["tokenizer_digest"] == file.tokenizer_digest


def test_the_summary_has_figures_and_the_floor_beside_them(parts: Parts) -> None:
    summary = parts.summary
    assert summary.num_clips > summary.num_validation_clips > 0 and summary.steps == TRAINING.steps
    assert 0 < summary.validation_loss < np.log(65) + 0.5
    assert summary.validation_loss_without_prompt > 0 and 0 <= summary.token_accuracy <= 1
    curves = [json.loads(line) for line in (parts.model / "curves.jsonl").read_text().splitlines()]
    assert {"train", "validation"} <= {row["split"] for row in curves}


def test_the_same_command_again_finds_its_model_and_another_is_refused(parts: Parts) -> None:
    again = train_l2m(parts.tokens, parts.model, RUN, config=L2M)
    assert replace(again, seconds=parts.summary.seconds) == parts.summary
    with pytest.raises(InputError, match="exists already; use --force"):
        train_l2m(parts.tokens, parts.model, replace(RUN, seed=1), config=L2M)


def test_an_equal_seed_gives_an_equal_model_after_an_interruption(parts: Parts, tmp_path: Path) -> None:
    """Killed by SIGKILL between two checkpoints, the same call goes on and ends in the same digest."""
    code = (
        "import sys, os; sys.path.insert(0, os.getcwd()); sys.path.insert(0, sys.argv[3])\n"
        "from pathlib import Path; import importlib.util\n"
        "spec = importlib.util.spec_from_file_location('cases', sys.argv[3]); cases = importlib.util.module_from_spec(spec)\n"
        "sys.modules['cases'] = cases; spec.loader.exec_module(cases)\n"
        "cases.train_l2m(Path(sys.argv[1]), Path(sys.argv[2]), cases.RUN, config=cases.L2M)\n"
    )
    output = tmp_path / "model"
    process = subprocess.Popen([sys.executable, "-c", code, str(parts.tokens), str(output), __file__], stderr=subprocess.DEVNULL)
    checkpoint = output.with_name("model.partial") / "checkpoints" / "step-00000004"
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert checkpoint.exists() and not output.exists()
    assert train_l2m(parts.tokens, output, RUN, config=L2M).digest == parts.summary.digest


def test_tokens_that_cannot_be_trained_on_are_refused(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a tokens artifact"):
        train_l2m(parts.motion, tmp_path / "m", RUN, config=L2M)
    with pytest.raises(InputError, match="no such file"):
        train_l2m(tmp_path / "none.h5", tmp_path / "m", RUN, config=L2M)
    with open_tokens(parts.tokens) as file, TokensWriter(tmp_path / "test.h5", file.header.making) as writer:
        kept = next(c for c in file if c.clip.split == "test")
        writer.add(kept)
        writer.commit([kept.clip.id])
    with pytest.raises(InputError, match="split train"):
        train_l2m(tmp_path / "test.h5", tmp_path / "m", RUN, config=L2M)
    assert {p.name for p in tmp_path.iterdir()} == {"test.h5"}


def test_what_codes_look_like_is_taken_from_the_tokenizer_that_made_them(parts: Parts, tmp_path: Path) -> None:
    beside = find_code_vectors(parts.tokens, None, RUN)
    assert beside.shape == (64, 58)
    np.testing.assert_array_equal(beside, find_code_vectors(parts.tokens, parts.tokenizer, RUN))
    moved = tmp_path / "tokens.h5"
    moved.write_bytes(parts.tokens.read_bytes())
    assert find_code_vectors(moved, None, RUN) is None
    other = tmp_path / "other"
    train_tokenizer(parts.motion, other, replace(RUN, seed=9), config=replace(TOKENIZER, training=replace(TOKENIZER.training, steps=1)))
    with pytest.raises(InputError, match="give the one that made them"):
        find_code_vectors(parts.tokens, other, RUN)


# --- animating ------------------------------------------------------------------------------------------------------


def test_a_prompt_becomes_a_motion_file(parts: Parts, tmp_path: Path) -> None:
    summary = animate_to(tmp_path / "out.npz", [PROMPT], RUN, wishes=Wishes(seconds=2.0), **parts.chosen)
    motion, said = read_npz(tmp_path / "out.npz")
    assert motion.num_frames == summary.num_frames == 50 and motion.expression.shape == (50, 52)
    assert said["prompt"] == PROMPT and said["codes"].shape == (50, 1) and said["codes"].dtype == np.uint16
    assert said["settings"] == summary.settings and said["settings"]["seconds"] == 2.0 and said["settings"]["model_digest"] == parts.summary.digest
    assert summary.outputs == (str(tmp_path / "out.npz"),)


def test_equal_seeds_give_equal_bytes(parts: Parts, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        animate_to(tmp_path / f"{name}.npz", [PROMPT], replace(RUN, seed=seed), **parts.chosen)
    a, b, c = ((tmp_path / f"{n}.npz").read_bytes() for n in "abc")
    assert a == b != c


def test_a_file_of_prompts_becomes_a_folder_in_its_order(parts: Parts, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("she smiles\n\nhe frowns, then blinks\nshe smiles\n")
    prompts = read_prompts(tmp_path / "p.txt")
    summary = animate_to(tmp_path / "many", prompts, RUN, wishes=Wishes(seconds=1.0, many=True), **parts.chosen)
    assert [Path(o).name for o in summary.outputs] == ["000.npz", "001.npz", "002.npz"]
    read = [read_npz(o) for o in summary.outputs]
    assert [said["prompt"] for _, said in read] == ["she smiles", "he frowns, then blinks", "she smiles"]
    alone = animate(["she smiles"], RUN, seconds=1.0, **parts.chosen)[0]
    np.testing.assert_array_equal(read[0][1]["codes"], alone.codes)
    assert (read[2][1]["codes"] != alone.codes).any()


def test_each_of_several_motions_can_be_made_alone_by_its_own_seed(parts: Parts, tmp_path: Path) -> None:
    animate_to(tmp_path / "many", ["she smiles", "he frowns"], RUN, wishes=Wishes(seconds=1.0), **parts.chosen)
    second = tmp_path / "many" / "001.npz"
    _, said = read_npz(second)
    animate_to(tmp_path / "alone.npz", ["he frowns"], replace(RUN, seed=said["seed"]), wishes=Wishes(seconds=1.0), **parts.chosen)
    assert (tmp_path / "alone.npz").read_bytes() == second.read_bytes()


DEEDS = ("smiles", "frowns", "blinks", "nods", "pouts")
SENTENCES = [f"she {deed}, then {other}" for deed in DEEDS for other in DEEDS if deed != other]


def killed_when(exists: Callable[[], bool], output: Path, parts: Parts) -> None:
    """Animate SENTENCES in a process of its own and kill it as soon as `exists`."""
    code = (
        "import sys; from pathlib import Path\n"
        "from tdmm_core.language.config import AnimateConfig; from tdmm_core.pipelines.run import Run\n"
        "from tdmm_core.pipelines.animate import Wishes, animate_to\n"
        "output, model, tokenizer = map(Path, sys.argv[1:4])\n"
        "parts = {'model': model, 'tokenizer': tokenizer, 'config': AnimateConfig()}\n"
        "animate_to(output, sys.argv[4:], Run(device='cpu', workers=1), **parts, wishes=Wishes(seconds=2.0))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, (output, parts.model, parts.tokenizer)), *SENTENCES])
    deadline = time.monotonic() + 60
    while not exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL


def test_a_killed_folder_of_motions_goes_on_where_it_stopped(parts: Parts, tmp_path: Path) -> None:
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    animate_to(alone, SENTENCES, RUN, wishes=Wishes(seconds=2.0), **parts.chosen)
    killed_when((killed / "003.npz").exists, killed, parts)
    before = {p.name: p.stat().st_mtime_ns for p in killed.glob("[0-9]*.npz")}
    (killed / ".004.123.tmp.npz").write_bytes(b"half of it")  # as a kill may leave it
    assert 4 <= len(before) < len(SENTENCES)
    with pytest.raises(InputError, match=r"000\.npz already, which another run made"):
        animate_to(killed, SENTENCES, RUN, wishes=Wishes(seconds=3.0), **parts.chosen)
    with pytest.raises(InputError, match="which another run made"):
        animate_to(killed, SENTENCES, replace(RUN, resume=False), wishes=Wishes(seconds=2.0), **parts.chosen)
    summary = animate_to(killed, SENTENCES, RUN, wishes=Wishes(seconds=2.0), **parts.chosen)
    assert summary.num_motions == len(SENTENCES) and summary.num_frames == 50 * len(SENTENCES)
    assert {p.name: p.read_bytes() for p in killed.iterdir()} == {p.name: p.read_bytes() for p in alone.iterdir()}
    assert all((killed / name).stat().st_mtime_ns == when for name, when in before.items())
    with pytest.raises(InputError, match=r"holds 019\.npz already"):
        animate_to(killed, SENTENCES[:-1], RUN, wishes=Wishes(seconds=2.0), **parts.chosen)


def test_a_killed_artifact_of_motions_goes_on_where_it_stopped(parts: Parts, tmp_path: Path) -> None:
    alone, killed = tmp_path / "alone.h5", tmp_path / "killed.h5"
    animate_to(alone, SENTENCES, RUN, wishes=Wishes(seconds=2.0), **parts.chosen)
    killed_when(lambda: any((tmp_path / "killed.h5.partial").glob("*.block")), killed, parts)
    assert not killed.exists()
    animate_to(killed, SENTENCES, RUN, wishes=Wishes(seconds=2.0), **parts.chosen)
    with open_motion(alone) as a, open_motion(killed) as b:
        assert a.header.digest == b.header.digest and len(b) == len(SENTENCES)
    assert {p.name for p in tmp_path.iterdir()} == {"alone.h5", "killed.h5"}


def test_nothing_is_begun_where_one_of_many_prompts_cannot_be_performed(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="word pieces"):
        animate_to(tmp_path / "out.h5", ["she smiles", "smile " * 400], RUN, **parts.chosen)
    assert not list(tmp_path.iterdir())


def test_several_motions_become_an_artifact_that_knows_its_parents(parts: Parts, tmp_path: Path) -> None:
    animate_to(tmp_path / "out.h5", ["she smiles", "he frowns"], RUN, wishes=Wishes(seconds=1.0), **parts.chosen)
    with open_motion(tmp_path / "out.h5") as file:
        clips: list[MotionClip] = list(file)
        assert [c.clip.prompt for c in clips] == ["she smiles", "he frowns"]
        assert [p.kind for p in file.header.parents] == ["language-to-motion", "motion-tokenizer"]
        assert file.header.parents[0].digest == parts.summary.digest


def test_a_motion_is_exported_as_it_is(parts: Parts, tmp_path: Path) -> None:
    animate_to(tmp_path / "out.npz", [PROMPT], RUN, wishes=Wishes(seconds=1.0), **parts.chosen)
    show_motion(tmp_path / "out.npz", tmp_path / "out.h5", RUN)
    with open_motion(tmp_path / "out.h5") as file:
        assert file[0].motion == read_npz(tmp_path / "out.npz")[0]


def test_a_free_length_lies_between_the_shortest_and_the_longest(parts: Parts) -> None:
    frames = [a.codes.shape[0] for a in animate(["she smiles"] * 6, RUN, **parts.chosen)]
    assert min(frames) >= 25 and max(frames) <= 100


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [("", "got an empty one"), (" \n\t ", "got an empty one"), ("a \x1b[31m smile", "U\\+001B"), ("smile\x00", "U\\+0000"),
     ("smile " * 10_000, "at most 4000 characters"), ("smile " * 400, "at most 128 word pieces")],
)  # fmt: skip
def test_prompts_that_cannot_be_performed_are_refused(parts: Parts, tmp_path: Path, prompt: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        animate_to(tmp_path / "out.npz", [prompt], RUN, **parts.chosen)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("prompt", ["SMILE!!!", "xyzzy frobnicates", "she smiles 😀", "彼女は微笑む", "?"])
def test_any_other_prompt_is_performed(parts: Parts, prompt: str) -> None:
    assert animate([prompt], RUN, seconds=0.5, **parts.chosen)[0].clip.motion.num_frames == 12


@pytest.mark.parametrize("seconds", [0.0, -1.0, 60.01, 1e9, float("nan"), float("inf")])
def test_lengths_that_the_model_cannot_make_are_refused(parts: Parts, tmp_path: Path, seconds: float) -> None:
    with pytest.raises(InputError, match="--seconds: expected more than 0 and at most 60"):
        animate_to(tmp_path / "out.npz", [PROMPT], RUN, wishes=Wishes(seconds=seconds), **parts.chosen)
    assert not list(tmp_path.iterdir())


def test_another_motion_tokenizer_is_refused_and_both_are_named(parts: Parts, tmp_path: Path) -> None:
    other = tmp_path / "other"
    train_tokenizer(parts.motion, other, replace(RUN, seed=9), config=replace(TOKENIZER, training=replace(TOKENIZER.training, steps=1)))
    with pytest.raises(InputError) as caught:
        animate([PROMPT], RUN, config=AnimateConfig(), model=parts.model, tokenizer=other)
    about = json.loads((parts.model / "config.json").read_text())
    assert about["tokenizer_digest"][:12] in str(caught.value) and str(other) in str(caught.value) and "\n" not in str(caught.value)


def test_another_text_encoder_is_refused(parts: Parts, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    changed.mkdir()
    for path in parts.model.iterdir():
        (changed / path.name).write_bytes(path.read_bytes())
    about = json.loads((changed / "config.json").read_text())
    (changed / "config.json").write_text(json.dumps(about | {"text_encoder_digest": "0" * 64}))
    with pytest.raises(InputError, match="text encoder 'words': the model was trained with 000000000000"):
        animate([PROMPT], RUN, config=AnimateConfig(), model=changed, tokenizer=parts.tokenizer)


def test_what_is_no_model_is_refused(parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in (tmp_path / "none", tmp_path, parts.tokenizer):
        with pytest.raises(InputError):
            animate([PROMPT], RUN, config=AnimateConfig(), model=model, tokenizer=parts.tokenizer)
    monkeypatch.setattr(animator, "DEFAULT_MODEL", tmp_path / "none")
    with pytest.raises(MissingPartError, match="train-l2m"):
        animate([PROMPT], RUN, config=AnimateConfig())


def test_files_of_prompts_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00\x81")
    for name, sentence in (("none.txt", "no such file"), ("empty.txt", "empty file"), ("bytes.txt", "UTF-8"), ("", "text file")):
        with pytest.raises(InputError, match=sentence):
            read_prompts(tmp_path / name)


def test_animating_needs_neither_the_scripted_performer_nor_heavy_libraries(parts: Parts, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('tdmm_core.performance', 'transformers', 'mediapipe', 'deepspeed'): sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from tdmm_core.pipelines.animate import animate_to\n"
        "from tdmm_core.pipelines.run import Run\n"
        "from tdmm_core.language.config import AnimateConfig\n"
        "animate_to(Path(sys.argv[1]), ['she smiles'], Run(), config=AnimateConfig(), model=Path(sys.argv[2]), tokenizer=Path(sys.argv[3]))\n"
        "print(*[m for m in sys.modules if sys.modules[m] is not None])\n"
    )
    out = tmp_path / "out.npz"
    done = subprocess.run([sys.executable, "-c", code, str(out), str(parts.model), str(parts.tokenizer)], check=True, capture_output=True, text=True)
    assert out.exists()
    assert not {"wordllama", "matplotlib", "numba", "requests", "tdmm_core.synthesis"} & set(done.stdout.split())
