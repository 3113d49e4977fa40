"""What `tdmm eval` measures, one function a task: a fit, the motion tokenizer, and the two language directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from tdmm_core.artifacts.header import Parent, parent_of
from tdmm_core.domain.clip import MotionClip, TokenClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.report import Cell
from tdmm_core.errors import InputError
from tdmm_core.evaluation import metrics, obedience, studies
from tdmm_core.evaluation.config import EvalConfig
from tdmm_core.language.config import AnimateConfig
from tdmm_core.pipelines.face_models import find_face_model
from tdmm_core.pipelines.motion_input import read_motion_clips
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.seeding import derive_seed

Task = Literal["tokenizer", "l2m", "m2l"]
TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """What is measured; None takes the embedded model."""

    tasks: tuple[Task, ...] = TASKS
    against: Path | None = None
    "Motion of the same clips, measured against the true one; then that alone is measured."
    tokenizer: Path | None = None
    l2m: Path | None = None
    m2l: Path | None = None
    fitted: Path | None = None
    "Motion of the same clips, described beside the true one."
    judge: str | None = None
    "A chat model that marks descriptions too, `openai:MODEL`."


@dataclass(kw_only=True)
class Measured:
    """Figures as they gather."""

    parents: list[Parent]
    metrics: list[dict[str, Cell]] = field(default_factory=list)
    per_clip: list[dict[str, Cell]] = field(default_factory=list)
    settings: dict[str, Cell] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Cell]]] = field(default_factory=dict)
    "Further tables of the report, by name."

    def add(self, task: str, metric: str, value: float, *, unit: str, floor: float = float("nan"), floor_is: str = "") -> None:
        """One figure, with what stands beside it."""
        self.metrics.append({"task": task, "metric": metric, "value": value, "unit": unit, "floor": floor, "floor_is": floor_is})

    def add_clip(self, task: str, clip: str, figures: dict[str, float]) -> None:
        """Figures of one clip."""
        self.per_clip += [{"task": task, "clip": clip, "metric": name, "value": value} for name, value in figures.items()]

    def remember(self, parents: Sequence[Parent]) -> None:
        """Parents, each once."""
        self.parents += [p for p in parents if p not in self.parents]


def measure_fit(truth: Sequence[MotionClip], against: Path, measured: Measured) -> None:
    """Another motion of the same clips: vertex error by region, rotation error, jitter. Clips that failed are counted."""
    other = {c.clip.id: c.motion for c in read_motion_clips(against)}
    pairs = [(c.clip.id, other[c.clip.id], c.motion) for c in truth if other.get(c.clip.id) is not None]
    if not pairs:
        raise InputError(f"{against}: expected motion of the same clips as the true one, got none in common")
    measured.remember([parent_of(against)])
    measured.settings["clips_missing_or_failed"] = len(truth) - len(pairs)
    _compare("fit", pairs, measured)


def _compare(task: str, pairs: Sequence[tuple[str, FaceMotion | None, FaceMotion | None]], measured: Measured) -> None:
    rows = []
    for name, motion, truth in pairs:
        assert motion is not None and truth is not None
        model = find_face_model(truth.face_model, truth.face_model_digest)
        rows.append(studies.compare_motions(model, motion, truth))
        measured.add_clip(task, name, rows[-1])
    mean = studies.mean_of(rows)
    for region in studies.REGIONS:
        measured.add(task, f"vertex error, {region}", mean[f"{region}_mm"], unit="mm", floor=mean[f"{region}_floor_mm"], floor_is="neutral face")
    measured.add(task, "head rotation error", mean["rotation_deg"], unit="deg", floor=mean["rotation_floor_deg"], floor_is="head that does not turn")
    measured.add(task, "jitter", mean["jitter_mm"], unit="mm/frame^2", floor=mean["jitter_truth_mm"], floor_is="truth")


def measure_tokenizer(
    truth: Sequence[MotionClip], candidates: Candidates, measured: Measured, run: Run, *, config: EvalConfig, sampling: AnimateConfig
) -> None:
    """Reconstruction by the motion tokenizer, and how evenly its codes are used."""
    from tdmm_core.tokenization.tokenizer import MotionTokenizer, load_default

    tokenizer = MotionTokenizer.load(candidates.tokenizer) if candidates.tokenizer else load_default()
    motions = [c.motion for c in truth if c.motion is not None]
    run.progress.start("encoding and decoding", None, "clips")
    tokens = tokenizer.encode_batch(motions)
    _compare("tokenizer", [(c.clip.id, made, c.motion) for c, made in zip(truth, tokenizer.decode_batch(tokens), strict=True)], measured)
    run.progress.finish()
    codes = np.concatenate([t.codes[:, 0] for t in tokens])
    measured.add(
        "tokenizer", "code perplexity", metrics.perplexity(codes, tokenizer.num_codes), unit="1", floor=tokenizer.num_codes, floor_is="codes"
    )
    _measure_use(codes, [t.codes[:, 0] for t in tokens], tokenizer.num_codes, measured)
    measured.settings["tokenizer_digest"] = tokenizer.digest[:12]


def _measure_use(codes: np.ndarray, by_clip: Sequence[np.ndarray], num_codes: int, measured: Measured) -> None:
    """The share of the codes that is never used, and how often a code is the one of the frame before."""
    share = np.bincount(codes, minlength=num_codes) / len(codes)
    even = (1 - 1 / num_codes) ** len(codes)
    measured.add("tokenizer", "codes never used", float(np.mean(share == 0)), unit="share", floor=even, floor_is="as many draws of equal codes")
    stays = np.concatenate([c[1:] == c[:-1] for c in by_clip])
    staying = float(stays.mean()) if stays.size else 0.0
    measured.add("tokenizer", "frames with the code before", staying, unit="share", floor=float(np.square(share).sum()), floor_is="by chance")


def measure_l2m(
    truth: Sequence[MotionClip], candidates: Candidates, measured: Measured, run: Run, *, config: EvalConfig, sampling: AnimateConfig
) -> None:
    """Generated motion against the true motion of the same prompts (L2, FD), and teacher-forced token accuracy."""
    from tdmm_core.language.l2m_dataset import example_of
    from tdmm_core.language.l2m_score import score
    from tdmm_core.language.sampling import Request, sample_each
    from tdmm_core.pipelines.animator import load_animator

    animator = load_animator(run, model=candidates.l2m, tokenizer=candidates.tokenizer)
    measured.remember(animator.parents)
    network = animator.model.network
    clips = [c for c in truth if c.motion is not None and c.clip.prompt]
    if len(clips) < 4:
        raise InputError(f"eval: language to motion needs at least 4 clips with a prompt and a motion, got {len(clips)}")
    motions = [c.motion for c in clips if c.motion is not None]
    tokens = animator.tokenizer.encode_batch(motions)
    examples = [e for c, t in zip(clips, tokens, strict=True) if (e := example_of(TokenClip(clip=c.clip, tokens=t), network.config)) is not None]
    forced = score(network, examples, animator.encoder)
    words = animator.encoder.encode([c.clip.prompt for c in clips])
    longest = network.config.max_frames
    requests = [
        Request(words=w, seed=derive_seed(run.seed, "eval", c.clip.id), num_frames=min(m.num_frames, longest))
        for c, m, w in zip(clips, motions, words, strict=True)
    ]
    run.progress.start("animating", len(requests), "motions")
    codes: dict[int, np.ndarray] = {}
    for place, sampled in sample_each(network, requests, sampling):
        codes[place] = sampled
        run.progress.advance()
    run.progress.finish()
    made = animator.tokenizer.decode_batch([replace(tokens[0], codes=codes[i][:, None], status=None) for i in range(len(requests))])
    found = studies.compare_sets(made, motions, config.lag_frames)
    measured.add("l2m", "L2", found["l2"], unit="1", floor=found["l2_shuffled"], floor_is="other prompts' motions")
    measured.add("l2m", "L2 of a neutral face", found["l2_neutral"], unit="1")
    measured.add("l2m", f"FD ({metrics.FEATURES})", found["fd"], unit="1", floor=found["fd_neutral"], floor_is="neutral face")
    measured.add("l2m", "FD between halves of the truth", found["fd_truth_halves"], unit="1")
    floor = {"floor": forced.repeat_accuracy or 0.0, "floor_is": "the code before, again"}
    measured.add("l2m", "token accuracy, teacher-forced", forced.token_accuracy or 0.0, unit="1", **floor)
    measured.add("l2m", "loss", forced.loss or 0.0, unit="nats/token", floor=forced.loss_without_prompt or 0.0, floor_is="without prompt")
    _measure_claims(clips, made, motions, measured)
    measured.settings |= {f"sampling_{k}": v for k, v in asdict(sampling).items()}


def _measure_claims(clips: Sequence[MotionClip], made: Sequence[FaceMotion], truth: Sequence[FaceMotion], measured: Measured) -> None:
    """What the scripts claim, read from the generated motion, beside motion of other scripts; a row for the true motion and a neutral face."""
    scripted = [i for i, c in enumerate(clips) if c.clip.script is not None]
    if not scripted:
        return
    asked = [obedience.Asked(prompt=clips[i].clip.prompt, script=clips[i].clip.script) for i in scripted]  # type: ignore[arg-type]
    rows = obedience.obedience(asked, [made[i] for i in scripted])
    for row in rows:
        what = "claims kept" if row.kind is None else f"claims kept, {row.kind} ({row.asked})"
        measured.add("l2m", what, row.share, unit="1", floor=row.dealt, floor_is="other scripts' motions")
    true = obedience.obedience(asked, [truth[i] for i in scripted])[0]
    measured.add("l2m", "claims kept by the true motion", true.share, unit="1", floor=rows[0].neutral, floor_is="neutral face")
