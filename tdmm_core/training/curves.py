"""Training and validation curves: a file of JSON lines that grows, and a picture of it. Knows nothing of models."""

from __future__ import annotations

import json
from pathlib import Path

from tdmm_core.training.checkpoints import whole_file, write_whole


def append(path: Path, line: dict[str, object]) -> None:
    """Adds one line: `split` (train or validation), `step`, `loss`, other measures, and for train also learning_rate, samples_per_s, elapsed_s."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read(path: Path) -> list[dict]:
    """The lines; a last one that a kill cut short is left out."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


def cut(path: Path, step: int) -> None:
    """Forgets the lines after a step, since the resumed run writes them again."""
    if path.exists():
        kept = [line for line in read(path) if line["step"] <= step]
        write_whole(path, "".join(json.dumps(line) + "\n" for line in kept).encode())


def draw(source: Path, picture: Path) -> None:
    """The loss (above), and the other measures (below), over steps, as PNG. Nothing is drawn before the first line."""
    lines = read(source)
    if not lines:
        return
    from matplotlib.figure import Figure

    others = sorted({name for line in lines for name in line} - {"split", "step", "loss", "learning_rate", "samples_per_s", "elapsed_s"})
    figure = Figure(figsize=(8, 7))
    above, below = figure.subplots(2, 1, sharex=True)
    figure.subplots_adjust(left=0.1, right=0.97, top=0.97, bottom=0.08, hspace=0.08)
    for split, colour in (("train", "tab:blue"), ("validation", "tab:orange")):
        _line(above, lines, split=split, name="loss", label=split, color=colour)
    for number, name in enumerate(others or ["learning_rate"]):
        _line(below, lines, split="train", name=name, label=name, color=f"C{number}")
        _line(below, lines, split="validation", name=name, label=f"{name} (validation)", color=f"C{number}", linestyle="--")
    above.set_ylabel("loss")
    below.set_xlabel("step")
    for axes in (above, below):
        if axes.lines:
            values = [value for line in axes.lines for value in line.get_ydata()]
            if min(values) > 0 and max(values) > 20 * min(values):
                axes.set_yscale("log")
            axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
    with whole_file(picture) as part:
        figure.savefig(part, format="png", dpi=100)


def _line(axes: object, lines: list[dict], *, split: str, name: str, **style: object) -> None:
    points = [(line["step"], line[name]) for line in lines if line["split"] == split and name in line]
    if points:
        axes.plot(*zip(*points, strict=True), linewidth=1.2, marker="." if len(points) < 40 else "", **style)
