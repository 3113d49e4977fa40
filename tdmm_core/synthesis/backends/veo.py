"""Veo: videos from a web service. Starts operations, some at a time, asks how they stand, and fetches what they made.

An operation is written down before it is waited for, so that a run that was killed fetches what it has paid for and starts nothing twice.
Owns the order of events and what an answer means; addresses and keys are the account's.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tdmm_core.errors import InputError, MissingPartError, ServiceError
from tdmm_core.synthesis.backends.veo_accounts import Account, open_account
from tdmm_core.synthesis.generation import Outcome, Request
from tdmm_core.synthesis.known import Generation

IN_FLIGHT = 4
"Operations that are waited for at the same time."
POLL_S = 10.0
_EXPIRED = "failed: the operation has expired"
_ATTENDED = ("PERMISSION_DENIED", "UNAUTHENTICATED", "NOT_FOUND", "FAILED_PRECONDITION")


@dataclass(frozen=True, kw_only=True)
class _Flight:
    """An operation under way."""

    request: Request
    operation: str
    until: float
    taken_up: bool
    "Whether an earlier run started it."


class VeoGenerator:
    """Asks Veo for videos."""

    revision = ""

    def __init__(self, generation: Generation, *, account: Account | None = None, poll_s: float = POLL_S) -> None:
        self._generation, self._poll_s = generation, poll_s
        self._account = account or open_account(generation)

    def generate(self, requests: Sequence[Request], folder: Path) -> Iterator[Outcome]:
        """Raises MissingPartError where the key is refused and ServiceError where the quota is used up: no other clip would fare better."""
        notes = _Notes(folder / ".operations", self._generation)
        waiting, flights = list(reversed(requests)), list[_Flight]()
        while waiting or flights:
            while waiting and len(flights) < IN_FLIGHT:
                begun = self._begin(waiting.pop(), notes)
                if isinstance(begun, Outcome):
                    yield begun
                else:
                    flights.append(begun)
            for flight in list(flights):
                outcome = self._look(flight, folder, notes)
                if outcome is None:
                    continue
                flights.remove(flight)
                if flight.taken_up and outcome.error.startswith(_EXPIRED):
                    waiting.append(flight.request)
                else:
                    yield outcome
            if flights:
                time.sleep(self._poll_s)

    def _begin(self, request: Request, notes: _Notes) -> _Flight | Outcome:
        until = time.monotonic() + self._generation.timeout_s
        known = notes.read(request)
        if known:
            return _Flight(request=request, operation=known, until=until, taken_up=True)
        try:
            operation = self._account.start(request)
        except ServiceError as e:
            return _refused_or_raised(request, e)
        notes.write(request, operation)
        return _Flight(request=request, operation=operation, until=until, taken_up=False)

    def _look(self, flight: _Flight, folder: Path, notes: _Notes) -> Outcome | None:
        """The outcome of an operation that is over, else None."""
        request = flight.request
        try:
            answer = self._account.poll(flight.operation)
        except ServiceError as e:
            return self._lost(flight, e, notes)
        if not answer.get("done"):
            if time.monotonic() < flight.until:
                return None
            # The note stays: the next try asks this operation first.
            return Outcome(id=request.id, error=f"timeout: not done after {self._generation.timeout_s:g} s")
        video, error = meaning(answer)
        if video is not None:
            try:
                self._account.fetch(video, folder / f"{request.id}.mp4")
            except ServiceError as e:
                return Outcome(id=request.id, error=f"failed: {e}")
        notes.remove(request)
        return Outcome(id=request.id, error=error)

    def _lost(self, flight: _Flight, error: ServiceError, notes: _Notes) -> Outcome:
        if error.status in (401, 403):
            raise _no_entry(error) from None
        if error.reason == "UNREACHED":
            raise error
        if error.status not in (404, 410):
            return Outcome(id=flight.request.id, error=f"failed: {error}")
        notes.remove(flight.request)
        return Outcome(id=flight.request.id, error=f"{_EXPIRED} ({error})")


def meaning(answer: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """The video of a finished operation, or why there is none; the forms of both kinds of account."""
    if answer.get("error"):
        error = answer["error"]
        words = str(error.get("message", error)) if isinstance(error, Mapping) else str(error)
        # Code 3 is INVALID_ARGUMENT: what the service says of prompts that break its rules.
        return None, f"{'refused' if isinstance(error, Mapping) and error.get('code') == 3 else 'failed'}: {' '.join(words.split())[:300]}"
    response = answer.get("response") or {}
    told = response.get("generateVideoResponse") or response
    videos = [s.get("video", s) for s in told.get("generatedSamples") or told.get("videos") or []]
    if videos:
        return videos[0], ""
    reasons = "; ".join(map(str, told.get("raiMediaFilteredReasons") or []))
    if reasons or told.get("raiMediaFilteredCount"):
        return None, f"refused: {' '.join(reasons.split())[:300] or 'filtered for safety'}"
    return None, "failed: the operation ended without a video"


def _refused_or_raised(request: Request, error: ServiceError) -> Outcome:
    if error.status == 429:
        raise ServiceError(f"veo: the quota is used up ({error}); the same command goes on when there is some again", status=429) from None
    if error.status in (401, 403, 404) or error.reason in _ATTENDED:
        raise _no_entry(error) from None
    if error.reason == "UNREACHED":
        raise error
    if error.status == 400:
        return Outcome(id=request.id, error=f"refused: {error}")
    kind = "timeout" if error.reason == "TIMEOUT" else "failed"
    return Outcome(id=request.id, error=f"{kind}: {error}")


def _no_entry(error: ServiceError) -> InputError | MissingPartError:
    if error.status == 404:
        return InputError(f"veo: no such model for this account ({error}); name another one with --model")
    return MissingPartError(f"veo: the account is not let in ({error}); check the key or project in the environment")


class _Notes:
    """Operations under way, one small file for each clip."""

    def __init__(self, folder: Path, generation: Generation) -> None:
        self._folder, self._settings = folder, json.dumps([generation.model, generation.settings()], sort_keys=True)
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, request: Request) -> str:
        """The operation that was started for this very request; empty where there is none."""
        try:
            told = json.loads(self._path(request).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        return str(told.get("operation", "")) if told.get("request") == self._mark(request) else ""

    def write(self, request: Request, operation: str) -> None:
        path = self._path(request)
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"operation": operation, "request": self._mark(request)}), encoding="utf-8")
        part.replace(path)

    def remove(self, request: Request) -> None:
        self._path(request).unlink(missing_ok=True)

    def _path(self, request: Request) -> Path:
        return self._folder / f"{request.id}.json"

    def _mark(self, request: Request) -> str:
        return hashlib.sha256(f"{self._settings}\x1f{request.prompt}\x1f{request.seed}".encode()).hexdigest()
