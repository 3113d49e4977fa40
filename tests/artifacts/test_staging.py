"""Staging: a run that is killed at any instant goes on, ends in the same digest, and never leaves a half file under the final name."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from artifact_cases import MAKING, WRITERS, in_child, items, motion_clip, name_of, read, same, write

from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.artifacts.verify import verify
from tdmm_core.errors import InputError, TdmmError

CHILD = Path(__file__).with_name("staging_child.py")


def go_on(path: Path, kind: str, written: list, **options: object):
    """What every verb does: make what is not staged yet, then commit."""
    with WRITERS[kind](path, MAKING, **options) as writer:
        staged = writer.staged_ids()
        for item in written:
            if name_of(item) not in staged:
                writer.add(item)
        return writer.commit([name_of(i) for i in written])


@pytest.mark.parametrize(("kind", "before"), [("motion", True), ("motion", False), ("text", False)])
def test_killed_at_every_durable_step(tmp_path: Path, kind: str, before: bool) -> None:
    """SIGKILL just before, or just after, the first, second, ... flush, rename or removal, each in a process of its own."""
    written = items(kind, 3)
    want = write(tmp_path / "alone.h5", kind, written).digest
    path = tmp_path / "killed.h5"
    for step in range(1, 200):
        ended = in_child(lambda step=step: killed_at(step, before, path, kind, written))
        assert ended in (0, -signal.SIGKILL)
        if path.exists():
            assert verify(path) == []
        if ended == 0:
            break
        assert go_on(path, kind, written).digest == want, step
        assert sorted(p.name for p in tmp_path.iterdir()) == ["alone.h5", "killed.h5"]
        path.unlink()
    assert step > 20
    assert all(same(a, b) for a, b in zip(read(path, kind), written, strict=True))


def killed_at(step: int, before: bool, path: Path, kind: str, written: list) -> int:
    left = [step]

    def deadly(function):
        def call(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] == 0 and before:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return function(*args, **kwargs)
            finally:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        return call

    for name in ("fsync", "replace", "unlink", "rmdir", "mkdir"):
        setattr(os, name, deadly(getattr(os, name)))
    go_on(path, kind, written)
    return 0


@pytest.mark.slow
def test_killed_at_random_instants(tmp_path: Path) -> None:
    """A process of its own, killed from outside, until it has survived; and the time in which it commits is hit too."""
    alone = tmp_path / "alone.h5"
    start = time.perf_counter()
    subprocess.run([sys.executable, CHILD, alone], check=True)
    seconds = time.perf_counter() - start
    with open_motion(alone) as motion:
        want = motion.header.digest
    path, rng = tmp_path / "killed.h5", random.Random(0)
    kills = 0
    while kills < 8:
        process = subprocess.Popen([sys.executable, CHILD, path])
        try:
            process.wait(rng.uniform(0.3, 1.0) * seconds)
            assert process.returncode == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        if path.exists():
            assert verify(path) == []
            with open_motion(path) as motion:
                assert motion.header.digest == want
            path.unlink()
    subprocess.run([sys.executable, CHILD, path], check=True)
    with open_motion(path) as motion:
        assert motion.header.digest == want
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone.h5", "killed.h5"]


def test_at_most_the_clip_in_hand_is_lost(tmp_path: Path) -> None:
    def first_two() -> int:
        writer = MotionWriter(tmp_path / "m.h5", MAKING)
        writer.add(motion_clip(0))
        writer.add(motion_clip(1))
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert in_child(first_two) == -signal.SIGKILL
    with MotionWriter(tmp_path / "m.h5", MAKING) as writer:
        assert writer.staged_ids() == {"clip-000", "clip-001"}


def test_an_exception_keeps_what_was_done(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), MotionWriter(tmp_path / "m.h5", MAKING, block_size=10) as writer:
        writer.add(motion_clip(0))
        raise KeyboardInterrupt
    assert not (tmp_path / "m.h5").exists()
    with MotionWriter(tmp_path / "m.h5", MAKING) as writer:
        assert writer.staged_ids() == {"clip-000"}


def test_nothing_done_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), MotionWriter(tmp_path / "m.h5", MAKING):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_workers_share_the_blocks(tmp_path: Path) -> None:
    """Three processes stage at once; the fourth commits what all of them made."""
    written = items("motion", 9)
    want = write(tmp_path / "alone.h5", "motion", written).digest

    def work(mine: list) -> int:
        with MotionWriter(tmp_path / "m.h5", MAKING) as writer:
            for item in mine:
                writer.add(item)
        return 0

    pids = []
    for i in range(3):
        pid = os.fork()
        if pid == 0:
            os._exit(work(written[i::3]))
        pids.append(pid)
    assert all(os.waitpid(pid, 0)[1] == 0 for pid in pids)
    with MotionWriter(tmp_path / "m.h5", MAKING) as writer:
        assert writer.commit().digest == want


def test_blocks_of_another_run_are_refused(tmp_path: Path) -> None:
    with MotionWriter(tmp_path / "m.h5", MAKING) as writer:
        writer.add(motion_clip(0))
    for other in (replace(MAKING, seed=8), replace(MAKING, config={}), replace(MAKING, parents=())):
        with pytest.raises(InputError, match=r"interrupted run with other settings, seed or inputs; .* --force"):
            MotionWriter(tmp_path / "m.h5", other)
    with MotionWriter(tmp_path / "m.h5", replace(MAKING, recipe="another name")) as writer:
        assert writer.staged_ids() == {"clip-000"}
    with MotionWriter(tmp_path / "m.h5", replace(MAKING, seed=8), force=True) as writer:
        assert writer.staged_ids() == set()


def test_no_resume_begins_anew(tmp_path: Path) -> None:
    with MotionWriter(tmp_path / "m.h5", MAKING) as writer:
        writer.add(motion_clip(0))
    with MotionWriter(tmp_path / "m.h5", MAKING, resume=False) as writer:
        assert writer.staged_ids() == set()


def test_an_existing_file_is_replaced_by_force_only(tmp_path: Path) -> None:
    first = write(tmp_path / "m.h5", "motion", items("motion", 2))
    other = replace(MAKING, seed=8)
    with pytest.raises(InputError, match="exists already; use --force"):
        MotionWriter(tmp_path / "m.h5", other)
    with pytest.raises(InputError, match="exists already"):
        MotionWriter(tmp_path / "m.h5", MAKING, resume=False)
    with MotionWriter(tmp_path / "m.h5", other, force=True) as writer:
        writer.add(motion_clip(4))
        assert read(tmp_path / "m.h5", "motion")[0].clip.id == "clip-000", "the old file stays until the new one is whole"
        assert writer.commit().digest != first.digest
    assert [c.clip.id for c in read(tmp_path / "m.h5", "motion")] == ["clip-004"]


def test_the_same_run_again_is_finished(tmp_path: Path) -> None:
    """A run that was killed in its very last step, or a job that is submitted twice, finds its work done."""
    written = items("motion", 2)
    first = write(tmp_path / "m.h5", "motion", written)
    bytes_before = (tmp_path / "m.h5").read_bytes()
    with MotionWriter(tmp_path / "m.h5", MAKING) as writer:
        assert writer.complete
        assert writer.staged_ids() == {"clip-000", "clip-001"}
        assert writer.commit() == first
    assert (tmp_path / "m.h5").read_bytes() == bytes_before
    assert list(tmp_path.iterdir()) == [tmp_path / "m.h5"]


def test_clips_must_be_those_that_were_asked_for(tmp_path: Path) -> None:
    with MotionWriter(tmp_path / "m.h5", MAKING) as writer:
        writer.add(motion_clip(0))
        with pytest.raises(InputError, match="'clip-000' is there already"):
            writer.add(motion_clip(0))
        with pytest.raises(InputError, match="lacks clip 'clip-001'"):
            writer.commit(["clip-000", "clip-001"])
        with pytest.raises(InputError, match="has clip 'clip-000', which was not asked for"):
            writer.commit([])


def test_clips_must_agree(tmp_path: Path) -> None:
    clip = motion_clip(1)
    for name, motion in {
        "fps": replace(clip.motion, fps=30.0),
        "face_model": replace(clip.motion, face_model="flame-2023"),
        "expression_names": replace(clip.motion, expression_names=("a", "b", "c")),
        "shape coefficients": replace(clip.motion, shape=[0.0] * 7),
    }.items():
        with MotionWriter(tmp_path / f"{name}.h5", MAKING) as writer:
            writer.add(motion_clip(0))
            with pytest.raises(InputError, match=f"{name}.*clip 'clip-000'.* clip 'clip-001'"):
                writer.add(replace(clip, motion=motion))


@pytest.mark.parametrize("text", ["nul \0 inside", "half a pair \ud800"])
def test_text_that_cannot_be_stored(tmp_path: Path, text: str) -> None:
    clip = motion_clip(0)
    with MotionWriter(tmp_path / "m.h5", MAKING) as writer, pytest.raises(InputError, match="'clip-000': its prompt holds"):
        writer.add(replace(clip, clip=replace(clip.clip, prompt=text)))


@pytest.mark.parametrize("limit", [100, 2_000, 16_000, 30_000, 40_000])
def test_full_disk(tmp_path: Path, limit: int) -> None:
    """A file size limit stops writing as a full disk does: in the manifest, in a block, or while the artifact is assembled."""
    written = items("motion", 24)
    want = write(tmp_path / "alone.h5", "motion", written).digest
    size = (tmp_path / "alone.h5").stat().st_size
    assert size > 40_000
    path = tmp_path / "m.h5"

    def limited() -> int:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            write(path, "motion", written, block_size=4)
        except InputError:
            return 3
        except TdmmError as e:
            return 1 if "the disk is full" in str(e) else 4
        return 0

    assert in_child(limited) == 1
    assert not path.exists()
    assert list(tmp_path.rglob("*.tmp*")) == [], "nothing half-written stays"
    assert go_on(path, "motion", written).digest == want
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone.h5", "m.h5"]


def test_unwritable_folder(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp())

    def refused() -> int:
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            MotionWriter(folder / "m.h5", MAKING)
        except InputError as e:
            return 2 if "cannot be written" in str(e) else 1
        return 0

    folder.chmod(0o555)
    try:
        assert in_child(refused) == 2
    finally:
        folder.rmdir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        MotionWriter(tmp_path / "file" / "m.h5", MAKING)
    with pytest.raises(InputError, match="got a folder"):
        MotionWriter(tmp_path, MAKING)


def test_a_damaged_block_is_named(tmp_path: Path) -> None:
    with MotionWriter(tmp_path / "m.h5", MAKING) as writer:
        writer.add(motion_clip(0))
        block = next((tmp_path / "m.h5.partial").glob("*.block"))
        content = bytearray(block.read_bytes())
        content[-60] ^= 1
        block.write_bytes(content)
        with pytest.raises(TdmmError, match=f"{block.name}: this block .* is damaged; remove it"):
            writer.commit()
