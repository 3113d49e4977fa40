"""JSON over HTTP: requests that wait and try again when a service is busy, downloads that are whole or not there, keys that stay in headers.

Knows no service. A key is sent to the host of the service alone: not to one that it redirects to.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from tdmm_core.errors import InputError, ServiceError
from tdmm_core.runtime.keys import Key

_BUSY = {408, 429, 500, 502, 503, 504}
_NOT_BEGUN = {429, 503}
"After these the service did nothing, so that even a request that costs money may be sent again."
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a service is waited for."""

    tries: int = 6
    first_wait_s: float = 2.0
    longest_wait_s: float = 60.0
    timeout_s: float = 120.0
    "For one answer."

    def wait_s(self, turn: int, asked: str | None) -> float:
        """Before the next try: twice as long each time, never in step with others; at least what the service asked for."""
        wait = min(self.longest_wait_s, self.first_wait_s * 2**turn) * random.uniform(0.75, 1.25)
        return max(wait, min(float(asked), 10 * self.longest_wait_s)) if asked and asked.replace(".", "", 1).isdigit() else wait


class WebClient:
    """Speaks to one service with one key."""

    def __init__(self, base_url: str, header: str, key: Callable[[], Key | None], patience: Patience | None = None) -> None:
        """`header` carries the key, as `x-goog-api-key` or `Authorization` (then as a bearer token). Raises InputError for no http address."""
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise InputError(f"service address: expected one that begins with http:// or https://, got {base_url!r}")
        self.base_url, self._header, self._key = base_url.rstrip("/"), header, key
        self.patience = patience or Patience()
        self._opener = urllib.request.build_opener(_KeyStaysHome())

    def send(self, method: str, path: str, body: Mapping[str, object] | None = None, *, repeatable: bool = True) -> dict[str, Any]:
        """The JSON answer to a request; `path` is relative to the service. Not `repeatable`: sent again only when surely nothing was begun.

        Raises ServiceError with the status and the service's own words, in which no key stands.
        """
        data = json.dumps(body).encode() if body is not None else None
        with self._open(method, self._url(path), data, repeatable) as answer:
            content = self._read(answer)
        try:
            return dict(json.loads(content))
        except ValueError as e:
            raise ServiceError(f"{self._host(path)}: expected JSON, got {self._clean(content[:80].decode(errors='replace'))!r}") from e

    def download(self, url: str, path: Path) -> None:
        """Fetch a file; it appears under its name when it is whole. The key is sent only where `url` is of this service."""
        part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
        try:
            with self._open("GET", self._url(url), None, repeatable=True) as answer, part.open("wb") as file:
                while chunk := self._read(answer, _CHUNK):
                    file.write(chunk)
                wanted, got = answer.headers.get("Content-Length"), file.tell()
                if not got or (wanted and int(wanted) != got):
                    raise ServiceError(f"{self._host(url)}: the download ended after {got} of {wanted or 'some'} bytes")
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _open(self, method: str, url: str, data: bytes | None, repeatable: bool) -> http.client.HTTPResponse:
        failure = None
        for turn in range(self.patience.tries):
            try:
                return self._opener.open(self._request(method, url, data), timeout=self.patience.timeout_s)
            except urllib.error.HTTPError as e:
                failure = self._told(url, e)
                again = failure.status in (_BUSY if repeatable else _NOT_BEGUN) or (failure.status == 401 and turn == 0 and self._renewed())
                asked = e.headers.get("Retry-After")
            except (urllib.error.URLError, http.client.HTTPException, OSError) as e:
                failure = self._unreached(url, e)
                again, asked = repeatable or isinstance(getattr(e, "reason", e), ConnectionRefusedError), None
            if not again or turn + 1 == self.patience.tries:
                break
            time.sleep(self.patience.wait_s(turn, asked))
        assert failure is not None
        raise failure from None  # the cause holds the request, and the request the key

    def _request(self, method: str, url: str, data: bytes | None) -> urllib.request.Request:
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"} if data else {}, method=method)
        key = self._key() if urlsplit(url).netloc == urlsplit(self.base_url).netloc else None
        if key is not None:
            value = key.reveal()
            request.add_unredirected_header(self._header, f"Bearer {value}" if self._header == "Authorization" else value)
        return request

    def _renewed(self) -> bool:
        """Whether another key can be had after one was refused."""
        renew = getattr(self._key, "renew", None)
        return bool(renew and renew())

    def _told(self, url: str, error: urllib.error.HTTPError) -> ServiceError:
        content = error.read(20_000).decode(errors="replace")
        reason, message = "", content.strip()
        try:
            told = json.loads(content)
            told = told[0] if isinstance(told, list) else told
            inner = told.get("error", told)
            message, reason = (str(inner.get("message", content)), str(inner.get("status", ""))) if isinstance(inner, dict) else (str(inner), "")
        except (ValueError, AttributeError, IndexError):
            pass
        words = self._clean(" ".join(message.split()))[:300]
        return ServiceError(f"{self._host(url)} answered {error.code}: {words or error.reason}", status=error.code, reason=reason)

    def _unreached(self, url: str, error: Exception) -> ServiceError:
        cause = getattr(error, "reason", error)
        late = isinstance(cause, TimeoutError)
        words = f"no answer within {self.patience.timeout_s:g} s" if late else self._clean(f"{type(cause).__name__}: {cause}")
        return ServiceError(f"{self._host(url)} cannot be reached: {words}", reason="TIMEOUT" if late else "UNREACHED")

    def _read(self, answer: IO[bytes], size: int = -1) -> bytes:
        try:
            return answer.read(size)
        except (http.client.HTTPException, OSError) as e:
            raise ServiceError(f"{urlsplit(self.base_url).netloc}: the answer broke off ({type(e).__name__})", reason="UNREACHED") from None

    def _clean(self, text: str) -> str:
        key = self._key()
        return key.hide(text) if key is not None else text

    def _url(self, path: str) -> str:
        return path if path.startswith(("http://", "https://")) else f"{self.base_url}/{path.lstrip('/')}"

    def _host(self, path: str) -> str:
        return urlsplit(self._url(path)).netloc


class _KeyStaysHome(urllib.request.HTTPRedirectHandler):
    """Follows a redirection without the headers that carry keys, and never from https to http."""

    def redirect_request(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> urllib.request.Request | None:
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise urllib.error.HTTPError(req.full_url, code, "a redirection out of https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
