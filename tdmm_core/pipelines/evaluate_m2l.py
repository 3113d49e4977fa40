"""What `tdmm eval --task m2l` measures: descriptions marked by the judges, questions with known answers, still faces, fitted motion, the cycle.

Asks the describer, hands its answers to `evaluation`, and writes each figure down beside its floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from tdmm_core.domain.clip import MotionClip, TokenClip
from tdmm_core.domain.description import Asked
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Script
from tdmm_core.errors import InputError
from tdmm_core.evaluation import judge, studies
from tdmm_core.evaluation.config import EvalConfig
from tdmm_core.evaluation.examination import examined
from tdmm_core.language.config import AnimateConfig
from tdmm_core.language.m2l_config import DescribeConfig
from tdmm_core.pipelines.describer import Describer
from tdmm_core.pipelines.evaluate_tasks import Candidates, Measured
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.seeding import derive_seed, stream

_STILL_S = 4.0
_NAMES = {"emotion": "CorE", "motion": "CorM", "strength": "CorI"}


@dataclass(frozen=True, kw_only=True)
class _Study:
    """What every measurement below needs."""

    describer: Describer
    measured: Measured
    run: Run
    config: EvalConfig

    def say(self, motions: Sequence[FaceMotion], question: str | Sequence[str]) -> list[str]:
        """An answer about each motion."""
        from tdmm_core.language.motion_words import known_codes

        return self.answers([known_codes(t) for t in self.describer.tokenizer.encode_batch(list(motions))], question)

    def answers(self, coded: Sequence[np.ndarray], question: str | Sequence[str]) -> list[str]:
        from tdmm_core.language.m2l_decoding import answer

        self.run.progress.start("describing", len(coded), "motions")
        said = answer(self.describer.model, coded, question, DescribeConfig(), seed=self.run.seed, told=self.run.progress.advance)
        self.run.progress.finish()
        return said

    def add(self, metric: str, value: float, unit: str, floor: float = float("nan"), floor_is: str = "") -> None:
        self.measured.add("m2l", metric, value, unit=unit, floor=floor, floor_is=floor_is)


def measure_m2l(
    truth: Sequence[MotionClip], candidates: Candidates, measured: Measured, run: Run, *, config: EvalConfig, sampling: AnimateConfig
) -> None:
    """All of it. Clips that have sentences but no script are measured by the overlap of words alone."""
    from tdmm_core.language.m2l_prompting import DESCRIBE
    from tdmm_core.pipelines.describer import load_describer

    describer = load_describer(run, model=candidates.m2l, tokenizer=candidates.tokenizer)
    measured.remember(describer.parents)
    study = _Study(describer=describer, measured=measured, run=run, config=config)
    clips = [c for c in truth if c.motion is not None and c.clip.prompt][: config.max_described]
    if not clips:
        raise InputError("eval: motion to language needs clips with a sentence and a motion, got none")
    said = study.say([c.motion for c in clips if c.motion is not None], DESCRIBE[0])
    measured.tables["descriptions"] = [{"clip": c.clip.id, "said": s, "prompt": c.clip.prompt} for c, s in zip(clips, said, strict=True)]
    _overlap(study, clips, said)
    scripted = [(c, s) for c, s in zip(clips, said, strict=True) if c.clip.script is not None]
    if len(scripted) < 2:
        return
    told = [c for c, _ in scripted]
    sentences = [s for _, s in scripted]
    _marked(study, told, sentences)
    _grounded(study, told, sentences)
    _asked(study, told)
    _still(study)
    if candidates.fitted is not None:
        _fitted(study, told, sentences, candidates)
    if candidates.judge is not None:
        _ruled(study, told, sentences, candidates.judge)
    _cycled(study, told, candidates, sampling)


def _scripts(clips: Sequence[MotionClip]) -> list[Script]:
    return [c.clip.script for c in clips if c.clip.script is not None]


def _overlap(study: _Study, clips: Sequence[MotionClip], said: Sequence[str]) -> None:
    references = [(c.clip.prompt, *c.clip.paraphrases) for c in clips]
    overlap = [studies.word_overlap(s, r) for s, r in zip(said, references, strict=True)]
    dealt = [studies.word_overlap(s, r) for s, r in zip(said, [*references[1:], references[0]], strict=True)]
    for clip, value in zip(clips, overlap, strict=True):
        study.measured.add_clip("m2l", clip.clip.id, {"word_overlap": value})
    study.add("word overlap with the nearest sentence", float(np.mean(overlap)), "1", float(np.mean(dealt)), "other clips' sentences")


def _marked(study: _Study, clips: Sequence[MotionClip], said: Sequence[str]) -> None:
    """The offline judge's marks beside those of the same sentences dealt to other clips, and of a true sentence of the suite."""
    scripts = _scripts(clips)
    shift = max(1, len(said) // 2)
    dealt = [said[(i + shift) % len(said)] for i in range(len(said))]
    right, floor, best = judge.marks(scripts, said), judge.marks(scripts, dealt), judge.marks(scripts, [c.clip.prompt for c in clips])
    for aspect, name in _NAMES.items():
        study.add(f"{name}, offline judge", getattr(right, aspect), "1 to 5", getattr(floor, aspect), "other clips' descriptions; still 1")
        study.measured.settings[f"{name} of the clips' own sentences"] = round(getattr(best, aspect), 3)


def _grounded(study: _Study, clips: Sequence[MotionClip], said: Sequence[str]) -> None:
    """How much of what is told has no ground, by the script or by what the reader of performances sees in the motion."""
    from tdmm_core.performance.reading import read

    seen = [read(c.motion) for c in clips if c.motion is not None]
    shift = max(1, len(said) // 2)
    shares = []
    for step in (0, shift):
        told = [judge.read_back(said[(i + step) % len(said)]) for i in range(len(said))]
        counts = np.array([judge.invented(t, s, r) for t, s, r in zip(_scripts(clips), told, seen, strict=True)])
        shares.append(float(counts[:, 1].sum() / max(counts[:, 0].sum(), 1)))
    study.add("told without ground", 100 * shares[0], "%", 100 * shares[1], "other clips' descriptions")


def _asked(study: _Study, clips: Sequence[MotionClip]) -> None:
    """Questions with known answers."""
    rows = _questions(study, clips)
    if not rows:
        return
    answers = study.answers([codes for codes, _, _ in rows], [a.question for _, _, a in rows])
    study.measured.tables["questions"] = [
        {"clip": c, "kind": a.kind, "question": a.question, "answer": text, "truth": a.answer} for (_, c, a), text in zip(rows, answers, strict=True)
    ]
    for kind, figure in examined([a for _, _, a in rows], answers).items():
        name = "yes or no, balanced" if kind == "yes or no" else f"asked: {kind}"
        study.add(f"{name} ({figure.count})", 100 * figure.value, "%", 100 * figure.floor, "guessing")


def _questions(study: _Study, clips: Sequence[MotionClip]) -> list[tuple[np.ndarray, str, Asked]]:
    from tdmm_core.language.motion_words import known_codes
    from tdmm_core.pipelines.m2l_questions import Asking

    asking = Asking(study.describer.tokenizer, seed=derive_seed(study.run.seed, "examination"), longest_frames=study.describer.model.about.max_frames)
    rows = []
    for clip in clips:
        assert clip.motion is not None
        tokens = study.describer.tokenizer.encode(clip.motion)
        known = [a for a in asking(TokenClip(clip=clip.clip, tokens=tokens)) if a.kind not in ("describe", "detailed", "short")]
        order = stream(study.run.seed, "questions of", clip.clip.id).permutation(len(known))[: study.config.max_asked]
        rows += [(known_codes(tokens), clip.clip.id, known[int(i)]) for i in order]
    return rows


def _still(study: _Study) -> None:
    """Faces on which nothing happens but blinks, small glances and sway: how often the description says so."""
    from tdmm_core.language.m2l_prompting import DESCRIBE
    from tdmm_core.performance.perform import perform

    if not study.config.num_still:
        return
    script = Script(events=(), duration_s=_STILL_S)
    fps = study.describer.tokenizer.space.fps
    motions = [perform(script, seed=derive_seed(study.run.seed, "still", i), fps=fps) for i in range(study.config.num_still)]
    said = study.say(motions, DESCRIBE[0])
    study.measured.tables["still"] = [{"number": i, "said": s} for i, s in enumerate(said)]
    quiet = [all(e.kind == "blink" for e in judge.read_back(s).events) for s in said]
    study.add(f"still faces called still ({len(said)})", 100 * float(np.mean(quiet)), "%")


def _fitted(study: _Study, clips: Sequence[MotionClip], said: Sequence[str], candidates: Candidates) -> None:
    """The same clips' fitted motion: marks, beside those of the true motion of the very clips."""
    from tdmm_core.artifacts.header import parent_of
    from tdmm_core.language.m2l_prompting import DESCRIBE
    from tdmm_core.pipelines.motion_input import read_motion_clips

    assert candidates.fitted is not None
    other = {c.clip.id: c.motion for c in read_motion_clips(candidates.fitted) if c.motion is not None}
    both = [(c, s) for c, s in zip(clips, said, strict=True) if c.clip.id in other]
    if len(both) < 2:
        raise InputError(f"{candidates.fitted}: expected motion of the same clips as the true one, got {len(both)} in common")
    study.measured.remember([parent_of(candidates.fitted)])
    scripts = _scripts([c for c, _ in both])
    found = study.say([other[c.clip.id] for c, _ in both], DESCRIBE[0])
    fitted, true = judge.marks(scripts, found), judge.marks(scripts, [s for _, s in both])
    for aspect, name in _NAMES.items():
        study.add(f"{name}, fitted motion ({len(both)})", getattr(fitted, aspect), "1 to 5", getattr(true, aspect), "true motion of these clips")


def _ruled(study: _Study, clips: Sequence[MotionClip], said: Sequence[str], name: str) -> None:
    """The marks of a chat model; its prompts and replies go into the report."""
    from tdmm_core.evaluation.chat_judge import mean_marks, rule
    from tdmm_core.performance.plain import dated_sentences
    from tdmm_core.textmodels.chat import ENDPOINT, ChatEndpoint

    if not name.startswith(ENDPOINT):
        raise InputError(f"--judge: expected {ENDPOINT}MODEL, a chat model behind OPENAI_BASE_URL, got {name!r}")
    ask = ChatEndpoint(name.removeprefix(ENDPOINT))
    truths = [dated_sentences(s) for s in _scripts(clips)]
    shift = max(1, len(said) // 2)
    rulings = rule(ask, truths, said, seed=study.run.seed)
    floor = mean_marks(rule(ask, truths, [said[(i + shift) % len(said)] for i in range(len(said))], seed=study.run.seed))
    study.measured.tables["judge"] = [
        {"clip": c.clip.id, "judge": name, "prompt": r.prompt, "reply": r.reply} for c, r in zip(clips, rulings, strict=True)
    ]
    found = mean_marks(rulings)
    for aspect, short in _NAMES.items():
        study.add(f"{short}, {name}", getattr(found, aspect), "1 to 5", getattr(floor, aspect), "other clips' descriptions")


def _cycled(study: _Study, clips: Sequence[MotionClip], candidates: Candidates, sampling: AnimateConfig) -> None:
    """Sentence -> motion -> description: how much of the script is still told."""
    from tdmm_core.language.sampling import Request, sample_codes
    from tdmm_core.performance.claims import WHAT, chance, claims, tally
    from tdmm_core.pipelines.animator import load_animator

    chosen = [c for c in clips if c.motion is not None and c.clip.script is not None and c.clip.script.events][: study.config.max_cycled]
    if len(chosen) < 2:
        return
    try:
        animator = load_animator(study.run, model=candidates.l2m, tokenizer=candidates.tokenizer)
    except InputError as e:
        study.run.progress.log(f"the cycle is left out: {e}")
        return
    study.measured.remember(animator.parents)
    words = animator.encoder.encode([c.clip.prompt for c in chosen])
    longest = animator.model.network.config.max_frames
    requests = [
        Request(words=w, seed=derive_seed(study.run.seed, "cycle", c.clip.id), num_frames=min(c.motion.num_frames, longest))
        for c, w in zip(chosen, words, strict=True)
        if c.motion is not None
    ]
    coded = [c if c.ndim == 2 else c[:, None] for c in sample_codes(animator.model.network, requests, replace(sampling, batch_size=len(requests)))]
    from tdmm_core.language.m2l_prompting import DESCRIBE

    said = study.answers(coded, DESCRIBE[0])
    asked, told = _scripts(chosen), [judge.read_back(s) for s in said]
    study.measured.tables["cycle"] = [{"clip": c.clip.id, "prompt": c.clip.prompt, "said": s} for c, s in zip(chosen, said, strict=True)]
    kept = tally([c for a, t in zip(asked, told, strict=True) for c in claims(a, t) if c.kind in WHAT])
    floor = chance(asked, told)
    study.add(f"sentence, animated, described: events kept ({len(chosen)})", _percent(kept), "%", _percent(floor), "other sentences")
    study.measured.settings |= {f"cycle_{k}": v for k, v in asdict(sampling).items()}


def _percent(tallies: dict) -> float:
    from tdmm_core.performance.claims import WHAT

    asked = sum(t.asked for k, t in tallies.items() if k in WHAT)
    return 100 * sum(t.kept for k, t in tallies.items() if k in WHAT) / max(asked, 1)
