"""`tdmm describe` with the embedded models: speeds, sentences by hand, and what it says of real videos. Each figure beside its floor and target."""

from __future__ import annotations

import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.evaluation import judge
from tdmm_core.exchange.npz import write_npz
from tdmm_core.language.m2l_config import DescribeConfig
from tdmm_core.language.m2l_decoding import answer
from tdmm_core.language.m2l_prompting import DESCRIBE
from tdmm_core.language.motion_words import known_codes
from tdmm_core.performance.question_words import COMPARE
from tdmm_core.pipelines.describer import Describer, load_describer
from tdmm_core.pipelines.run import Run
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import PlannedClip, plan_clips
from tdmm_core.synthesis.scripted import act

HAND = Path(__file__).with_name("hand_descriptions.toml")
FACES = Path(__file__).parents[3] / "shared" / "data" / "faces"
CONFIG = SynthConfig(num_clips=64, min_duration_s=5.0, max_duration_s=5.0)
VISION_TOKENS_A_SECOND = 25 * 300
"What a vision model reads of a second of video at 25 frames, 300 tokens each: the lower end of what they spend."


@pytest.fixture(scope="module")
def describer() -> Describer:
    return load_describer(Run())


@pytest.fixture(scope="module")
def motions() -> list[FaceMotion]:
    return [act(p, CONFIG) for p in plan_clips(CONFIG, seed=90422)]


def codes_of(describer: Describer, motions: list[FaceMotion]) -> list[np.ndarray]:
    return [known_codes(t) for t in describer.tokenizer.encode_batch(motions)]


def test_describe_five_seconds_cold(tmp_path: Path, motions: list[FaceMotion]) -> None:
    write_npz(tmp_path / "m.npz", motions[0], settings={})
    times, floor = [], []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch, transformers.models.llama.modeling_llama"], check=True)
        floor.append(time.perf_counter() - start)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "tdmm_cli", "describe", str(tmp_path / "m.npz"), "--quiet"], check=True)
        times.append(time.perf_counter() - start)
    print(f"\ndescribe, 5 s, cold: median {np.median(times):.2f} s; importing torch and the network's class {np.median(floor):.2f} s; target 10 s")
    assert np.median(times) <= 10


def test_words_a_second_and_a_batch(describer: Describer, motions: list[FaceMotion]) -> None:
    coded = codes_of(describer, motions)
    one, many = DescribeConfig(batch_size=1), DescribeConfig(batch_size=32)
    answer(describer.model, coded[:1], DESCRIBE[0], one)
    start = time.perf_counter()
    alone = [answer(describer.model, [c], DESCRIBE[0], one)[0] for c in coded[:16]]
    each = (time.perf_counter() - start) / 16
    words = sum(len(describer.model.model.ids(t)) + 1 for t in alone)
    start = time.perf_counter()
    together = answer(describer.model, coded, DESCRIBE[0], many)
    each_of_many = (time.perf_counter() - start) / len(coded)
    read = len(describer.model.writer.prompt(coded[0], DESCRIBE[0]).motion) / 5
    print(
        f"\ndecoding alone: {words / (16 * each):.1f} tokens/s, reading included (target 25); a clip of 5 s {each:.3f} s alone, "
        f"{each_of_many:.3f} s in a batch of 64: {each / each_of_many:.1f} times faster (target 3); read of a second of motion: "
        f"{read:.1f} tokens, of a second of video a vision model's {VISION_TOKENS_A_SECOND}"
    )
    assert together[:16] == alone
    assert words / (16 * each) >= 25 and each / each_of_many >= 3


def described_by_hand() -> tuple[list[PlannedClip], list[str]]:
    """Clips with the sentence that a person wrote of each."""
    data = tomllib.loads(HAND.read_text(encoding="utf-8"))
    plan = plan_clips(SynthConfig(num_clips=data["num_clips"]), seed=data["seed"])
    return [plan[int(n)] for n in data["described"]], list(data["described"].values())


def test_sentences_by_hand(describer: Describer) -> None:
    """Words of another origin than the training's: the judge's marks with the hand's sentences as the truth, finding them, and right or wrong."""
    plans, hand = described_by_hand()
    scripts = [p.clip.script for p in plans if p.clip.script is not None]
    coded = codes_of(describer, [act(p, SynthConfig()) for p in plans])
    said = answer(describer.model, coded, DESCRIBE[0], DescribeConfig(batch_size=16))
    dealt = said[31:] + said[:31]
    own = [p.clip.prompt for p in plans]
    told = [judge.read_back(h) for h in hand]
    rows = (
        ("describer, script as truth", judge.marks(scripts, said)), ("other clips' descriptions", judge.marks(scripts, dealt)),
        ("describer, hand as truth", judge.marks(told, said)), ("other clips' descriptions, hand as truth", judge.marks(told, dealt)),
        ("suite's own sentences, hand as truth", judge.marks(told, own)), ("hand, script as truth", judge.marks(scripts, hand)),
    )  # fmt: skip
    for name, found in rows:
        print(f"\n{name}: CorE {found.emotion:.2f}, CorM {found.motion:.2f}, CorI {found.strength:.2f}", end="")
    print(
        f"\nhand's sentence found among {len(hand)} by word vectors, mean rank: describer {rank(said, hand):.1f}, other clips' descriptions "
        f"{rank(dealt, hand):.1f}, suite's own sentences {rank(own, hand):.1f}, chance {(len(hand) + 1) / 2:.1f}"
    )
    print(f'"is this what happens", hand\'s sentences, balanced: {compared(describer, coded, hand):.1f} %, guessing 50 %')
    assert len(hand) >= 60


def rank(said: list[str], hand: list[str]) -> float:
    """Mean rank of a clip's hand-written sentence among all, by the cosine of mean word vectors."""
    from tdmm_core.textmodels.words import load_words

    encoder = load_words()
    means = [np.stack([np.asarray(w).mean(axis=0) for w in encoder.encode(texts)]) for texts in (said, hand)]
    a, b = (m / np.maximum(np.linalg.norm(m, axis=1, keepdims=True), 1e-9) for m in means)
    near = a @ b.T
    return float(np.mean((near >= np.diag(near)[:, None]).sum(axis=1)))


def compared(describer: Describer, coded: list[np.ndarray], hand: list[str]) -> float:
    """Percent of hand-written sentences, half of them another clip's, that are affirmed or denied rightly."""
    shares = []
    for sentences, word in ((hand, "yes"), (hand[17:] + hand[:17], "no")):
        asked = [COMPARE[0].format(sentence=s) for s in sentences]
        said = answer(describer.model, coded, asked, DescribeConfig(batch_size=16, max_words=12))
        shares.append(np.mean([t.lower().startswith(word) for t in said]))
    return 100 * float(np.mean(shares))


def test_real_videos_are_quoted(tmp_path: Path) -> None:
    if not FACES.is_dir():
        pytest.skip(f"no videos of faces at {FACES}")
    for video in sorted(p for p in FACES.iterdir() if p.suffix in (".mp4", ".mov")):
        done = subprocess.run([sys.executable, "-m", "tdmm_cli", "describe", str(video), "--quiet"], capture_output=True, text=True, check=False)
        print(f"\n{video.name}: {done.stdout.strip() or done.stderr.strip()}", end="")
        assert done.returncode == 0
