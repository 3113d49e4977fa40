"""Veo against a local double of the service: both accounts, every refusal, and nothing paid for twice."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from veo_server import VeoServer

from tdmm_core.errors import InputError, MissingPartError, ServiceError
from tdmm_core.runtime.web import Patience
from tdmm_core.synthesis.backends.veo import VeoGenerator
from tdmm_core.synthesis.backends.veo_accounts import open_account
from tdmm_core.synthesis.examination import examine
from tdmm_core.synthesis.generator_config import GeneratorConfig
from tdmm_core.synthesis.known import resolve
from tdmm_core.video.writer import write_video

KEY = "canary-71d0e5"
QUICK = Patience(tries=3, first_wait_s=0.01, longest_wait_s=0.05, timeout_s=1.0)
VEO = resolve("veo", GeneratorConfig())
QUOTA = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota"}}


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("video") / "v.mp4"
    write_video(path, np.random.default_rng(0).integers(0, 255, (12, 32, 48, 3), dtype=np.uint8), fps=24)
    return path.read_bytes()


@pytest.fixture
def server(video, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    made = VeoServer(video, KEY)
    yield made
    made.close()


def generator(server: VeoServer, *, vertex: bool = False, generation=VEO, key: str = KEY) -> VeoGenerator:
    environment = {"GOOGLE_GEMINI_BASE_URL": f"{server.url}/v1beta", "GEMINI_API_KEY": key}
    if vertex:
        environment = {"GOOGLE_VERTEX_BASE_URL": f"{server.url}/v1", "GOOGLE_CLOUD_PROJECT": "faces", "VERTEX_ACCESS_TOKEN": key}
    return VeoGenerator(generation, account=open_account(generation, patience=QUICK, environment=environment), poll_s=0.01)


@pytest.mark.parametrize("vertex", [False, True])
def test_requests_become_videos(server, requests, tmp_path, vertex):
    assert {o.id: o.error for o in generator(server, vertex=vertex).generate(requests, tmp_path)} == {r.id: "" for r in requests}
    assert all(examine(tmp_path / f"{r.id}.mp4").num_frames == 12 for r in requests)
    body = server.started["models/veo/operations/0"]
    assert body["instances"] == [{"prompt": requests[0].prompt}]
    expected = {"aspectRatio": "16:9", "resolution": "720p", "durationSeconds": 6, "negativePrompt": "text, cuts", "seed": 7, "sampleCount": 1}
    assert expected.items() <= body["parameters"].items()
    begun = next(path for _, path, _, _ in server.seen if path.endswith(":predictLongRunning"))
    place = "/v1/projects/faces/locations/us-central1/publishers/google/models" if vertex else "/v1beta/models"
    assert begun == f"{place}/veo-3.0-generate-001:predictLongRunning"
    assert not list((tmp_path / ".operations").iterdir())


def test_the_key_travels_in_a_header_to_the_service_alone(server, requests, tmp_path, video):
    other = VeoServer(video, "")
    server.elsewhere = other.url
    try:
        assert [o.error for o in generator(server).generate(requests[:1], tmp_path)] == [""]
        assert all(KEY not in path and KEY.encode() not in body for _, path, _, body in server.seen)
        assert other.seen and all(KEY not in json.dumps(headers) for _, _, headers, _ in other.seen)
    finally:
        other.close()
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and KEY.encode() in p.read_bytes()]


def test_a_busy_service_is_asked_again(server, requests, tmp_path):
    server.before_start = [(429, QUOTA, {"Retry-After": "0.02"}), (503, {}, {})]
    server.before_download = [500, 0]
    server.answer = lambda prompt, polls: 502 if polls == 1 else None
    assert [o.error for o in generator(server).generate(requests[:1], tmp_path)] == [""]
    assert len(server.started) == 1


def test_used_up_quota_ends_the_run_and_blames_no_clip(server, requests, tmp_path):
    server.before_start = [(200, {"name": "models/veo/operations/0"}, {}), *[(429, QUOTA, {})] * 9]
    server.started["models/veo/operations/0"] = {"instances": [{"prompt": requests[0].prompt}]}
    told = []
    with pytest.raises(ServiceError, match=r"quota is used up .*exceeded your current quota.* goes on"):
        told += generator(server).generate(requests, tmp_path)
    assert told == [] and [p.stem for p in (tmp_path / ".operations").iterdir()] == ["000000"]
    server.before_start = []
    assert {o.error for o in generator(server).generate(requests, tmp_path)} == {""}
    assert requests[0].prompt not in server.prompts()[1:]  # what was under way was fetched, not begun again


@pytest.mark.parametrize(
    "answer",
    [
        {"done": True, "response": {"generateVideoResponse": {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["a real person"]}}},
        {"done": True, "response": {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["a real person"]}},
        {"done": True, "error": {"code": 3, "message": "the prompt shows a real person"}},
    ],
)
def test_refused_prompts_are_recorded(server, requests, tmp_path, answer):
    server.answer = lambda prompt, polls: answer if prompt == requests[1].prompt else None
    errors = {o.id: o.error for o in generator(server).generate(requests, tmp_path)}
    assert errors["000001"].startswith("refused: ") and "a real person" in errors["000001"]
    assert errors["000000"] == errors["000002"] == ""
    assert not list((tmp_path / ".operations").iterdir())


def test_a_prompt_refused_at_once(server, requests, tmp_path):
    server.before_start = [(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "unsafe prompt"}}, {})]
    errors = {o.id: o.error for o in generator(server).generate(requests, tmp_path)}
    assert errors["000000"].startswith("refused: ") and "unsafe prompt" in errors["000000"] and errors["000001"] == ""


def test_other_ends(server, requests, tmp_path):
    answers = [{"done": True, "error": {"code": 13, "message": "internal"}}, {"done": True, "response": {}}, 404]
    server.answer = lambda prompt, polls: answers[[r.prompt for r in requests].index(prompt)]
    errors = {o.id: o.error for o in generator(server).generate(requests, tmp_path)}
    assert errors["000000"] == "failed: internal" and errors["000001"] == "failed: the operation ended without a video"
    assert errors["000002"].startswith("failed: the operation has expired")


def test_a_slow_operation_is_given_up_and_asked_first_next_time(server, requests, tmp_path):
    server.polls_needed = 10**9
    hasty = replace(VEO, timeout_s=0.05)
    assert [o.error for o in generator(server, generation=hasty).generate(requests[:1], tmp_path)] == ["timeout: not done after 0.05 s"]
    server.polls_needed = 0
    assert [o.error for o in generator(server).generate(requests[:1], tmp_path)] == [""]
    assert len(server.started) == 1


def test_an_operation_that_expired_between_two_runs_is_begun_anew(server, requests, tmp_path):
    server.polls_needed = 10**9
    list(generator(server, generation=replace(VEO, timeout_s=0.02)).generate(requests[:1], tmp_path))
    forgotten = server.started.pop("models/veo/operations/0")
    server.started["other"], server.polls_needed = forgotten, 0
    assert [o.error for o in generator(server).generate(requests[:1], tmp_path)] == [""]
    assert list(server.started) == ["other", "models/veo/operations/1"]


def test_other_settings_are_another_operation(server, requests, tmp_path):
    server.polls_needed = 10**9
    list(generator(server, generation=replace(VEO, timeout_s=0.02)).generate(requests[:1], tmp_path))
    server.polls_needed = 0
    assert [o.error for o in generator(server).generate([replace(requests[0], prompt="another")], tmp_path)] == [""]
    assert server.prompts() == [requests[0].prompt, "another"]


def test_a_run_that_is_killed_pays_for_nothing_twice(server, requests, tmp_path):
    """The generator is left in the middle, as a kill leaves it."""
    server.polls_needed = 4
    walk = generator(server).generate(requests, tmp_path)
    thread = threading.Thread(target=lambda: next(walk), daemon=True)
    thread.start()
    deadline = time.monotonic() + 5
    while len(server.started) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    thread.join()
    done = {p.stem for p in tmp_path.glob("*.mp4")}
    rest = [r for r in requests if r.id not in done]
    assert {o.error for o in generator(server).generate(rest, tmp_path)} == {""}
    assert len(server.started) == 3 and len(list(tmp_path.glob("*.mp4"))) == 3


def test_no_entry(server, requests, tmp_path):
    with pytest.raises(MissingPartError, match="not let in") as told:
        list(generator(server, key="canary-wrong").generate(requests, tmp_path))
    assert "canary" not in str(told.value)
    server.before_start = [(404, {"error": {"message": "models/veo-9 is not found"}}, {})]
    with pytest.raises(InputError, match="--model"):
        list(generator(server).generate(requests, tmp_path))
    with pytest.raises(MissingPartError, match="GEMINI_API_KEY or GOOGLE_API_KEY"):
        open_account(VEO, environment={})
    with pytest.raises(MissingPartError, match="GOOGLE_CLOUD_PROJECT"):
        open_account(VEO, environment={"GOOGLE_GENAI_USE_VERTEXAI": "true"})


def test_a_service_that_is_gone(server, requests, tmp_path):
    server.close()
    with pytest.raises(ServiceError, match="cannot be reached"):
        list(generator(server).generate(requests, tmp_path))


def test_vertex_tokens_are_renewed(server, requests, tmp_path, monkeypatch):
    """gcloud is asked again when a token has run out; what it prints goes nowhere but into the header."""
    tool = tmp_path / "bin" / "gcloud"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\n[ -e "{tmp_path}/second" ] && echo {KEY} || echo canary-old\ntouch "{tmp_path}/second"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    environment = {"GOOGLE_VERTEX_BASE_URL": f"{server.url}/v1", "GOOGLE_CLOUD_PROJECT": "faces", "PATH": f"{tool.parent}:/usr/bin:/bin"}
    account = open_account(VEO, patience=QUICK, environment=environment)
    assert [o.error for o in VeoGenerator(VEO, account=account, poll_s=0.01).generate(requests[:1], tmp_path)] == [""]
    assert {h["authorization"] for _, _, h, _ in server.seen} == {"Bearer canary-old", f"Bearer {KEY}"}
    tool.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(MissingPartError, match="gcloud auth login"):
        open_account(VEO, environment=environment)


def test_a_download_that_breaks_off_is_no_video(server, requests, tmp_path):
    class Cut(bytes):
        def __len__(self) -> int:
            return super().__len__() + 1000

    server.video = Cut(server.video)
    errors = [o.error for o in generator(server).generate(requests[:1], tmp_path)]
    assert errors[0].startswith("failed: ") and not list(tmp_path.glob("*.mp4")) and not list(tmp_path.glob("*.part*"))


def test_an_operation_is_written_down_before_it_is_waited_for(server, requests, tmp_path: Path):
    looked: list[str] = []

    def answer(prompt: str, polls: int) -> None:
        looked.extend(p.read_text() for p in (tmp_path / ".operations").glob("*.json"))

    server.answer = answer
    list(generator(server).generate(requests[:1], tmp_path))
    assert "models/veo/operations/0" in looked[0]
