"""`tdmm synth --backend`: what any generator makes becomes a corpus; nothing is made twice, and failures are recorded, counted and retried."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tdmm_cli.app import app
from tdmm_core.artifacts.corpus import open_corpus
from tdmm_core.artifacts.verify import verify
from tdmm_core.errors import InputError, TdmmError
from tdmm_core.pipelines import synth_generated
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.shards import Shard
from tdmm_core.pipelines.synth_dry_run import dry_run
from tdmm_core.pipelines.synth_generated import generate
from tdmm_core.pipelines.synth_merge import merge
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.generation import Outcome, Request
from tdmm_core.synthesis.generator_config import GeneratorConfig
from tdmm_core.synthesis.known import Generation, resolve
from tdmm_core.video.writer import write_video

SMALL = SynthConfig(num_clips=6, num_paraphrases=2, generator=GeneratorConfig(width_px=32, height_px=32, num_frames=25))
BACKENDS = Path(__file__).parents[1] / "synthesis" / "backends"


@dataclass
class Camera:
    """A generator that films noise by seed, and a door to it; remembers what it was asked."""

    generation: Generation = field(default_factory=lambda: resolve("wan2.1", SMALL.generator))
    fails: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    stops_before: str = ""
    revision: str = "r1"

    def open(self) -> Camera:
        return self

    def generate(self, requests: Sequence[Request], folder: Path) -> Iterator[Outcome]:
        for request in requests:
            if request.id == self.stops_before:
                raise KeyboardInterrupt
            self.asked.append(request.id)
            if request.id not in self.fails:
                frames = np.random.default_rng(request.seed).integers(0, 255, (25, 32, 32, 3), dtype=np.uint8)
                write_video(folder / f"{request.id}.mp4", frames, fps=16)
            yield Outcome(id=request.id, error=self.fails.get(request.id, ""))


def made(path: Path, camera: Camera, *, run: Run | None = None, **options: object):
    return generate(path, run or Run(seed=3), config=SMALL, door=camera, **options)


def test_a_corpus_that_remembers_how_it_was_asked_for(tmp_path):
    summary = made(tmp_path / "c.h5", Camera())
    assert (summary.num_clips, summary.num_failed, summary.num_frames, summary.motion) == (6, 0, 150, "")
    assert verify(tmp_path / "c.h5") == []
    with open_corpus(tmp_path / "c.h5") as corpus:
        row = corpus[2]
        told = json.loads(row.settings)
        assert (row.backend, row.model, row.model_revision) == ("wan2.1", "Wan-AI/Wan2.1-T2V-1.3B-Diffusers", "r1")
        assert told["num_frames"] == 25 and told["guidance"] == 5.0 and told["flow_shift"] == 3.0 and "subtitles" in told["negative_prompt"]
        assert row.clip.prompt[1:].rstrip(".") in told["prompt"] and "centred" in told["prompt"]
        assert (row.fps, row.num_frames, row.status) == (16.0, 25, "done") and row.clip.script.duration_s <= 25 / 16
        assert 0 <= row.seed < 2**31 and row.clip.paraphrases
        assert corpus.header.config["generation"]["steps"] == 50


def test_interrupted_it_makes_nothing_twice(tmp_path):
    whole = made(tmp_path / "whole.h5", Camera())
    camera = Camera(stops_before="000004")
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "c.h5", camera)
    camera.stops_before = ""
    summary = made(tmp_path / "c.h5", camera)
    assert sorted(camera.asked) == [f"{i:06d}" for i in range(6)] and summary.num_resumed == 4 and summary.digest == whole.digest


def test_a_video_that_was_not_recorded_yet_is_not_made_again(tmp_path):
    """As a kill between video and record leaves it; and as a folder of videos that someone brings."""
    whole = made(tmp_path / "whole.h5", Camera())
    os.rename(tmp_path / "whole.videos", tmp_path / "c.videos")
    (tmp_path / "c.videos" / "000003.mp4").unlink()
    camera = Camera()
    (tmp_path / "c.videos" / ".whole.json").unlink()
    assert made(tmp_path / "c.h5", camera).num_clips == 6 and camera.asked == ["000003"]
    with open_corpus(tmp_path / "c.h5") as corpus, open_corpus(tmp_path / "whole.h5") as first:
        assert [r.source_digest for r in corpus] == [r.source_digest for r in first]
        assert [r.model_revision for r in corpus] == ["", "", "", "r1", "", ""]  # nobody knows which model made what was brought
    assert whole.num_failed == 0
    made(tmp_path / "c.h5", camera, run=Run(seed=3, force=True))
    assert len(camera.asked) == 7


def test_killed_between_the_last_video_and_its_record(tmp_path, monkeypatch):
    """The video is there, nothing is missing, the model is not opened again: and yet the digest is that of one run."""
    whole = made(tmp_path / "whole.h5", Camera())
    for last in ("000000", "000005"):
        name = f"c{last}.h5"
        camera = Camera()
        real = synth_generated.row_of

        def killed(planned, request, *rest, last=last, real=real, **more):
            if request.id == last:
                raise KeyboardInterrupt
            return real(planned, request, *rest, **more)

        monkeypatch.setattr(synth_generated, "row_of", killed)
        with pytest.raises(KeyboardInterrupt):
            made(tmp_path / name, camera)
        monkeypatch.setattr(synth_generated, "row_of", real)
        assert made(tmp_path / name, camera).digest == whole.digest
        assert sorted(camera.asked) == [f"{i:06d}" for i in range(6)]


def test_nothing_is_opened_where_nothing_is_left(tmp_path, monkeypatch):
    made(tmp_path / "c.h5", Camera())
    monkeypatch.setattr(Camera, "open", lambda self: pytest.fail("opened"))
    assert made(tmp_path / "c.h5", Camera()).num_resumed == 6


def test_the_union_of_shards_is_one_run(tmp_path):
    whole = made(tmp_path / "whole.h5", Camera())
    cameras = [Camera() for _ in range(3)]
    for i, camera in enumerate(cameras):
        made(tmp_path / "c.h5", camera, shard=Shard(index=i + 1, count=3))
    assert sorted(name for camera in cameras for name in camera.asked) == [f"{i:06d}" for i in range(6)]
    assert merge(tmp_path / "c.h5", Run()).digest == whole.digest and verify(tmp_path / "c.h5") == []


def test_launchers_of_all_shards_have_the_seeds_of_the_whole(tmp_path):
    generation = replace(resolve("humo", GeneratorConfig(num_frames=50)), batch_size=4)
    made(tmp_path / "whole.h5", Camera(generation))
    for i in range(2):
        made(tmp_path / "c.h5", Camera(generation), shard=Shard(index=i + 1, count=2))
    merge(tmp_path / "c.h5", Run())
    with open_corpus(tmp_path / "c.h5") as corpus, open_corpus(tmp_path / "whole.h5") as whole:
        assert [r.seed for r in corpus] == [r.seed for r in whole] and len({r.seed for r in whole}) == 2


def test_failures_are_recorded_and_retried_alone(tmp_path):
    whole = made(tmp_path / "whole.h5", Camera())
    camera = Camera(fails={"000001": "refused: a real person", "000004": "timeout: not done after 9 s"})
    summary = made(tmp_path / "c.h5", camera)
    assert summary.num_failed == 2 and summary.first_failure == "000001: refused: a real person"
    with open_corpus(tmp_path / "c.h5") as corpus:
        assert [r.status for r in corpus] == ["done", "failed", "done", "done", "failed", "done"] and corpus[4].error.startswith("timeout")
        assert corpus[1].video == "" and corpus[1].clip.prompt
    camera.fails.pop("000001")
    camera.asked.clear()
    assert made(tmp_path / "c.h5", camera, retry_failed=True).num_failed == 1 and camera.asked == ["000001", "000004"]
    camera.fails.clear()
    again = made(tmp_path / "c.h5", camera, retry_failed=True)
    assert again.digest == whole.digest and verify(tmp_path / "c.h5") == []


def test_videos_that_are_much_too_short_have_failed(tmp_path):
    assert "25 frames came of 81" in made(tmp_path / "c.h5", Camera(resolve("wan2.1", GeneratorConfig()))).first_failure


def test_costs_follow_the_settings(tmp_path):
    def told(backend: str, model: str | None = None, **changes: object) -> tuple[tuple[float, float], float, str]:
        door = Camera(resolve(backend, GeneratorConfig(**changes), model=model))
        found = dry_run(tmp_path / "c.h5", Run(), config=SynthConfig(num_clips=60), door=door)
        return found.gpu_hours, found.price_usd, found.cost_source

    assert told("wan2.1")[:2] == ((4.0, 4.0), 0.0)
    assert told("wan2.1", steps=25)[0] == (2.0, 2.0) and "times 0.5" in told("wan2.1", steps=25)[2]
    assert told("wan2.2", num_frames=201)[0][1] == pytest.approx(9.0 * 201 / 121, abs=0.01)
    assert told("veo")[1] == 144.0 and told("veo", model="veo-3.0-fast-generate-001")[1] == 54.0 and told("veo", num_frames=96)[1] == 96.0
    assert "may differ" in told("wan2.1", model="owner/other")[2]


@pytest.mark.parametrize(("pixels", "told"), [(np.zeros, "one plain colour"), (None, "never changes")])
def test_videos_that_show_nothing_have_failed(tmp_path, pixels, told):
    class Blind(Camera):
        def generate(self, requests, folder):
            still = np.linspace(20, 220, 32).astype(np.uint8)[None, :, None, None].repeat(25, 0).repeat(32, 2).repeat(3, 3)
            for request in requests:
                frames = np.zeros((25, 32, 32, 3), np.uint8) if pixels else still
                if request.id == "000002":
                    write_video(folder / f"{request.id}.mp4", frames, fps=16)
                    yield Outcome(id=request.id)
                else:
                    yield from super().generate([request], folder)

    summary = made(tmp_path / "c.h5", Blind())
    assert summary.num_failed == 1 and told in summary.first_failure and str(tmp_path) not in summary.first_failure
    assert (tmp_path / "c.videos" / ".rejected" / "000002.mp4").is_file()  # kept for a look, but not taken for made
    good = Camera()
    assert made(tmp_path / "c.h5", good, retry_failed=True).num_failed == 0 and good.asked == ["000002"]


def test_a_run_in_which_nothing_works_is_given_up(tmp_path):
    config = replace(SMALL, num_clips=30)
    camera = Camera(fails={f"{i:06d}": "failed: no kernel image" for i in range(30)})
    with pytest.raises(TdmmError, match=r"first 8 clips all failed.*no kernel image"):
        generate(tmp_path / "c.h5", Run(), config=config, door=camera)
    camera.fails.clear()
    assert len(camera.asked) == 8
    assert generate(tmp_path / "c.h5", Run(), config=config, door=camera).num_failed == 0  # and nothing was recorded against them


def test_a_dry_run_tells_everything_and_makes_nothing(tmp_path):
    config = replace(SMALL, num_clips=40)
    camera = Camera()
    told = dry_run(tmp_path / "c.h5", Run(seed=3), config=config, door=camera, shard=Shard(index=1, count=2))
    assert (told.num_clips, told.num_to_make, told.num_there) == (20, 20, 0) and len(told.prompts) == 20 and not list(tmp_path.iterdir())
    assert 0 < told.gpu_hours[0] <= told.gpu_hours[1] < 0.02 and "README" in told.cost_source
    camera.stops_before = "000003"
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "c.h5", camera)
    begun = dry_run(tmp_path / "c.h5", Run(seed=3), config=SMALL, door=camera)
    assert (begun.num_clips, begun.num_there) == (6, 3) and [p["id"] for p in begun.prompts] == ["000003", "000004", "000005"]


def test_prices_and_commands_of_a_dry_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("main.py").touch()
    run = ["synth", "-o", "c.h5", "--num-clips", "10", "--dry-run"]
    veo = CliRunner().invoke(app, [*run, "--backend", "veo"])
    assert veo.exit_code == 0 and "cost: 24.00 US dollars (Gemini API price list" in veo.output  # 10 clips of 6 s at 0.40
    humo = CliRunner().invoke(app, [*run, "--backend", "humo", "--project", ".", "--launch", f"{sys.executable} -m torch.distributed.run"])
    assert "generation.positive_prompt=WORK/cases.json" in humo.output and "generation.mode=TA" in humo.output
    assert sorted(p.name for p in Path().iterdir()) == ["main.py"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--backend", "sora"], "expected one of scripted, wan2.1"),
        (["--backend", "diffusers"], "--model"),
        (["--backend", "wan2.1", "--set", "synth.generator.num_frames=80"], "4k + 1"),
        (["--backend", "wan2.1", "--set", "synth.generator.num_frames=5"], "1.5 to 30 s"),
        (["--backend", "wan2.1", "--no-video"], "--no-video"),
        (["--backend", "veo", "--set", "synth.generator.steps=9"], "no setting steps"),
        (["--backend", "veo", "--set", "synth.generator.num_frames=100"], "4, 6 or 8 s"),
        (["--backend", "humo", "--set", "synth.generator.width_px=500"], "1280x720 or 832x480"),
        (["--backend", "open-sora"], "--project"),
        (["--model", "x"], "no --model"),
        (["--dry-run"], "no --dry-run"),
        (["--shard", "9/8"], "I from 1 to N"),
        (["--backend", "wan2.1", "--set", "synth.generator.guidance=-1"], "guidance"),
    ],
)
def test_what_is_refused_at_the_door(tmp_path, monkeypatch, options, told):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["synth", "-o", "c.h5", "--num-clips", "8", *options])
    assert result.exit_code == 2 and told in result.stderr and len(result.stderr.splitlines()) == 1, result.output
    assert not list(tmp_path.iterdir())


def test_from_the_command_line_to_a_folder_of_videos(tmp_path, monkeypatch):
    """A real (tiny, random) Wan pipeline through the whole command; the second run finds everything made."""
    pytest.importorskip("diffusers", reason="pip install 'tdmm[t2v]'")
    sys.path.insert(0, str(BACKENDS))
    from tiny_wan import build_tiny_wan

    monkeypatch.chdir(tmp_path)
    build_tiny_wan(tmp_path / "tiny-wan")
    small = [f"--set=synth.generator.{k}={v}" for k, v in {"width_px": 32, "height_px": 32, "num_frames": 25, "steps": 2}.items()]
    command = [
        "synth",
        "-o",
        "c.h5",
        "--backend",
        "wan2.1",
        "--model",
        "tiny-wan",
        "--num-clips",
        "2",
        "--device",
        "cpu",
        "--json",
        "--quiet",
        *small,
    ]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    assert json.loads(CliRunner().invoke(app, command).stdout)["digest"] == json.loads(first.stdout)["digest"]
    with open_corpus(tmp_path / "c.h5") as corpus:
        assert {(r.model, r.status, r.num_frames) for r in corpus} == {("tiny-wan", "done", 25)} and len(corpus[0].model_revision) == 64


def test_failed_clips_end_in_code_four(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tdmm_cli.commands.synth.generator_door", lambda *a, **k: Camera(fails={"000001": "refused: a real person"}))
    options = [f"--set=synth.generator.{k}={v}" for k, v in {"width_px": 32, "height_px": 32, "num_frames": 25}.items()]
    result = CliRunner().invoke(app, ["synth", "-o", "c.h5", "--num-clips", "3", "--backend", "wan2.1", "--json", *options])
    assert result.exit_code == 4 and json.loads(result.stdout)["num_failed"] == 1
    assert "1 of 3 clips failed" in result.stderr and "000001: refused: a real person" in result.stderr and "--retry-failed" in result.stderr


def test_a_setting_of_another_run_is_not_mixed_in(tmp_path):
    camera = Camera(stops_before="000002")
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "c.h5", camera)
    other = replace(SMALL, generator=replace(SMALL.generator, steps=9))
    with pytest.raises(InputError, match="other settings"):
        generate(tmp_path / "c.h5", Run(seed=3), config=other, door=Camera(resolve("wan2.1", other.generator)))
