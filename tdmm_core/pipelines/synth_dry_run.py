"""`tdmm synth --dry-run`: what a run would ask of a generator, and what that would cost, by whose word. Opens no generator and writes nothing."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tdmm_core.artifacts.corpus import open_corpus
from tdmm_core.artifacts.staging import staged_names
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.shards import Shard
from tdmm_core.pipelines.synth_generated import existing, settings_of, wishes_of
from tdmm_core.pipelines.synth_output import Place, place_of
from tdmm_core.synthesis.backends.opening import Door
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.generation import Request
from tdmm_core.synthesis.known import Cost

_SHOWN = 3
"Prompts that are told in words; as JSON all are."


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What would be done."""

    output: str
    backend: str
    model: str
    settings: dict[str, object]
    num_clips: int
    num_there: int
    "Clips that are made already."
    num_to_make: int
    command: str
    "How the generator would be started or called, for the first of them."
    prompts: list[dict[str, object]]
    gpu_hours: tuple[float, float]
    "Least and most."
    price_usd: float
    cost_source: str

    def lines(self) -> list[str]:
        """The same for people."""
        told = [f"{self.num_to_make} of {self.num_clips} clips would be made by {self.backend} ({self.model}) for {self.output}"]
        told += [f"settings: {', '.join(f'{k} {v}' for k, v in self.settings.items() if k != 'negative_prompt')}"]
        told += [f"each:     {self.command}"] if self.command else []
        told += [f"{p['id']} seed {p['seed']}: {p['prompt']}" for p in self.prompts[:_SHOWN]]
        told += [f"... and {len(self.prompts) - _SHOWN} more (--json lists all)"] if len(self.prompts) > _SHOWN else []
        told += [f"not to be seen: {self.settings['negative_prompt']}"]
        low, high = self.gpu_hours
        cost = f"{f'{low:.1f} to ' if low < high else ''}{high:.1f} GPU hours" if high else f"{self.price_usd:.2f} US dollars"
        return [*told, f"cost: {cost} ({self.cost_source})"]


def dry_run(output: Path, run: Run, *, config: SynthConfig, door: Door, shard: Shard | None = None, retry_failed: bool = False) -> DryRun:
    """What `generate` would do with the same arguments. Raises what it would raise before the first request."""
    generation = door.generation
    place = place_of(output, run, settings_of(config, generation), shard=shard, retry_failed=retry_failed)
    wishes = place.share(wishes_of(config, generation, seed=run.seed))
    done = _done(place) | existing(wishes, place, run)
    left = [request for _, request in wishes if request.id not in done]
    cost = generation.cost
    return DryRun(
        output=str(place.output),
        backend=generation.backend,
        model=generation.model,
        settings=generation.settings(),
        num_clips=len(wishes),
        num_there=len(wishes) - len(left),
        num_to_make=len(left),
        command=_command(door, left),
        prompts=[{"id": r.id, "seed": r.seed, "prompt": r.prompt} for r in left],
        gpu_hours=_hours(cost, len(left)),
        price_usd=round(cost.price_per_s * generation.duration_s * len(left), 2),
        cost_source=cost.source,
    )


def _hours(cost: Cost, count: int) -> tuple[float, float]:
    return round(cost.low_min * count / 60, 4), round(cost.high_min * count / 60, 4)


def _done(place: Place) -> set[str]:
    """Clips of a finished output, but for failed ones that are to be retried, or staged by an interrupted run."""
    if place.output.exists():
        with open_corpus(place.output) as file:
            statuses = file.columns.texts("status")
            return {name for name, status in zip(file.ids, statuses, strict=True) if not (place.retried and status == "failed")}
    return staged_names(place.output)


def _command(door: Door, left: Sequence[Request]) -> str:
    generation = door.generation
    if not left:
        return ""
    match generation.kind:
        case "launcher":
            batch = [r for r in left if r.seed == left[0].seed][: generation.batch_size]
            with tempfile.TemporaryDirectory() as folder:
                return shlex.join(door.launcher().command(batch, Path(folder))).replace(str(Path(folder).resolve()), "WORK")
        case "service":
            return f"POST models/{generation.model}:predictLongRunning, then GET the operation until it is done"
        case _:
            return f"diffusers DiffusionPipeline.from_pretrained({generation.model!r})(prompt, num_frames={generation.num_frames}, ...)"
