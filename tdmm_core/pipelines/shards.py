"""Shards: disjoint shares of one plan, made by several jobs, whose union is the plan. Knows what a share is called, not what is made of it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tdmm_core.errors import InputError

Item = TypeVar("Item")
SETTING = "shard"
"The setting by which the artifact of a shard differs from that of the whole."
_NAME = re.compile(r"^(?P<whole>.+)\.(?P<index>\d+)-of-(?P<count>\d+)$")


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Share `index` (from 1) of `count`."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise InputError(f"--shard: expected I/N with I from 1 to N, such as 2/8, got {self.index}/{self.count}")

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def share(self, items: Sequence[Item]) -> list[Item]:
        """Every `count`-th item: labels stay balanced in each share. Raises InputError where nothing is left for this one."""
        if len(items) < self.count:
            raise InputError(f"--shard {self}: expected at most as many shards as clips, got {len(items)} clips")
        return list(items[self.index - 1 :: self.count])

    def output(self, whole: Path) -> Path:
        """`c.2-of-8.h5` for `c.h5`."""
        return whole.with_name(f"{whole.stem}.{self.index}-of-{self.count}{whole.suffix}")


def parse_shard(text: str) -> Shard:
    """`2/8`. Raises InputError for anything else."""
    found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
    if not found:
        raise InputError(f"--shard: expected I/N with I from 1 to N, such as 2/8, got {text!r}")
    return Shard(index=int(found[1]), count=int(found[2]))


def share_of(text: str | None) -> Shard | None:
    """The share that is asked for, else that of a SLURM array task, else None: the whole."""
    return parse_shard(text) if text else array_shard()


def array_shard(environment: Mapping[str, str] = os.environ) -> Shard | None:
    """The share of a SLURM array task; None outside an array of several tasks. Raises InputError for an array with gaps."""
    values = {name: environment.get(f"SLURM_ARRAY_TASK_{name}", "") for name in ("ID", "COUNT", "MIN", "STEP")}
    if not (values["ID"].isdigit() and values["COUNT"].isdigit()) or int(values["COUNT"]) < 2:
        return None
    place, odd = divmod(int(values["ID"]) - int(values["MIN"] or 0), int(values["STEP"] or 1))
    if odd or not 0 <= place < int(values["COUNT"]):
        raise InputError(f"SLURM array: expected tasks without gaps, got task {values['ID']} of {values['COUNT']}; say which with --shard I/N")
    return Shard(index=place + 1, count=int(values["COUNT"]))


def shard_files(whole: Path) -> list[Path]:
    """The artifacts of shards that lie beside `whole`, in the order of their numbers; those of the largest number of shards where several do."""
    found: dict[int, list[tuple[int, Path]]] = {}
    for path in whole.parent.glob(f"*{whole.suffix}"):
        match = _NAME.match(path.stem)
        if match and match["whole"] == whole.stem:
            found.setdefault(int(match["count"]), []).append((int(match["index"]), path))
    return [path for _, path in sorted(found[max(found)])] if found else []
