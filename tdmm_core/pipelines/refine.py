"""`tdmm synth --refine`: the sentences of a plan, rewritten by a language model where it keeps their meaning.

Every answer is written down beside the corpus as it comes, so that none is asked for twice and anybody can read why one was rejected.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tdmm_core.artifacts.atomic import write_errors
from tdmm_core.domain.clip import Clip
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.seeding import derive_seed
from tdmm_core.synthesis.plan import PlannedClip
from tdmm_core.synthesis.refinement import Rewriting, rewritings
from tdmm_core.textmodels.chat import ENDPOINT, ChatEndpoint, local_chat
from tdmm_core.textmodels.embedded import EMBEDDED_NAME

Answer = tuple[Rewriting, ...]


def refining(model: str) -> dict[str, object]:
    """What an artifact remembers of it."""
    return {"refined_by": model} if model else {}


def refined(planned: Sequence[PlannedClip], output: Path, run: Run, *, model: str) -> list[PlannedClip]:
    """The clips with the sentences that `model` made of theirs: `openai:NAME` for an endpoint, else an id, a folder or "embedded"; "" for none.

    `output` with the suffix `.refinement.jsonl` holds every answer; what it holds already is not asked for again. Raises MissingPartError for a
    model or key that is not there, ServiceError for an endpoint that fails.
    """
    if not model:
        return list(planned)
    journal = output.with_suffix(".refinement.jsonl")
    known = {} if run.force or not run.resume else _read(journal)
    answers = []
    run.progress.start(f"refining ({model})", len(planned), "clip")
    with write_errors(journal), journal.open("a" if known else "w", encoding="utf-8") as file:
        for one, found in _answered(planned, known, model, run):
            if found is not known.get(one.clip.id):
                file.write(_line(one.clip.id, found))
                file.flush()
                os.fsync(file.fileno())
            answers.append(found)
            run.progress.advance()
    run.progress.finish()
    taken = sum(r.taken for found in answers for r in found)
    offered = sum(bool(r.offered) for found in answers for r in found)
    run.progress.log(f"{journal}: {taken} of {offered} offers taken, the others lost or added something; {sum(map(len, answers))} sentences in all")
    return [replace(one, clip=_reworded(one.clip, found)) for one, found in zip(planned, answers, strict=True)]


def _reworded(clip: Clip, found: Sequence[Rewriting]) -> Clip:
    prompt, *others = (r.sentence for r in found)
    return replace(clip, prompt=prompt, paraphrases=tuple(others))


def _answered(
    planned: Sequence[PlannedClip], known: Mapping[str, Answer], model: str, run: Run
) -> Iterator[tuple[PlannedClip, Answer]]:
    """Every clip with the answer that is known or that the model gives; it is opened only where one is missing."""
    ask: Callable[..., str] | None = None
    for one in planned:
        plain, found = (one.clip.prompt, *one.clip.paraphrases), known.get(one.clip.id)
        if found is None or tuple(r.plain for r in found) != plain:
            ask = ask or _asker(model, run)
            found = _ask(one, plain, ask)
        yield one, found


def _ask(one: PlannedClip, plain: Sequence[str], ask: Callable[..., str]) -> Answer:
    script = one.clip.script
    assert script is not None
    return rewritings(script, plain, lambda text: ask(text, seed=derive_seed(one.seed, "refine") % 2**31))


def _asker(model: str, run: Run) -> Callable[..., str]:
    if model.startswith(ENDPOINT):
        return ChatEndpoint(model.removeprefix(ENDPOINT))
    if model in ("embedded", EMBEDDED_NAME):
        from tdmm_core.pipelines.m2l_parts import embedded_file  # it loads torch, which no other run of synth needs

        return local_chat(gguf=embedded_file(None, run))
    return local_chat(model)


def _line(clip_id: str, found: Sequence[Rewriting]) -> str:
    rows = [{"plain": r.plain, "offered": r.offered, "faults": list(r.faults)} for r in found]
    return json.dumps({"id": clip_id, "sentences": rows}, ensure_ascii=False) + "\n"


def _read(journal: Path) -> dict[str, Answer]:
    """Answers by clip; a last line that a kill cut short is left out, and cut off."""
    if not journal.is_file():
        return {}
    found: dict[str, Answer] = {}
    kept = 0
    for line in journal.read_bytes().splitlines(keepends=True):
        try:
            entry = json.loads(line)
            rows = tuple(Rewriting(plain=r["plain"], offered=r["offered"], faults=tuple(r["faults"])) for r in entry["sentences"])
        except (ValueError, KeyError, TypeError):
            break
        found[str(entry["id"])] = rows
        kept += len(line)
    os.truncate(journal, kept)
    return found
