"""Keys show themselves nowhere."""

from __future__ import annotations

import copy
import json
import pickle
import traceback

import pytest

from tdmm_core.errors import MissingPartError
from tdmm_core.runtime.keys import Key, key_from, without_secrets

CANARY = "canary-3b1f"


def test_a_key_prints_as_its_name():
    key = Key("GEMINI_API_KEY", CANARY)
    assert key.reveal() == CANARY and CANARY not in f"{key} {key!r} {[key]} {vars(type(key))}"
    assert key.hide(f"bad key {CANARY}!") == "bad key <GEMINI_API_KEY>!"
    for write in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as told:
            write(key)
        assert CANARY not in "".join(traceback.format_exception(told.value))


def test_keys_come_from_the_environment():
    assert key_from(("A", "B"), "it", {"A": "  ", "B": f" {CANARY}\n"}).reveal() == CANARY
    with pytest.raises(MissingPartError, match=r"it needs a key: .* A or B"):
        key_from(("A", "B"), "it", {})


def test_children_are_given_no_key():
    assert without_secrets({"PATH": "/bin", "OPENAI_API_KEY": CANARY, "GEMINI_API_KEY": CANARY}) == {"PATH": "/bin"}
