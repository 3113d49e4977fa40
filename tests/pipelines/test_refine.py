"""Sentences refined by an endpoint: what it is sent, what of its answers is taken, and that none is asked for twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tdmm_core.artifacts.motion import open_motion
from tdmm_core.errors import MissingPartError, ServiceError
from tdmm_core.performance.meaning import tells
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.synth import synth
from tdmm_core.synthesis.config import SynthConfig

CONFIG = SynthConfig(num_clips=6, num_paraphrases=2, num_subjects=12)
KEY = "sk-canary-4711"


class Endpoint:
    """An OpenAI-compatible server on this machine: it adds a harmless word to every second line and a wink to the others."""

    def __init__(self) -> None:
        self.asked: list[dict] = []
        self.keys: list[str] = []
        self.fails_after = 10**6
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.asked.append(body | {"path": self.path})
                endpoint.keys.append(self.headers.get("Authorization", ""))
                if len(endpoint.asked) > endpoint.fails_after:
                    return self._send(400, {"error": {"message": f"no credit for {KEY}"}})
                lines = [x.split(". ", 1)[1] for x in body["messages"][0]["content"].split("\n\n")[1].splitlines()]
                told = [f"{i}. " + (f"Well, {x}" if i % 2 else f"{x} And winks with the left eye.") for i, x in enumerate(lines, 1)]
                return self._send(200, {"choices": [{"message": {"role": "assistant", "content": "\n".join(told)}}]})

            def _send(self, status: int, body: dict) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    found = Endpoint()
    monkeypatch.setenv("OPENAI_BASE_URL", found.address)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    yield found
    found.server.shutdown()


def make(path: Path, **run: object) -> None:
    synth(path, Run(workers=1, **run), config=CONFIG, video=False, refine="openai:writer-1")


def test_what_keeps_the_meaning_is_taken_and_the_rest_is_told(endpoint: Endpoint, tmp_path: Path) -> None:
    make(tmp_path / "m.h5")
    assert {a["path"] for a in endpoint.asked} == {"/v1/chat/completions"} and {a["model"] for a in endpoint.asked} == {"writer-1"}
    assert set(endpoint.keys) == {f"Bearer {KEY}"}
    rows = [json.loads(line) for line in (tmp_path / "m.refinement.jsonl").read_text().splitlines()]
    with open_motion(tmp_path / "m.h5") as motion:
        for row, clip in zip(rows, (motion.clip(i) for i in range(len(motion))), strict=True):
            plain = [s["plain"] for s in row["sentences"]]
            assert clip.id == row["id"] and all(tells(clip.script, s) for s in (clip.prompt, *clip.paraphrases))
            assert clip.prompt == f"Well, {plain[0]}" and clip.paraphrases[0] == plain[1]
            assert any("wink" in fault for fault in row["sentences"][1]["faults"])
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert KEY.encode() not in written


def test_an_answer_is_asked_for_once(endpoint: Endpoint, tmp_path: Path) -> None:
    make(tmp_path / "whole.h5")
    endpoint.asked.clear()
    endpoint.fails_after = 3
    with pytest.raises(ServiceError, match="no credit") as failure:
        make(tmp_path / "m.h5")
    assert KEY not in str(failure.value)
    with (tmp_path / "m.refinement.jsonl").open("a") as file:
        file.write('{"id": "00')  # as a kill leaves it
    endpoint.asked.clear()
    endpoint.fails_after = 10**6
    make(tmp_path / "m.h5")
    assert len(endpoint.asked) == CONFIG.num_clips - 3
    with open_motion(tmp_path / "m.h5") as one, open_motion(tmp_path / "whole.h5") as other:
        assert one.header.digest == other.header.digest


def test_without_a_key_the_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(MissingPartError, match="OPENAI_API_KEY"):
        make(tmp_path / "m.h5")
    assert not (tmp_path / "m.h5").exists()
