"""Motions that are asked for, and the two places that keep many of them, each as soon as it is made: a folder, and one motion artifact.

Owns what counts as done, so that a run that was killed goes on: in a folder, a file that says of itself the very prompt, seed, settings and tool
that this run would write. Does not know how a motion is sampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tdmm_core.artifacts.atomic import atomic_path, remove_leftovers
from tdmm_core.artifacts.header import Making, tool_name
from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.errors import InputError
from tdmm_core.exchange.npz import read_npz, write_npz
from tdmm_core.pipelines.prompts import Line
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.seeding import derive_seed

if TYPE_CHECKING:
    from tdmm_core.pipelines.performing import Animation

MOTIONS_AT_ONCE = 16
"Motions that an artifact takes up together; what a kill loses at most."


@dataclass(frozen=True, kw_only=True)
class Order:
    """One motion asked for: its place, what it performs, one sentence after the other, and the seed of its own."""

    index: int
    lines: tuple[Line, ...]
    seed: int

    @property
    def prompt(self) -> str:
        """All that it performs."""
        return "; ".join(line.prompt for line in self.lines)

    @property
    def told(self) -> dict[str, object]:
        """What its file remembers of its own lengths, beyond what the run says."""
        if len(self.lines) > 1:
            return {"script": [{"prompt": line.prompt, "seconds": line.seconds} for line in self.lines]}
        return {} if self.lines[0].seconds is None else {"seconds": self.lines[0].seconds}


def orders_of(performed: Sequence[Sequence[Line]], run: Run, *, num_samples: int = 1) -> list[Order]:
    """`num_samples` motions of each, in order. The first has the run's own seed, the others one derived from it, unless a line says its own."""
    orders = []
    for lines in performed:
        for _ in range(num_samples):
            index = len(orders)
            given = lines[0].seed if num_samples == 1 else None
            derived = run.seed if index == 0 else derive_seed(run.seed, "motion", index)
            orders.append(Order(index=index, lines=tuple(lines), seed=derived if given is None else given))
    return orders


class FolderOfMotions:
    """`FOLDER/000.npz`, `001.npz`, ... in the order of the prompts."""

    def __init__(self, path: Path, orders: Sequence[Order], run: Run, settings: Mapping[str, object]) -> None:
        """Raises InputError where the folder holds motions of another run and the run does not replace them."""
        digits = max(3, len(str(len(orders) - 1)))
        self.path, self.settings = path, settings
        self._files = {o.index: path / f"{o.index:0{digits}d}.npz" for o in orders}
        self._num_frames: dict[int, int] = {}
        if run.force:
            return
        there = {p.name for p in path.glob("[0-9][0-9][0-9]*.npz")}
        for order in orders:
            if self._files[order.index].name in there:
                there.discard(self._files[order.index].name)
                self._num_frames[order.index] = self._frames_there(order, resume=run.resume)
        if there:
            raise _occupied(path / min(there))

    def __enter__(self) -> FolderOfMotions:
        return self

    def __exit__(self, *_: object) -> None:
        """Every file is whole already."""

    def lacks(self, order: Order) -> bool:
        """Whether this motion is still to be made."""
        return order.index not in self._num_frames

    def add(self, order: Order, animation: Animation) -> None:
        """Write the motion under its own name, whole."""
        motion, settings = animation.clip.motion, dict(self.settings) | order.told
        with atomic_path(self._files[order.index]) as temporary:
            write_npz(temporary, motion, prompt=order.prompt, seed=order.seed, settings=settings, codes=animation.codes)
        self._num_frames[order.index] = motion.num_frames

    def finish(self) -> tuple[tuple[str, ...], int]:
        """The files in order, and the frames of all. What killed runs left half-written is taken away."""
        for file in self._files.values():
            remove_leftovers(file)
        return tuple(str(self._files[i]) for i in sorted(self._files)), sum(self._num_frames.values())

    def _frames_there(self, order: Order, *, resume: bool) -> int:
        path = self._files[order.index]
        try:
            motion, said = read_npz(path)
        except InputError:
            raise _occupied(path) from None
        wanted = {"prompt": order.prompt, "seed": order.seed, "settings": dict(self.settings) | order.told, "tool": tool_name()}
        if not resume or any(said[name] != value for name, value in wanted.items()):
            raise _occupied(path)
        return motion.num_frames


class ArtifactOfMotions:
    """A motion artifact whose clips are named 000, 001, ... ."""

    def __init__(self, path: Path, orders: Sequence[Order], run: Run, making: Making) -> None:
        """Raises InputError where `path` or the blocks beside it are of another run."""
        self.path, self._orders = path, orders
        self._writer = MotionWriter(path, making, force=run.force, resume=run.resume, block_size=MOTIONS_AT_ONCE)
        self._staged = self._writer.staged_ids()

    def __enter__(self) -> ArtifactOfMotions:
        self._writer.__enter__()
        return self

    def __exit__(self, *what: object) -> None:
        self._writer.__exit__(*what)

    def lacks(self, order: Order) -> bool:
        """Whether this motion is still to be made."""
        return clip_id(order) not in self._staged

    def add(self, order: Order, animation: Animation) -> None:
        """Stage the motion."""
        self._writer.add(animation.clip)

    def finish(self) -> tuple[tuple[str, ...], int]:
        """Assemble; the artifact, and the frames of all."""
        self._writer.commit([clip_id(o) for o in self._orders])
        with open_motion(self.path) as file:
            return (str(self.path),), int(file.lengths.sum())


def clip_id(order: Order) -> str:
    """Name of a motion in an artifact."""
    return f"{order.index:03d}"


def _occupied(path: Path) -> InputError:
    return InputError(
        f"{path.parent}: holds {path.name} already, which another run made; use --force to replace what is there, or another folder with -o"
    )
