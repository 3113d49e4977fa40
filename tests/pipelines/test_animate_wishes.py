"""What may be wished of `animate`, with the embedded models: lengths, seeds, samples, scripts, faces, several outputs, tokens."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.artifacts.motion import open_motion
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.exchange.npz import read_npz
from tdmm_core.language.config import AnimateConfig
from tdmm_core.pipelines.animate import Wishes, animate, animate_to, show_motion
from tdmm_core.pipelines.animator import DEFAULT_MODEL
from tdmm_core.pipelines.exports import sheet_frames
from tdmm_core.pipelines.motion_input import read_motion_clips
from tdmm_core.pipelines.performing import is_still
from tdmm_core.pipelines.prompts import Line, read_prompts, read_script
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.tokenize import tokenize
from tdmm_core.tokenization.autoencoder import MotionAutoencoder
from tdmm_core.tokenization.config import TokenizerConfig
from tdmm_core.tokenization.tokenizer import MotionTokenizer, load_default

PROMPT = "a slow pout turning to surprise"
RUN, CONFIG = Run(device="cpu", workers=1), AnimateConfig(batch_size=4)
SMALL = TokenizerConfig(num_codes=16, encoder_width=8, decoder_width=8, num_vertices=20)


def test_lines_may_say_their_own_length_and_seed(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('{"prompt": "she smiles", "seconds": 1}\n\nhe frowns\n{"prompt": "she nods", "seconds": 0.4, "seed": 12}\n')
    lines = read_prompts(tmp_path / "p.jsonl")
    animate_to(tmp_path / "many", lines, RUN, wishes=Wishes(seconds=2.0, many=True), config=CONFIG)
    read = [read_npz(tmp_path / "many" / f"{i:03d}.npz") for i in range(3)]
    assert [m.num_frames for m, _ in read] == [25, 50, 10]
    assert [said["seed"] for _, said in read][::2] == [0, 12] and read[0][1]["settings"]["seconds"] == 1
    before = (tmp_path / "many" / "000.npz").stat().st_mtime_ns
    animate_to(tmp_path / "many", lines, RUN, wishes=Wishes(seconds=2.0, many=True), config=CONFIG)
    assert (tmp_path / "many" / "000.npz").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [('{"prompt": "a"', "expected JSON"), ('{"text": "a"}', "expected an object such as"), ('{"prompt": "a", "second": 1}', "unknown key 'second'"),
     ('{"prompt": 3}', "expected prompt as in"), ('{"prompt": "a", "seconds": true}', "expected seconds"),
     ('{"prompt": "a", "seed": -1}', "seed of 0 to")],
)  # fmt: skip
def test_lines_that_cannot_be_used_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "p.jsonl").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_prompts(tmp_path / "p.jsonl")


SCRIPT = [{"prompt": "she smiles", "seconds": 2}, {"prompt": "he frowns", "seconds": 3.0}, {"prompt": "she nods", "seconds": 1}]


def test_a_script_of_sentences_becomes_one_motion_of_exactly_their_lengths(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps(SCRIPT))
    script = read_script(tmp_path / "s.json")
    animate_to(tmp_path / "s.npz", [script], RUN, config=CONFIG)
    motion, said = read_npz(tmp_path / "s.npz")
    assert motion.num_frames == 150 and said["prompt"] == "she smiles; he frowns; she nods" and said["settings"]["script"] == SCRIPT
    first = animate(["she smiles"], RUN, seconds=2.0, config=CONFIG)[0]
    np.testing.assert_array_equal(said["codes"][:50], first.codes)  # what the first sentence would be alone
    np.testing.assert_array_equal(motion.expression[:50], first.clip.motion.expression)
    assert np.abs(np.diff(motion.expression, n=2, axis=0))[[48, 49, 50, 123, 124, 125]].max() < 0.2


def test_a_motion_may_be_longer_than_the_model_s_longest(tmp_path: Path) -> None:
    animate_to(tmp_path / "long.npz", ["she smiles"], RUN, wishes=Wishes(seconds=12.0), config=CONFIG)
    motion, said = read_npz(tmp_path / "long.npz")
    assert motion.num_frames == len(said["codes"]) == 300
    with pytest.raises(InputError, match="at most 60 s in all, got 62"):
        animate_to(tmp_path / "s.npz", [[Line(prompt="a", seconds=31.0), Line(prompt="b", seconds=31.0)]], RUN, config=CONFIG)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("she smiles", "expected JSON"), ("{}", "expected a JSON list"), ("[]", "expected a JSON list"), ('["a"]', "expected an object such as"),
     ('[{"prompt": "a"}]', "'a' without seconds"), ('[{"prompt": "a", "seconds": 1, "seed": 3}]', "'a' with a seed")],
)  # fmt: skip
def test_scripts_that_cannot_be_performed_are_refused(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "s.json").write_text(content)
    with pytest.raises(InputError, match=sentence):
        read_script(tmp_path / "s.json")


def test_samples_of_one_sentence_differ_and_stand_in_order(tmp_path: Path) -> None:
    summary = animate_to(tmp_path / "many", ["she smiles", "he frowns"], RUN, wishes=Wishes(seconds=1.0, num_samples=3), config=CONFIG)
    read = [read_npz(o)[1] for o in summary.outputs]
    assert [said["prompt"] for said in read] == ["she smiles"] * 3 + ["he frowns"] * 3
    assert len({said["seed"] for said in read}) == 6 and read[0]["seed"] == RUN.seed
    assert len({said["codes"].tobytes() for said in read}) > 2
    with pytest.raises(InputError, match="--num-samples: expected 1 or more, got 0"):
        animate_to(tmp_path / "none", ["she smiles"], RUN, wishes=Wishes(num_samples=0), config=CONFIG)


def test_several_outputs_are_of_one_motion(tmp_path: Path) -> None:
    names = ["a.npz", "a.csv", "a.h5", "a.glb", "a.html", "a.png"]
    summary = animate_to([tmp_path / n for n in names], [PROMPT], RUN, wishes=Wishes(seconds=0.6), config=CONFIG)
    assert [Path(o).name for o in summary.outputs] == names and summary.num_motions == 1
    motion, _ = read_npz(tmp_path / "a.npz")
    with open_motion(tmp_path / "a.h5") as file:
        assert file[0].motion == motion
    taken = read_motion_clips(tmp_path / "a.csv")[0].motion
    np.testing.assert_allclose(taken.expression, motion.expression, atol=1e-3)
    show_motion(tmp_path / "a.npz", tmp_path / "b.glb", RUN)
    assert (tmp_path / "b.glb").stat().st_size > 1_000_000 and PROMPT in (tmp_path / "a.html").read_text()
    both = animate_to([tmp_path / "many", tmp_path / "many.h5"], ["she smiles", "he frowns"], RUN, wishes=Wishes(seconds=0.4), config=CONFIG)
    assert [Path(o).name for o in both.outputs] == ["000.npz", "001.npz", "many.h5"]
    with pytest.raises(InputError, match="named twice"):
        animate_to([tmp_path / "c.npz", tmp_path / "c.npz"], [PROMPT], RUN, config=CONFIG)
    with pytest.raises(InputError, match="holds one clip"):
        animate_to([tmp_path / "d.h5", tmp_path / "d.mp4"], ["she smiles", "he frowns"], RUN, config=CONFIG)
    assert not list(tmp_path.glob("[cd].*"))


def test_a_contact_sheet_shows_frames_evenly_spread() -> None:
    assert sheet_frames(100).tolist() == [0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99]
    assert sheet_frames(5).tolist() == [0, 1, 2, 3, 4] and sheet_frames(1).tolist() == [0]


def test_a_motion_is_performed_by_whoever_is_asked(tmp_path: Path) -> None:
    shapes = {}
    for name, shape in (("a", "random"), ("b", "random"), ("c", "0.5, -1"), ("d", str(tmp_path / "a.npz")), ("e", "")):
        animate_to(tmp_path / f"{name}.npz", [PROMPT], RUN, wishes=Wishes(seconds=0.4, shape=shape), config=CONFIG)
        motion, _ = read_npz(tmp_path / f"{name}.npz")
        shapes[name] = motion.shape
    np.testing.assert_array_equal(shapes["a"], shapes["b"])
    np.testing.assert_array_equal(shapes["a"], shapes["d"])
    assert shapes["a"].std() > 0.3 and shapes["c"][:3].tolist() == [0.5, -1.0, 0.0] and not shapes["e"].any()
    show_motion(tmp_path / "e.npz", tmp_path / "f.npz", RUN, wishes=Wishes(shape="1"))
    assert read_npz(tmp_path / "f.npz")[0].shape[0] == 1.0
    for wrong, sentence in (("nobody", "expected random, a motion file"), ("1,2,x3", "expected"), ("9", "-3 to 3"), ("0," * 60 + "1", "at most 48")):
        with pytest.raises(InputError, match=sentence):
            animate_to(tmp_path / "g.npz", [PROMPT], RUN, wishes=Wishes(seconds=0.4, shape=wrong), config=CONFIG)


def test_tokens_become_motion_again(tmp_path: Path) -> None:
    animate_to(tmp_path / "made.h5", ["she smiles", "he frowns"], RUN, wishes=Wishes(seconds=1.0), config=CONFIG)
    tokenize(tmp_path / "made.h5", tmp_path / "tokens.h5", RUN)
    show_motion(tmp_path / "tokens.h5", tmp_path / "m.h5", RUN)
    with open_motion(tmp_path / "made.h5") as made, open_motion(tmp_path / "m.h5") as file:
        assert [c.clip.prompt for c in file] == ["she smiles", "he frowns"] and list(file.lengths) == [25, 25]
        assert np.abs(file[0].motion.expression - made[0].motion.expression).mean() < 0.05
    other = tmp_path / "other"
    MotionTokenizer(MotionAutoencoder(52, SMALL), SMALL, load_default().space).save(other)
    with pytest.raises(InputError, match="give the one that made them"):
        show_motion(tmp_path / "tokens.h5", tmp_path / "n.h5", RUN, tokenizer=other)
    with pytest.raises(InputError, match="leave --seconds and --num-samples out"):
        show_motion(tmp_path / "tokens.h5", tmp_path / "n.h5", RUN, wishes=Wishes(seconds=1.0))


def test_a_text_model_that_is_not_here_is_named_with_the_command_that_fetches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    shutil.copytree(DEFAULT_MODEL, tmp_path / "model")
    about = json.loads((tmp_path / "model" / "config.json").read_text())
    (tmp_path / "model" / "config.json").write_text(json.dumps(about | {"text_encoder": "nobody/no-model"}))
    with pytest.raises(MissingPartError, match="fetch it with `hf download nobody/no-model`") as caught:
        animate_to(tmp_path / "out.npz", [PROMPT], RUN, config=CONFIG, model=tmp_path / "model")
    assert caught.value.exit_code == 3 and not (tmp_path / "out.npz").exists()


def test_where_nothing_moves_it_is_said() -> None:
    """A face that blinks and holds still is still; one that smiles or turns its head is not."""
    rest = animate([PROMPT], RUN, seconds=1.0, config=CONFIG)[0].clip.motion
    names = list(rest.expression_names)
    still = replace(rest, expression=np.zeros_like(rest.expression), global_orient=np.zeros_like(rest.global_orient))
    blinking, smiling = still.expression.copy(), still.expression.copy()
    blinking[5:9, names.index("eyeBlinkLeft")] = 1.0
    smiling[5:, names.index("mouthSmileLeft")] = 0.4
    turning = still.global_orient.copy()
    turning[10:, 1] = 0.3
    assert is_still(still) and is_still(replace(still, expression=blinking))
    assert not is_still(replace(still, expression=smiling)) and not is_still(replace(still, global_orient=turning))
