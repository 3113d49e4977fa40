"""`tdmm eval`: figures of motion against truth, of the motion tokenizer, and of both language directions, each beside its floor.

Reads the true motion and the models, asks `evaluation` for the figures and writes the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tdmm_core.artifacts.atomic import check_artifact_name, check_place
from tdmm_core.artifacts.header import Making, parent_of
from tdmm_core.artifacts.report import write_report
from tdmm_core.domain.clip import MotionClip
from tdmm_core.domain.report import Cell, Report, Table
from tdmm_core.errors import InputError
from tdmm_core.evaluation.config import EvalConfig
from tdmm_core.language.config import AnimateConfig
from tdmm_core.pipelines.evaluate_m2l import measure_m2l
from tdmm_core.pipelines.evaluate_tasks import TASKS, Candidates, Measured, Task, measure_fit, measure_l2m, measure_tokenizer
from tdmm_core.pipelines.motion_input import read_motion_clips
from tdmm_core.pipelines.run import Run


@dataclass(frozen=True, kw_only=True)
class EvalSummary:
    """The figures, as they were printed."""

    metrics: tuple[dict[str, Cell], ...]
    settings: dict[str, Cell]
    output: str | None

    def lines(self) -> list[str]:
        """A table for people: what, figure, unit, and the floor or reference beside it."""
        rows = [("task", "metric", "value", "unit", "beside it")]
        for m in self.metrics:
            beside = f"{m['floor']:.4g} ({m['floor_is']})" if m["floor_is"] else ""
            rows.append((str(m["task"]), str(m["metric"]), f"{m['value']:.4g}", str(m["unit"]), beside))
        widths = [max(len(r[i]) for r in rows) for i in range(5)]
        settings = ", ".join(f"{k} {v}" for k, v in self.settings.items())
        return ["  ".join(cell.ljust(w) for cell, w in zip(r, widths, strict=True)).rstrip() for r in rows] + [f"({settings})"]


def evaluate(motion: Path, output: Path | None, run: Run, *, config: EvalConfig, candidates: Candidates, sampling: AnimateConfig) -> EvalSummary:
    """Measure on the true motion of a split; writes a report artifact where `output` names one.

    Raises InputError for a motion without clips of the split, and for models that do not belong together.
    """
    if output is not None:
        check_artifact_name(output)
        check_place(output, force=run.force)
    truth = _clips(motion, config)
    measured = Measured(parents=[parent_of(motion)])
    frames = sum(c.motion.num_frames for c in truth if c.motion)
    measured.settings |= {"split": config.split, "clips": len(truth), "frames": frames, "seed": run.seed}
    if candidates.against is not None:
        measure_fit(truth, candidates.against, measured)
    else:
        studies = {"tokenizer": measure_tokenizer, "l2m": measure_l2m, "m2l": measure_m2l}
        for task in candidates.tasks:
            studies[task](truth, candidates, measured, run, config=config, sampling=sampling)
    if output is not None:
        tables = {n: Table.of(rows) for n, rows in {"metrics": measured.metrics, "per_clip": measured.per_clip, **measured.tables}.items()}
        settings = {"eval": asdict(config), "sampling": asdict(sampling), "tasks": sorted({str(m["task"]) for m in measured.metrics})}
        making = Making(recipe=run.recipe, config=settings, seed=run.seed, parents=tuple(measured.parents))
        write_report(output, Report(tables=tables, settings=measured.settings), making, force=run.force)
    return EvalSummary(metrics=tuple(measured.metrics), settings=measured.settings, output=str(output) if output else None)


def checked_tasks(names: Sequence[str]) -> tuple[Task, ...]:
    """The tasks by name, all for none. Raises InputError for an unknown one."""
    unknown = [n for n in names if n not in TASKS]
    if unknown:
        raise InputError(f"--task: expected {', '.join(TASKS)}, got {unknown[0]!r}")
    return tuple(t for t in TASKS if t in names) if names else TASKS


def _clips(path: Path, config: EvalConfig) -> list[MotionClip]:
    """The measured clips in order of their ids."""
    clips = [c for c in read_motion_clips(path) if c.motion is not None and config.split in ("all", c.clip.split)]
    if not clips:
        raise InputError(f"{path}: expected clips of split {config.split}, got none; choose another with --set eval.split=all")
    return sorted(clips, key=lambda c: c.clip.id)[: config.max_clips]
