"""A chat model as judge, behind a local server that speaks the endpoint's protocol: prompts and raw replies are kept, nonsense is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from tdmm_core.errors import ServiceError
from tdmm_core.evaluation.chat_judge import mean_marks, read_marks, rule
from tdmm_core.textmodels.chat import ChatEndpoint


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = body["messages"][0]["content"]
            self.server.heard.append(prompt)  # type: ignore[attr-defined]
            said = json.dumps({"choices": [{"message": {"content": self.server.reply(prompt)}}]}).encode()  # type: ignore[attr-defined]
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *args: object) -> None: ...

    made = HTTPServer(("127.0.0.1", 0), Handler)
    made.heard = []  # type: ignore[attr-defined]
    made.reply = lambda prompt: '{"emotion": 5, "motion": 4, "strength": 3}' if "nods" in prompt.split("Description:")[1] else "I give 2 of 5."  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def endpoint(server: HTTPServer) -> ChatEndpoint:
    return ChatEndpoint("tiny", environment={"OPENAI_BASE_URL": f"http://127.0.0.1:{server.server_port}/v1"})


def test_prompt_and_reply_are_kept_and_marks_are_read(server: HTTPServer) -> None:
    rulings = rule(endpoint(server), ["The person nods.", "The person smiles."], ["The person nods.", "The person frowns."])
    assert rulings[0].marks == (5.0, 4.0, 3.0) and rulings[0].reply.startswith('{"emotion"')
    assert "What really happens: The person smiles." in rulings[1].prompt
    assert rulings[1].reply == "I give 2 of 5." and np.isnan(rulings[1].marks).all()
    assert len(server.heard) == 3  # type: ignore[attr-defined]  # what cannot be read is asked for again
    assert mean_marks(rulings).motion == 4.0


def test_a_judge_that_never_gives_marks_is_refused(server: HTTPServer) -> None:
    with pytest.raises(ServiceError, match="name another model"):
        rule(endpoint(server), ["The person smiles."], ["The person smiles."])


@pytest.mark.parametrize(
    ("reply", "marks"),
    [
        ('Sure: {"emotion": 1, "motion": 2.5, "strength": 5} Good.', (1.0, 2.5, 5.0)),
        ('{"emotion": 0, "motion": 2, "strength": 5}', None),
        ('{"emotion": 3, "motion": 2}', None),
        ("", None),
        ('{"note": "x"} {"emotion": 3, "motion": 3, "strength": 3}', (3.0, 3.0, 3.0)),
    ],
)
def test_marks_in_a_reply(reply: str, marks: tuple[float, ...] | None) -> None:
    assert read_marks(reply) == marks
