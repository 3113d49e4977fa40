"""A local double of the video service, in both forms (Gemini API and Vertex AI), with its moods: busy, out of quota, slow, forgetful, prudish."""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class VeoServer:
    """What the tests set, and what they look at afterwards."""

    def __init__(self, video: bytes, key: str) -> None:
        self.video, self.key = video, key
        self.started: dict[str, dict[str, Any]] = {}
        "Operation to the body that began it."
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        "Method, path, headers, body of every request."
        self.polls: Counter[str] = Counter()
        self.before_start: list[tuple[int, dict[str, Any], dict[str, str]]] = []
        "Answers that are given instead, one for each start."
        self.before_download: list[int] = []
        self.answer: Callable[[str, int], dict[str, Any] | int | None] = lambda prompt, polls: None
        "By prompt and number of polls: another answer, a status, or None for a video."
        self.polls_needed = 2
        self.elsewhere = ""
        "Address that downloads are sent on to."
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def prompts(self) -> list[str]:
        return [body["instances"][0]["prompt"] for body in self.started.values()]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_GET(self) -> None:
                server._serve(self, b"")

            def do_POST(self) -> None:
                server._serve(self, self.rfile.read(int(self.headers["Content-Length"])))

        return Handler

    def _serve(self, http: BaseHTTPRequestHandler, body: bytes) -> None:
        headers = {k.lower(): v for k, v in http.headers.items()}
        self.seen.append((http.command, http.path, headers, body))
        told = headers.get("x-goog-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if told != self.key:
            return self._say(http, 401, {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": f"the key {told} is not known"}})
        if http.path.endswith(":predictLongRunning"):
            return self._start(http, json.loads(body))
        if http.path.endswith(":fetchPredictOperation"):
            return self._poll(http, json.loads(body)["operationName"], vertex=True)
        if "/operations/" in http.path:
            return self._poll(http, http.path.removeprefix("/v1beta/"), vertex=False)
        return self._download(http)

    def _start(self, http: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        if self.before_start:
            status, answer, headers = self.before_start.pop(0)
            return self._say(http, status, answer, headers)
        name = f"models/veo/operations/{len(self.started)}"
        self.started[name] = body
        return self._say(http, 200, {"name": name})

    def _poll(self, http: BaseHTTPRequestHandler, name: str, *, vertex: bool) -> None:
        self.polls[name] += 1
        if name not in self.started:
            return self._say(http, 404, {"error": {"code": 404, "status": "NOT_FOUND", "message": "no such operation"}})
        other = self.answer(self.started[name]["instances"][0]["prompt"], self.polls[name])
        if isinstance(other, int):
            return self._say(http, other, {"error": {"code": other, "message": "a mood"}})
        if other is not None:
            return self._say(http, 200, {"name": name, **other})
        if self.polls[name] < self.polls_needed:
            return self._say(http, 200, {"name": name})
        if vertex:
            response: dict[str, Any] = {"videos": [{"bytesBase64Encoded": base64.b64encode(self.video).decode(), "mimeType": "video/mp4"}]}
        else:
            response = {"generateVideoResponse": {"generatedSamples": [{"video": {"uri": f"{self.url}/v1beta/files/{name[-1]}:download?alt=media"}}]}}
        return self._say(http, 200, {"name": name, "done": True, "response": response})

    def _download(self, http: BaseHTTPRequestHandler) -> None:
        if self.before_download and (status := self.before_download.pop(0)):
            return self._say(http, status, {"error": {"message": "later"}})
        if self.elsewhere:
            http.send_response(302)
            http.send_header("Location", self.elsewhere + http.path)
            http.send_header("Content-Length", "0")
            http.end_headers()
            return None
        return self._say(http, 200, self.video)

    @staticmethod
    def _say(http: BaseHTTPRequestHandler, status: int, content: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        http.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            http.send_header(name, value)
        http.end_headers()
        http.wfile.write(body)
