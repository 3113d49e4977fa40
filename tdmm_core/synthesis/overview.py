"""A corpus at a glance, after the paper's figure 2: clips by category and generator, by label, their lengths, and the words of their sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tdmm_core.synthesis.plan import NEUTRAL

_DULL = frozenset(
    re.findall(
        r"\w+",
        "a an the and or of to in on at with while then is are was were be being it its her his their she he they who that this for as by from into"
        " up after before out one two about seconds second person someone somebody actor actress character speaker woman man girl boy guy face clip"
        " shows show we see them him",
    )
)
_MOST_WORDS, _MOST_ROWS = 60, 40
_NOTHING = "no category"


@dataclass(kw_only=True)
class Tally:
    """What is counted of the clips of one corpus or several."""

    by_category: dict[str, Counter[str]] = field(default_factory=dict)
    "Category -> backend -> clips."
    by_label: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    "Of prompts and paraphrases, words that carry nothing left out."
    durations_s: list[float] = field(default_factory=list)

    def add(self, *, category: str, label: str, backend: str, status: str, sentences: Iterable[str], duration_s: float) -> None:
        """Count one clip; a duration of 0 is not known."""
        self.by_category.setdefault(category or _NOTHING, Counter())[backend] += 1
        self.by_label[label or "no label"] += 1
        self.by_status[status] += 1
        for text in sentences:
            self.words.update(w for w in re.findall(r"[a-z][a-z'-]+", text.lower()) if w not in _DULL)
        if duration_s > 0:
            self.durations_s.append(float(duration_s))

    @property
    def num_clips(self) -> int:
        return self.by_status.total()

    @property
    def backends(self) -> list[str]:
        """All generators, the most used first."""
        total: Counter[str] = Counter()
        for counts in self.by_category.values():
            total.update(counts)
        return [name for name, _ in total.most_common()]

    @property
    def evenness(self) -> float:
        """Largest difference of a label's count from the mean, as a share of the mean; clips in which nothing happens are left out."""
        counts = [count for label, count in self.by_label.items() if label != NEUTRAL] or [self.num_clips]
        mean = sum(counts) / len(counts)
        return max(abs(c - mean) for c in counts) / mean


def draw_overview(tally: Tally, picture: Path) -> None:
    """Write the four panels as PNG, PDF or SVG, by suffix. The tally holds at least one clip."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 10))
    figure.subplots_adjust(left=0.17, right=0.98, top=0.93, bottom=0.06, wspace=0.3, hspace=0.25)
    (categories, labels), (durations, words) = figure.subplots(2, 2)
    hours = sum(tally.durations_s) / 3600
    figure.suptitle(f"{tally.num_clips:,} clips, {hours:.1f} hours, {len(tally.by_label)} labels; {_told(tally.by_status)}")
    _draw_categories(categories, tally)
    _draw_labels(labels, tally)
    _draw_durations(durations, tally)
    _draw_words(words, tally.words)
    figure.savefig(picture, format=picture.suffix[1:].lower(), dpi=110)


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _draw_categories(axes: object, tally: Tally) -> None:
    names = sorted(tally.by_category, key=lambda n: tally.by_category[n].total())[-_MOST_ROWS:]
    left = [0] * len(names)
    for i, backend in enumerate(tally.backends):
        counts = [tally.by_category[n][backend] for n in names]
        axes.barh(names, counts, left=left, color=f"C{i % 10}", label=backend)
        left = [a + b for a, b in zip(left, counts, strict=True)]
    axes.set_title("clips by category and generator")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlim(0, 1.18 * max(left))  # room for the names of the generators
    axes.legend(fontsize="small", loc="lower right")


def _draw_labels(axes: object, tally: Tally) -> None:
    counts = sorted(tally.by_label.values(), reverse=True)
    axes.bar(range(len(counts)), counts, width=1.0 if len(counts) > _MOST_ROWS else 0.8, color="tab:green")
    axes.set_ylim(0, None)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_title(f"clips by label: at most {tally.evenness:.1%} from even")
    axes.set_xlabel("labels, the most frequent first")


def _draw_durations(axes: object, tally: Tally) -> None:
    if tally.durations_s:
        axes.hist(tally.durations_s, bins=30, color="tab:purple")
        axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_title("durations" if tally.durations_s else "durations: not known yet")
    axes.set_xlabel("seconds")


def _draw_words(axes: object, words: Counter[str]) -> None:
    """Words in rows, each as large as it is frequent, in the order of the alphabet."""
    axes.set_axis_off()
    axes.set_title(f"the most frequent of {len(words):,} words")
    most = words.most_common(_MOST_WORDS)
    if not most:
        return
    sizes = {word: 7 + 19 * (count / most[0][1]) ** 0.5 for word, count in most}
    for y, row in _rows(sorted(sizes), sizes):
        for x, word in row:
            axes.text(x, y, word, fontsize=sizes[word], color=f"C{len(word) % 10}", transform=axes.transAxes, va="center")


def _rows(words: Sequence[str], sizes: Mapping[str, float]) -> Iterable[tuple[float, list[tuple[float, str]]]]:
    """Heights and places, 0 to 1, of words laid out line by line."""
    lines: list[list[tuple[float, str]]] = [[]]
    x = 0.0
    for word in words:
        width = len(word) * sizes[word] * 0.0017 + 0.02
        if x + width > 1 and lines[-1]:
            lines.append([])
            x = 0.0
        lines[-1].append((x, word))
        x += width
    return ((1 - (i + 0.5) / len(lines), line) for i, line in enumerate(lines))
