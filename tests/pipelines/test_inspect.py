"""`tdmm info`: what files are, how they were made, what they hold, whether they are whole; and what is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from tdmm_core.artifacts.corpus import CorpusWriter
from tdmm_core.artifacts.header import Making, Parent
from tdmm_core.artifacts.model_folder import write_model_header
from tdmm_core.artifacts.motion import MotionWriter
from tdmm_core.artifacts.report import write_report
from tdmm_core.artifacts.text import TextWriter
from tdmm_core.artifacts.tokens import TokensWriter
from tdmm_core.domain.clip import Clip, CorpusClip, MotionClip, TokenClip
from tdmm_core.domain.description import Description
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.report import Report, Table
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError
from tdmm_core.exchange.npz import write_npz
from tdmm_core.pipelines.inspect import inspect, inspect_installation

MAKING = Making(recipe="tiny", config={"steps": {"count": 3}}, seed=7, parents=(Parent(kind="corpus", digest="ab" * 32, name="c.h5"),))


def motion_of(frames: int = 5) -> FaceMotion:
    status = np.array([0, 1, 2, 2, 0] * frames)[:frames]
    still = np.zeros((frames, 3))
    return FaceMotion(expression=still[:, :2], expression_names=("a", "b"), global_orient=still, transl=still, status=status)


def written(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.h5"
    clips = [Clip(id=f"c{i}", split="train" if i else "test", label="pout") for i in range(3)]
    items = {
        "corpus": (CorpusWriter, [CorpusClip(clip=c, num_frames=50, status="done") for c in clips]),
        "motion": (
            MotionWriter,
            [MotionClip(clip=c, motion=motion_of()) for c in clips[:2]] + [MotionClip(clip=clips[2], motion=None, status="failed", error="x")],
        ),
        "tokens": (TokensWriter, [TokenClip(clip=c, tokens=MotionTokens(codes=[[1], [2]], num_codes=8, tokenizer_digest="cd" * 32)) for c in clips]),
        "text": (TextWriter, [Description(id="c0", question=q, answer="a pout") for q in ("one?", "two?")]),
    }
    if kind == "report":
        write_report(path, Report(tables={"metrics": Table.of([{"name": "L2", "value": 0.5}])}, settings={"clips": 3}), MAKING)
        return path
    make, rows = items[kind]
    with make(path, MAKING) as writer:
        for row in rows:
            writer.add(row)
        writer.commit()
    return path


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("corpus", {"clips": 3, "frames": 150, "seconds": 6.0, "splits": {"test": 1, "train": 2}, "statuses": {"done": 3}, "labels": {"pout": 3}}),
        (
            "motion",
            {"clips": 3, "frames": 10, "seconds": 0.4, "bridged frames": 2, "held frames": 4, "fps": 25.0},
        ),
        ("tokens", {"clips": 3, "frames": 6, "motion tokenizer": "cd" * 32, "codes": "8, 1 a frame, carrying expression, global_orient"}),
        ("text", {"descriptions": 2, "clips": 1}),
        ("report", {"tables": {"metrics": 1}, "settings": {"clips": 3}}),
    ],
)
def test_every_kind_tells_what_it_is_and_how_it_was_made(tmp_path: Path, kind: str, holds: dict) -> None:
    path = written(tmp_path, kind)
    facts = inspect(path, verify=True)
    assert facts.kind == kind
    assert {name: facts.holds[name] for name in holds} == holds
    assert (facts.made["recipe"], facts.made["seed"], facts.made["config"]) == ("tiny", 7, {"steps": {"count": 3}})
    assert facts.parents == ({"kind": "corpus", "digest": "ab" * 32, "name": "c.h5"},)
    assert facts.verified and facts.problems == ()
    text = "\n".join(facts.lines())
    for said in (kind, "tiny", "c.h5", facts.digest, "nothing is damaged"):
        assert said in text
    json.dumps(asdict(facts))


def test_verify_names_the_damage(tmp_path: Path) -> None:
    path = written(tmp_path, "motion")
    with h5py.File(path, "a") as file:
        file["frames/transl"][7, 1] = 0.5
    assert inspect(path).problems == ()
    facts = inspect(path, verify=True)
    assert len(facts.problems) == 1 and "clip 'c1' is damaged" in facts.problems[0]
    assert any("problem:" in line for line in facts.lines())


def test_npz(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", motion_of(), prompt="a pout", seed=3, settings={"top_p": 0.9}, codes=np.zeros((5, 1), np.uint16))
    facts = inspect(tmp_path / "a.npz")
    assert (facts.kind, facts.holds["frames"], facts.holds["prompt"], facts.holds["codes"]) == ("npz", 5, "a pout", "5x1")
    assert facts.made["settings"] == {"top_p": 0.9}
    assert "a pout" in "\n".join(facts.lines())


def test_model_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(bytes(100))
    header = write_model_header(tmp_path, kind="motion-tokenizer", making=MAKING)
    facts = inspect(tmp_path, verify=True)
    assert (facts.kind, facts.digest, facts.problems) == ("motion-tokenizer", header.digest, ())
    assert "tdmm tokenize --train" in facts.what
    (tmp_path / "model.safetensors").write_bytes(bytes(101))
    assert "model.safetensors: damaged" in inspect(tmp_path, verify=True).problems[0]


def test_what_is_nothing_known(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "e.h5").write_bytes(b"")
    (tmp_path / "v.mp4").write_text("no video")
    (tmp_path / "folder").mkdir()
    wanted = {"a.txt": "nothing that tdmm knows", "e.h5": "an empty file", "v.mp4": "v.mp4", "folder": r"has no tdmm.json", "gone": "no such file"}
    for name, sentence in wanted.items():
        with pytest.raises(InputError, match=sentence):
            inspect(tmp_path / name)


def test_installation(tmp_path: Path) -> None:
    found = inspect_installation()
    assert found.libraries["numpy"] == np.__version__
    assert {a["name"] for a in found.assets} >= {"face-landmarker", "smollm2-135m"}
    assert found.devices[0].startswith("cpu")
    assert any("numpy" in line for line in found.lines())
    json.dumps(asdict(found))
    told = "\n".join(replace(found, system_libraries={"libxcb1": True, "libgl1": False}).lines())
    assert "missing: libgl1; run: apt-get install -y libxcb1 libgl1" in told


def test_looking_loads_no_heavy_library(tmp_path: Path) -> None:
    """Without a graphics driver nothing of torch is needed, and never anything of transformers or mediapipe."""
    path = written(tmp_path, "motion")
    code = (
        "import sys; from pathlib import Path\n"
        "from tdmm_core.pipelines.inspect import inspect, inspect_installation\n"
        f"inspect(Path({str(path)!r}), verify=True)\n"
        "assert not {'torch', 'transformers', 'mediapipe', 'numba', 'matplotlib', 'deepspeed'} & set(sys.modules)\n"
        "inspect_installation()\n"
        "assert not {'transformers', 'mediapipe', 'numba', 'matplotlib', 'deepspeed'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
