"""`tdmm synth --footage`: videos that exist become a corpus like any other."""

from __future__ import annotations

import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tdmm_cli.app import app
from tdmm_core.artifacts.corpus import open_corpus
from tdmm_core.artifacts.verify import verify
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.pipelines import synth_footage
from tdmm_core.pipelines.fit_jobs import fit_jobs
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.shards import Shard
from tdmm_core.pipelines.synth_footage import Source, collect
from tdmm_core.pipelines.synth_merge import merge
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.video.writer import write_video

CONFIG = SynthConfig(num_paraphrases=2)
KEY = "canary-55aa"
ANSWER = {"face": True, "label": "pout", "sentences": ["She pouts a little.", "A small pout appears.", "Her lips push forward."]}


def film(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, np.random.default_rng(seed).integers(0, 255, (20, 48, 64, 3), dtype=np.uint8), fps=20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, name in enumerate(("happy_1.mp4", "sad_2.mp4", "sub/angry_3.mp4", "sub/IMG_4.mp4")):
        film(tmp_path / "videos" / name, i)
    return tmp_path / "videos"


def test_a_corpus_of_videos_that_stay_where_they_are(folder, tmp_path):
    summary = collect(tmp_path / "out" / "c.h5", Run(), config=CONFIG, source=Source(folder=folder, licence="CC-BY-4.0", origin="our studio"))
    assert (summary.num_clips, summary.num_failed, summary.num_frames) == (4, 0, 80)
    assert verify(tmp_path / "out" / "c.h5") == [] and not (tmp_path / "out" / "c.videos").exists()
    with open_corpus(tmp_path / "out" / "c.h5") as corpus:
        rows = {r.clip.id: r for r in corpus}
        assert set(rows) == {"happy_1", "sad_2", "sub-angry_3", "sub-IMG_4"}
        row = rows["sub-angry_3"]
        assert row.video == "../videos/sub/angry_3.mp4" and (row.fps, row.num_frames, row.backend) == (20.0, 20, "footage")
        assert (row.clip.label, row.clip.category, row.clip.licence) == ("anger", "basic emotion", "CC-BY-4.0") and row.clip.script is None
        assert json.loads(row.settings) == {"layout": "names", "origin": "our studio"}
        assert rows["sub-IMG_4"].clip.prompt == "" and len(rows["happy_1"].clip.paraphrases) == 2


def test_later_commands_take_it_beside_a_generated_corpus(folder, tmp_path):
    from tdmm_core.pipelines.synth import synth

    small = SynthConfig(num_clips=2, min_duration_s=1.5, max_duration_s=1.5, image_width_px=64, image_height_px=64, validation_share=0, test_share=0)
    synth(tmp_path / "s.h5", Run(workers=1), config=small)
    collect(tmp_path / "c.h5", Run(), config=CONFIG, source=Source(folder=folder))
    jobs, parents = fit_jobs([tmp_path / "s.h5", tmp_path / "c.h5"])
    assert len(jobs) == 6 and all(job.video.is_file() for job in jobs) and len(parents) == 2


def test_mead_and_the_authors_layout(tmp_path):
    for i, view in enumerate(("front", "left_30")):
        film(tmp_path / f"mead/M003/video/{view}/happy/level_3/001.mp4", i)
    film(tmp_path / "tdmm/prompt_0001/0007_pout_0.8.mp4")
    collect(tmp_path / "m.h5", Run(), config=CONFIG, source=Source(folder=tmp_path / "mead", layout="mead"))
    collect(tmp_path / "t.h5", Run(), config=CONFIG, source=Source(folder=tmp_path / "tdmm", layout="tdmm"))
    with open_corpus(tmp_path / "m.h5") as mead, open_corpus(tmp_path / "t.h5") as authors:
        assert {(r.clip.subject_id, r.clip.label, json.loads(r.subject)["gender"]) for r in mead} == {("mead-M003", "happiness", "male")}
        assert {json.loads(r.settings)["view"] for r in mead} == {"front", "left_30"} and "research" in mead[0].clip.licence
        assert authors[0].clip.label == "pout" and authors[0].clip.prompt
    with pytest.raises(InputError, match="--layout mead: expected paths"):
        collect(tmp_path / "x.h5", Run(), config=CONFIG, source=Source(folder=tmp_path / "tdmm", layout="mead"))


def test_interrupted_and_in_shards_it_is_the_same_corpus(folder, tmp_path, monkeypatch):
    source = Source(folder=folder)
    whole = collect(tmp_path / "whole.h5", Run(), config=CONFIG, source=source)
    real, calls = synth_footage.file_digest, []

    def failing(path):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(synth_footage, "file_digest", failing)
    with pytest.raises(KeyboardInterrupt):
        collect(tmp_path / "cut.h5", Run(), config=CONFIG, source=source)
    again = collect(tmp_path / "cut.h5", Run(), config=CONFIG, source=source)
    assert again.digest == whole.digest and again.num_resumed == 2
    for i in range(3):
        collect(tmp_path / "c.h5", Run(), config=CONFIG, source=source, shard=Shard(index=i + 1, count=3))
    assert merge(tmp_path / "c.h5", Run()).digest == whole.digest


def test_what_cannot_be_read_is_recorded_and_retried(folder, tmp_path):
    (folder / "happy_9.mp4").write_text("no film")
    summary = collect(tmp_path / "c.h5", Run(), config=CONFIG, source=Source(folder=folder))
    assert summary.num_failed == 1 and summary.first_failure.startswith("happy_9: failed: happy_9.mp4: expected a video")
    film(folder / "happy_9.mp4", 9)
    assert collect(tmp_path / "c.h5", Run(), config=CONFIG, source=Source(folder=folder), retry_failed=True).num_failed == 0


def test_nobody_says_what_they_show(tmp_path):
    film(tmp_path / "v" / "IMG_1.mp4")
    with pytest.raises(InputError, match=r"IMG_1\.mp4; give --labels FILE\.csv, or --annotate MODEL"):
        collect(tmp_path / "c.h5", Run(), config=CONFIG, source=Source(folder=tmp_path / "v"))


class Service:
    """A local double of Gemini's API and of an OpenAI-compatible endpoint."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict, dict]] = []
        self.answers: list[tuple[int, dict]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.asked.append((self.path, dict(self.headers), body))
                status, answer = service.answers.pop(0) if service.answers else (200, service.usual(self.path))
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    @staticmethod
    def usual(path: str) -> dict:
        text = json.dumps(ANSWER)
        if path.endswith("/chat/completions"):
            return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
        return {"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}]}

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def service(monkeypatch):
    made = Service()
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", f"{made.url}/v1beta")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{made.url}/v1")
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("name", "path"), [("gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent"), ("openai:gpt-x", "/v1/chat/completions")]
)
def test_wild_video_is_described_by_a_service(folder, tmp_path, service, name, path):
    summary = collect(tmp_path / "c.h5", Run(), config=CONFIG, source=Source(folder=folder, annotator=name))
    assert summary.num_failed == 0 and [p for p, _, _ in service.asked] == [path]  # only the one that nobody labelled
    with open_corpus(tmp_path / "c.h5") as corpus:
        row = corpus[corpus.index_of("sub-IMG_4")]
        assert (row.clip.label, row.clip.prompt, row.clip.paraphrases) == ("pout", ANSWER["sentences"][0], tuple(ANSWER["sentences"][1:]))
        assert row.clip.category == "lips" or row.clip.category
        assert row.model == name and json.loads(row.settings)["annotated_by"] == name
    _, sent, body = service.asked[0]
    headers = {k.lower(): v for k, v in sent.items()}
    assert KEY in (headers.get("x-goog-api-key", "") + headers.get("authorization", "")) and KEY not in json.dumps(body)
    pictures = json.dumps(body).count(base64.b64encode(b"\xff\xd8\xff").decode())
    assert pictures == 8
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and KEY.encode() in p.read_bytes()]


def test_services_are_asked_once_for_each_video(folder, tmp_path, service):
    source = Source(folder=folder, annotator="gemini-2.5-flash")
    collect(tmp_path / "c.h5", Run(), config=CONFIG, source=source)
    collect(tmp_path / "c.h5", Run(), config=CONFIG, source=source)
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, "refused: annotation: .*PROHIBITED_CONTENT"),
        ({"candidates": [{"finishReason": "SAFETY"}]}, "refused: annotation: .*SAFETY"),
        (
            {"candidates": [{"content": {"parts": [{"text": '{"face": false}'}]}, "finishReason": "STOP"}]},
            "failed: annotation: no face is to be seen",
        ),
    ],
)
def test_refusals_are_recorded_and_retried(folder, tmp_path, service, answer, told):
    source = Source(folder=folder, annotator="gemini-2.5-flash")
    service.answers = [(200, answer)]
    summary = collect(tmp_path / "c.h5", Run(), config=CONFIG, source=source)
    assert summary.num_failed == 1
    with open_corpus(tmp_path / "c.h5") as corpus, pytest.raises(AssertionError, match=told):
        raise AssertionError(corpus[corpus.index_of("sub-IMG_4")].error)
    assert collect(tmp_path / "c.h5", Run(), config=CONFIG, source=source, retry_failed=True).num_failed == 0


def test_a_key_that_is_not_accepted_ends_the_run_and_is_not_told(folder, tmp_path, service):
    service.answers = [(403, {"error": {"status": "PERMISSION_DENIED", "message": f"key {KEY} is not valid"}})]
    result = CliRunner().invoke(app, ["synth", "-o", str(tmp_path / "c.h5"), "--footage", str(folder), "--annotate", "gemini-2.5-flash"])
    assert result.exit_code == 3 and KEY not in result.output and "not accepted" in result.stderr


def test_without_a_key(folder, tmp_path, monkeypatch):
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MissingPartError, match="GEMINI_API_KEY or GOOGLE_API_KEY"):
        collect(tmp_path / "c.h5", Run(), config=CONFIG, source=Source(folder=folder, annotator="gemini-2.5-flash"))


def test_wild_video_is_described_by_a_model_on_this_machine(folder, tmp_path, monkeypatch):
    """A real (tiny, random) vision-language model; what it says means nothing, but it is said of the pictures."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "textmodels"))
    from tiny_vision import WORDS, build_tiny_vision

    monkeypatch.setattr("tdmm_core.textmodels.vision._LONGEST", 48)
    model = build_tiny_vision(tmp_path / "tiny-eyes")
    summary = collect(tmp_path / "c.h5", Run(device="cpu"), config=CONFIG, source=Source(folder=folder, annotator=str(model)))
    with open_corpus(tmp_path / "c.h5") as corpus:
        row = corpus[corpus.index_of("sub-IMG_4")]
        assert row.model == "tiny-eyes" and len(row.model_revision) == 64
        assert row.clip.prompt and set(row.clip.prompt.split()) <= set(WORDS), row.error
        assert str(tmp_path) not in json.dumps(dict(corpus.header.config))
    assert (summary.num_clips, summary.num_failed) == (4, 0)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--layout", "flat"], "names, mead, tdmm"),
        (["--labels", "none.csv"], "none.csv: no such file"),
        (["--backend", "veo"], "no --backend"),
        (["--no-video"], "no --no-video"),
        (["--annotate", "nobody/no-eyes", "--layout", "tdmm"], "prompt_0012"),
    ],
)
def test_what_is_refused_at_the_door(folder, tmp_path, monkeypatch, options, told):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["synth", "-o", "c.h5", "--footage", str(folder), *options])
    assert result.exit_code == 2 and told in result.stderr and len(result.stderr.splitlines()) == 1, result.output
    assert not list(tmp_path.glob("c.*"))
