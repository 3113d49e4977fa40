"""`tdmm synth --backend`: a plan is put to a text-to-video generator and becomes a corpus of its videos.

Owns the order of writing and what is never made twice; what a generator is asked and how is the room `synthesis`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from tdmm_core.artifacts.atomic import make_folder
from tdmm_core.artifacts.corpus import CorpusWriter, open_corpus
from tdmm_core.domain.clip import CorpusClip
from tdmm_core.errors import TdmmError
from tdmm_core.performance.lexicon import lexicon_digest
from tdmm_core.pipelines.carry_over import carry_over
from tdmm_core.pipelines.provenance import Provenance, read_provenance, write_provenance
from tdmm_core.pipelines.refine import refined, refining
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.shards import Shard
from tdmm_core.pipelines.synth_output import Place, SynthSummary, corpus_summary, place_of
from tdmm_core.synthesis.backends.opening import Door
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.generation import Generator, Outcome, Request, requests_of, row_of
from tdmm_core.synthesis.known import Generation, planned_with
from tdmm_core.synthesis.plan import PlannedClip, plan_clips
from tdmm_core.synthesis.wording import video_prompt

_FAR_FROM_RIGHT = 8
"First clips that may all fail before the run is given up: so many say that it is not the clips."
_FILMING = ("image_width_px", "image_height_px", "supersampling", "identity_spread", "generator")
"Settings of the embedded generator alone."
Wish = tuple[PlannedClip, Request]


def generate(
    output: Path, run: Run, *, config: SynthConfig, door: Door, refine: str = "", shard: Shard | None = None, retry_failed: bool = False
) -> SynthSummary:
    """Make the corpus `output` (`c.h5`) with `c.videos/` by a generator, which is opened only where there is something to make.

    Videos that lie in the folder under a clip's name are taken as they are, unless the run begins anew (`force`, or not `resume`). Clips that
    fail are recorded and counted. Raises TdmmError where the first clips all fail.
    """
    generation = door.generation
    place = place_of(output, run, settings_of(config, generation) | refining(refine), shard=shard, retry_failed=retry_failed)
    with CorpusWriter(place.output, place.making, **place.options(run)) as writer:
        wishes = _reworded(place.share(wishes_of(config, generation, seed=run.seed)), place, run, (generation, refine))
        if place.retried:
            with open_corpus(place.output) as finished:
                carry_over(writer, finished)
        known = writer.staged_ids()
        todo = [wish for wish in wishes if wish[1].id not in known]
        run.progress.start(f"generating ({generation.backend})", len(wishes), "clip")
        run.progress.advance(len(wishes) - len(todo))
        for row in _rows(todo, place, run, door=door, begun=bool(known)):
            writer.add(row)
            run.progress.advance(1, row.error)
        header = writer.commit([request.id for _, request in wishes])
        run.progress.finish()
    return corpus_summary(place.output, len(wishes) - len(todo), header.digest)


def settings_of(config: SynthConfig, generation: Generation) -> dict[str, object]:
    """What decides the corpus, as its header remembers it."""
    plan = {k: v for k, v in asdict(planned_with(config, generation)).items() if k not in _FILMING}
    asked = {k: v for k, v in asdict(generation).items() if k not in ("cost", "timeout_s", "kind")}
    return {**plan, "generation": {**asked, "model": generation.name}, "lexicon_digest": lexicon_digest()}


def wishes_of(config: SynthConfig, generation: Generation, *, seed: int) -> list[Wish]:
    """Every clip of the plan with what is asked of the generator."""
    planned = plan_clips(planned_with(config, generation), seed=seed)
    return list(zip(planned, requests_of(planned, generation, seed=seed), strict=True))


def _reworded(wishes: Sequence[Wish], place: Place, run: Run, how: tuple[Generation, str]) -> list[Wish]:
    """The clips in the words of the model that refines them, if any, and what the generator is then asked."""
    generation, refine = how
    clips = refined([planned for planned, _ in wishes], place.output, run, model=refine)
    requests = (request for _, request in wishes)
    return [(p, replace(r, prompt=video_prompt(p.clip.prompt, p.subject, generation.backend))) for p, r in zip(clips, requests, strict=True)]


def existing(wishes: Sequence[Wish], place: Place, run: Run) -> set[str]:
    """Clips whose videos lie in the folder already."""
    if run.force or not run.resume:
        return set()
    return {request.id for _, request in wishes if (place.videos / f"{request.id}.mp4").is_file()}


def _rows(todo: Sequence[Wish], place: Place, run: Run, *, door: Door, begun: bool) -> Iterator[CorpusClip]:
    """The rows of all clips that are still to be made, as they come."""
    there = existing(todo, place, run)
    missing = [request for _, request in todo if request.id not in there]
    generator = door.open() if missing else None
    origin = _origin(place, run, generator, there)
    if brought := there & origin.brought:
        run.progress.log(f"{place.videos}: {len(brought)} videos were there before and are taken as they are (--force makes them anew)")
    wishes = {request.id: (planned, request) for planned, request in todo}
    outcomes = _outcomes([Outcome(id=name) for name in sorted(there)], generator, missing, place.videos)
    for outcome in _not_all_failing(outcomes, begun or bool(there)):
        planned, request = wishes[outcome.id]
        yield row_of(planned, request, outcome, door.generation, revision=origin.revision_of(outcome.id), folder=place.videos)


def _origin(place: Place, run: Run, generator: Generator | None, there: set[str]) -> Provenance:
    """Who made the videos: the run that began, this one from now on, or nobody known."""
    file = place.videos / f".{place.output.stem}.json"
    known = read_provenance(file) if run.resume and not run.force else None
    if generator is None or (known is not None and known.revision == generator.revision):
        return known or Provenance(brought=frozenset(there))
    make_folder(place.videos)
    return write_provenance(file, generator.revision, there if known is None else known.brought)


def _outcomes(there: Sequence[Outcome], generator: Generator | None, missing: Sequence[Request], folder: Path) -> Iterator[Outcome]:
    yield from there
    if generator is not None:
        yield from generator.generate(missing, folder)


def _not_all_failing(outcomes: Iterator[Outcome], begun: bool) -> Iterator[Outcome]:
    """The outcomes, failures held back until something succeeds. Raises TdmmError where nothing does; refused prompts are no sign of it."""
    held: list[Outcome] = []
    for outcome in outcomes:
        begun = begun or not outcome.error.startswith(("failed", "timeout"))
        if not begun:
            held.append(outcome)
            if len(held) == _FAR_FROM_RIGHT:
                raise TdmmError(f"the first {len(held)} clips all failed, so the rest were not tried; the last said: {outcome.error}")
            continue
        yield from held
        held.clear()
        yield outcome
    yield from held
