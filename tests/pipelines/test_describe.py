"""Motion to words with real parts: a small scripted corpus, a motion tokenizer, train-m2l on the engine, describe from files.

The language model is a tiny random one; everything else is what the commands run.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "textmodels"))

from tiny_llama import write_tiny_llama

from tdmm_core.artifacts.header import parent_of
from tdmm_core.artifacts.model_folder import model_problems, read_model_header
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.artifacts.text import open_text
from tdmm_core.domain.clip import MotionClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.exchange.npz import write_npz
from tdmm_core.fitting.config import FitConfig
from tdmm_core.language.m2l_config import DescribeConfig, M2LConfig
from tdmm_core.language.m2l_prompting import DESCRIBE
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines import describer
from tdmm_core.pipelines.describe import Conversation, describe, describe_to, write_descriptions
from tdmm_core.pipelines.fit_motions import Wish, fit_motions
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.synth import synth
from tdmm_core.pipelines.tokenize import tokenize, train_tokenizer
from tdmm_core.pipelines.train_m2l import TrainM2LSummary, train_m2l
from tdmm_core.runtime.progress import Silent
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.tokenization.config import TokenizerConfig
from tdmm_core.training.config import TrainingConfig

TOKENIZER = TokenizerConfig(
    num_codes=64, encoder_width=16, decoder_width=16, num_vertices=60, training=TrainingConfig(steps=6, batch_size=4, warmup_steps=1)
)
TRAINING = TrainingConfig(steps=8, batch_size=4, learning_rate=5e-3, warmup_steps=2, validate_every=4, checkpoint_every=2, precision="fp32")
M2L = M2LConfig(gist_width=48, gist_layers=1, lora_rank=2, training=TRAINING, apprentice=TRAINING)
SHORT = DescribeConfig(max_words=6)
RUN = Run(device="cpu", workers=1)
KIND = "motion-to-language"


@dataclass(frozen=True)
class Parts:
    motion: Path
    tokens: Path
    tokenizer: Path
    text_model: Path
    model: Path
    summary: TrainM2LSummary

    @property
    def chosen(self) -> dict:
        return {"config": SHORT, "model": self.model, "tokenizer": self.tokenizer}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("motion-to-words")
    motion, tokens, tokenizer, text_model, model = (folder / n for n in ("motion.h5", "tokens.h5", "tokenizer", "llama", "model"))
    synth(motion, RUN, config=SynthConfig(num_clips=40, max_duration_s=4.0, validation_share=0.1), video=False)
    train_tokenizer(motion, tokenizer, RUN, config=TOKENIZER)
    tokenize(motion, tokens, RUN, tokenizer=tokenizer)
    write_tiny_llama(text_model)
    return Parts(motion, tokens, tokenizer, text_model, model, train_m2l(tokens, model, RUN, config=M2L, text_model=str(text_model)))


# --- training -------------------------------------------------------------------------------------------------------


def test_training_leaves_a_whole_model_and_nothing_else(parts: Parts) -> None:
    names = {p.name for p in parts.model.iterdir()}
    assert names == {"config.json", "model.safetensors", "training.json", "tdmm.json", "curves.jsonl", "curves.png"}
    assert not parts.model.with_name("model.partial").exists() and model_problems(parts.model) == []
    header = read_model_header(parts.model, KIND)
    assert header.digest == parts.summary.digest and [p.kind for p in header.parents] == ["tokens"]
    assert header.config["text_model"]["digest"] == json.loads((parts.model / "config.json").read_text())["tdmm"]["base_digest"]
    assert parts.summary.validation_loss is not None and parts.summary.num_validation_clips > 0
    losses = [json.loads(line)["loss"] for line in (parts.model / "curves.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]


def test_the_same_command_again_finds_it_done_and_another_is_refused(parts: Parts) -> None:
    again = train_m2l(parts.tokens, parts.model, RUN, config=M2L, text_model=str(parts.text_model))
    assert asdict(again) == asdict(parts.summary) | {"seconds": 0.0}
    with pytest.raises(InputError, match="--force"):
        train_m2l(parts.tokens, parts.model, RUN, config=replace(M2L, still_share=0.2), text_model=str(parts.text_model))


def test_a_plain_model_is_read_the_same_way(parts: Parts, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    config = replace(M2L, tuning="merged", gist_frames=0, num_layers=0, training=replace(TRAINING, steps=2, checkpoint_every=0))
    train_m2l(parts.tokens, tmp_path / "plain", RUN, config=config, text_model=str(parts.text_model), tokenizer=parts.tokenizer)
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "plain").config.tdmm["tokenizer_digest"]
    found = describe([first_clip(parts)], RUN, config=SHORT, model=tmp_path / "plain", tokenizer=parts.tokenizer)
    assert len(found) == 1


def test_tokens_without_their_motion_tokenizer_are_refused(parts: Parts, tmp_path: Path) -> None:
    alone = tmp_path / "tokens.h5"
    shutil.copy(parts.tokens, alone)
    with pytest.raises(InputError, match="--tokenizer"):
        train_m2l(alone, tmp_path / "m", RUN, config=M2L, text_model=str(parts.text_model))
    other = tmp_path / "other"
    train_tokenizer(parts.motion, other, replace(RUN, seed=5), config=TOKENIZER)
    with pytest.raises(InputError, match="codes of motion tokenizer"):
        train_m2l(alone, tmp_path / "m", RUN, config=M2L, text_model=str(parts.text_model), tokenizer=other)
    with pytest.raises(InputError, match="reads codes of motion tokenizer"):
        describe([first_clip(parts)], RUN, config=SHORT, model=parts.model, tokenizer=other)
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_killed_and_resumed_it_ends_in_the_same_digest(parts: Parts, tmp_path: Path) -> None:
    """Each run is a process of its own, as a command is: what else a process has done can move the last bit of a product."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert training_process(parts, whole).wait() == 0
    process = training_process(parts, killed)
    curves = killed.with_name("killed.partial") / "curves.jsonl"
    deadline = time.monotonic() + 120
    while process.poll() is None and not curves.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert curves.exists() and not killed.exists()
    assert training_process(parts, killed).wait() == 0
    assert read_model_header(killed, KIND).digest == read_model_header(whole, KIND).digest


def training_process(parts: Parts, output: Path) -> subprocess.Popen:
    """`train_m2l` with the settings of `parts`, started."""
    child = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; import test_describe as t;"
        "t.train_m2l(Path(sys.argv[2]), Path(sys.argv[3]), t.RUN, config=t.M2L, text_model=sys.argv[4], tokenizer=Path(sys.argv[5]))"
    )
    arguments = [str(Path(__file__).parent), str(parts.tokens), str(output), str(parts.text_model), str(parts.tokenizer)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen([sys.executable, "-c", child, *arguments], env=environment, stderr=subprocess.DEVNULL)


# --- describing -----------------------------------------------------------------------------------------------------


def first_clip(parts: Parts) -> MotionClip:
    with open_motion(parts.motion) as motions:
        return motions[0]


def test_every_clip_is_answered_in_order_and_alike(parts: Parts) -> None:
    with open_motion(parts.motion) as motions:
        ids = [motions[i].clip.id for i in range(len(motions))]
        found = describe(motions, RUN, **parts.chosen)
        again = describe(motions, RUN, **parts.chosen, question="  What  does the face do? ")
    assert [d.id for d in found] == ids
    assert {d.question for d in found} == {DESCRIBE[0]} and {d.question for d in again} == {"What does the face do?"}
    assert {d.model_digest for d in found} == {parts.summary.digest}
    clip = first_clip(parts)
    assert describe([clip], RUN, **parts.chosen) == describe([clip], RUN, **parts.chosen)


def test_one_frame_and_a_long_motion_are_read(parts: Parts) -> None:
    clip = first_clip(parts)
    assert clip.motion is not None
    one = replace(clip, motion=clip.motion[:1])
    frames = np.arange(600) % clip.motion.num_frames
    long = replace(clip, motion=replace(clip.motion, **{n: v[frames] for n, v in clip.motion.frame_terms().items()}))
    short, windows = describe([one, long], RUN, **parts.chosen)
    assert not short.answer.startswith("From")
    assert windows.answer.startswith("From 0 to 8 s:") and "From 16 to 24 s:" in windows.answer


def test_descriptions_become_a_text_artifact(parts: Parts, tmp_path: Path) -> None:
    found = describe([first_clip(parts)], RUN, **parts.chosen)
    header = write_descriptions(tmp_path / "d.h5", found, RUN, config=SHORT, parents=(parent_of(parts.motion), parent_of(parts.model)))
    with open_text(tmp_path / "d.h5") as file:
        assert list(file) == found
    assert [p.kind for p in header.parents] == ["motion", "motion-to-language"]
    with pytest.raises(InputError):
        write_descriptions(tmp_path / "d.h5", found, RUN, config=SHORT)


def test_what_cannot_be_described_is_refused_in_a_sentence(parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="--question"):
        describe([first_clip(parts)], RUN, **parts.chosen, question=" ")
    with pytest.raises(InputError, match="at least one clip"):
        describe([], RUN, **parts.chosen)
    with pytest.raises(InputError, match="at least one clip with a motion"):
        describe([replace(first_clip(parts), motion=None, status="failed", error="no face")], RUN, **parts.chosen)
    with pytest.raises(InputError, match=r"tdmm\.json"):
        describe([first_clip(parts)], RUN, config=SHORT, model=tmp_path)
    with pytest.raises(InputError, match="motion-to-language"):
        describe([first_clip(parts)], RUN, config=SHORT, model=parts.tokenizer)
    monkeypatch.setattr(describer, "DEFAULT_MODEL", tmp_path / "nowhere")
    with pytest.raises(MissingPartError, match="tdmm train-m2l"):
        describe([first_clip(parts)], RUN, config=SHORT)
    moved = tmp_path / "model"
    shutil.copytree(parts.model, moved)
    text = (moved / "config.json").read_text()
    (moved / "config.json").write_text(text.replace(str(parts.text_model), "nobody/nothing"))
    with pytest.raises(MissingPartError, match="hf download nobody/nothing"):
        describe([first_clip(parts)], RUN, config=SHORT, model=moved, tokenizer=parts.tokenizer)


def test_words_come_from_the_language_model_alone(parts: Parts) -> None:
    """Describing runs where the room that writes sentences from scripts cannot be imported."""
    code = (
        "import sys; sys.modules['tdmm_core.performance'] = None; from pathlib import Path;"
        "from tdmm_core.artifacts.motion import open_motion; from tdmm_core.language.m2l_config import DescribeConfig;"
        "from tdmm_core.pipelines.describe import describe; from tdmm_core.pipelines.run import Run;"
        "clip = open_motion(sys.argv[1])[0];"
        "found = describe([clip], Run(device='cpu'), config=DescribeConfig(max_words=6), model=Path(sys.argv[2]), tokenizer=Path(sys.argv[3]));"
        "sys.stdout.write(found[0].answer)"
    )
    arguments = [str(parts.motion), str(parts.model), str(parts.tokenizer)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == describe([first_clip(parts)], RUN, **parts.chosen)[0].answer


# --- motion of other face models ------------------------------------------------------------------------------------


class Listening(Silent):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, line: str) -> None:
        self.lines.append(line)


def test_flame_motion_is_carried_over_by_itself(parts: Parts, named: tuple[str, str], tmp_path: Path) -> None:
    """The answer is that of the motion carried over by hand, and what it cost is told beside its floor."""
    frames, (name, digest) = 40, named
    jaw = np.zeros((frames, 3))
    jaw[:, 0] = np.linspace(0, 0.35, frames)
    zero = np.zeros((frames, 3))
    motion = FaceMotion(
        expression=np.zeros((frames, 50)), expression_names=tuple(f"expression{i + 1}" for i in range(50)), global_orient=zero, transl=zero,
        jaw_pose=jaw, face_model=name, face_model_digest=digest,
    )  # fmt: skip
    write_npz(tmp_path / "flame.npz", motion, settings={})
    listening = Listening()
    folders = (parts.model, parts.tokenizer)
    said = describe_to(None, tmp_path / "flame.npz", replace(RUN, progress=listening), config=SHORT, folders=folders)
    assert [line for line in listening.lines if line.startswith("flame: carried over to open-head-1, residual ") and "a neutral face: " in line]
    head = load_open_head()
    fit_motions([tmp_path / "flame.npz"], tmp_path / "open.npz", RUN, config=FitConfig(), wish=Wish(face_model=(head.name, head.digest)))
    by_hand = describe_to(None, tmp_path / "open.npz", RUN, config=SHORT, folders=folders)
    assert [a.answer for a in said.answers] == [a.answer for a in by_hand.answers]


def test_tokenize_says_how_motion_of_another_face_model_is_carried_over(parts: Parts, tmp_path: Path) -> None:
    zero = np.zeros((4, 3))
    motion = FaceMotion(
        expression=zero, expression_names=("expression1", "expression2", "expression3"), global_orient=zero, transl=zero, face_model="flame-2020"
    )
    write_npz(tmp_path / "flame.npz", motion, settings={})
    with pytest.raises(InputError, match=r"got 'flame-2020'; carry it over: tdmm fit MOTION --face-model open-head-1 -o motion.h5"):
        tokenize(tmp_path / "flame.npz", tmp_path / "t.h5", RUN, tokenizer=parts.tokenizer)


# --- questions, conversations, several inputs -----------------------------------------------------------------------


def test_words_come_as_they_are_said_and_are_the_same(parts: Parts, tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", _motion(parts), settings={})
    heard: list[tuple[str, str, str]] = []
    asked = ["What happens first?", "Does the person blink?"]
    folders = (parts.model, parts.tokenizer)
    said = describe_to(None, tmp_path / "a.npz", RUN, config=SHORT, question=asked, folders=folders, spoken=lambda *p: heard.append(p))
    assert [a.question for a in said.answers] == asked and {a.id for a in said.answers} == {"a"}
    for one in said.answers:
        pieces = [p for _, q, p in heard if q == one.question]
        assert "".join(pieces) == f"{one.answer}\n" and pieces[-1] == "\n"
    quietly = describe_to(None, tmp_path / "a.npz", RUN, config=SHORT, question=asked, folders=folders)
    assert quietly.answers == said.answers


def test_several_files_and_questions_are_kept_in_one_artifact(parts: Parts, tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", _motion(parts), settings={})
    (tmp_path / "b").mkdir()
    write_npz(tmp_path / "b" / "a.npz", _motion(parts)[:20], settings={})
    files, asked = [tmp_path / "a.npz", tmp_path / "b" / "a.npz", parts.motion], ["Does the person blink?", "What does the head do?"]
    said = describe_to(tmp_path / "text.h5", files, RUN, config=SHORT, question=asked, folders=(parts.model, parts.tokenizer))
    assert [a.id for a in said.answers][:4] == ["a", "a", "a-2", "a-2"] and len(said.answers) == 2 * (2 + 40)
    with open_text(tmp_path / "text.h5") as file:
        assert sorted(map(str, file)) == sorted(map(str, said.answers))
        assert [p.kind for p in file.header.parents] == ["motion", "motion-to-language", "motion-tokenizer"]


def test_a_conversation_is_about_one_motion(parts: Parts, tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", _motion(parts), settings={})
    given = {"config": SHORT, "folders": (parts.model, parts.tokenizer), "fit": FitConfig()}
    talk = Conversation([tmp_path / "a.npz"], RUN, **given)
    first, other, again = (talk.ask(q, lambda *_: None).answer for q in ("What happens?", "Does the person blink?", "What happens?"))
    assert first == again and isinstance(other, str)
    with pytest.raises(InputError, match="one motion to talk about, got 40 clips"):
        Conversation([parts.motion], RUN, **given)


def test_what_is_read_of_a_long_or_a_very_short_motion_is_told(parts: Parts) -> None:
    listening = Listening()
    motion = _motion(parts)
    frames = np.arange(15_000) % motion.num_frames
    long = replace(motion, **{n: v[frames] for n, v in motion.frame_terms().items()})
    clips = [replace(first_clip(parts), motion=m) for m in (motion[:1], long)]
    found = describe(clips, replace(RUN, progress=listening), config=replace(SHORT, batch_size=30), model=parts.model, tokenizer=parts.tokenizer)
    assert any("one frame" in line for line in listening.lines)
    assert any("600 s are read in 60 windows of 10.0 s, then summed up" in line for line in listening.lines)
    assert "From 590 to 600 s:" in found[1].answer and " In all: " in found[1].answer


def test_a_video_is_fitted_first(parts: Parts, landmark_file: Path, tmp_path: Path) -> None:
    """In one go the same is said as of the motion that `tdmm fit` writes."""
    from film_cases import encode, person

    from tdmm_core.pipelines.fit import fit

    encode(tmp_path / "film.mp4", person(0, 16))
    folders, config = (parts.model, parts.tokenizer), FitConfig(num_keyframes=4)
    said = describe_to(None, tmp_path / "film.mp4", RUN, config=SHORT, folders=folders, fit=config)
    fit([tmp_path / "film.mp4"], tmp_path / "film.npz", RUN, config=config)
    assert [(a.id, a.answer) for a in said.answers] == [
        (a.id, a.answer) for a in describe_to(None, tmp_path / "film.npz", RUN, config=SHORT, folders=folders).answers
    ]


def _motion(parts: Parts) -> FaceMotion:
    motion = first_clip(parts).motion
    assert motion is not None
    return motion


# --- measuring ------------------------------------------------------------------------------------------------------


def test_eval_marks_asks_and_keeps_what_was_said(parts: Parts, tmp_path: Path) -> None:
    from tdmm_core.artifacts.report import read_report
    from tdmm_core.evaluation.config import EvalConfig
    from tdmm_core.language.config import AnimateConfig
    from tdmm_core.pipelines.evaluate import Candidates, evaluate

    config = EvalConfig(split="all", max_described=6, max_asked=5, num_still=2, max_cycled=2)
    candidates = Candidates(tasks=("m2l",), m2l=parts.model, tokenizer=parts.tokenizer, fitted=parts.motion)
    summary = evaluate(parts.motion, tmp_path / "r.h5", RUN, config=config, candidates=candidates, sampling=AnimateConfig())
    figures = {str(m["metric"]).split(" (")[0]: m for m in summary.metrics}
    for name in ("CorE", "CorM", "CorI"):
        row = figures[f"{name}, offline judge"]
        assert 1 <= row["value"] <= 5 and 1 <= row["floor"] <= 5
        assert figures[f"{name}, fitted motion"]["value"] == row["value"]  # the true motion in its place loses nothing
        assert summary.settings[f"{name} of the clips' own sentences"] >= 4.8
    assert 0 <= figures["yes or no, balanced"]["value"] <= 100 and figures["yes or no, balanced"]["floor"] == 50
    assert {"told without ground", "still faces called still"} <= set(figures)
    tables = read_report(tmp_path / "r.h5").tables
    assert len(tables["descriptions"].rows) == 6 and len(tables["still"].rows) == 2 and 20 <= len(tables["questions"].rows) <= 30
    assert {r["kind"] for r in tables["questions"].records()} >= {"shown", "compare", "count"}
