"""The web page: what it carries, unpacked by hand, is the posed face; it stands alone; whatever a prompt holds stays text."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from golden_pose import UNITS, golden_motion

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.exchange.curves import curves_of
from tdmm_core.exchange.page import write_page
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head

MODEL = load_open_head()


def page_of(motion: FaceMotion, **more) -> str:
    stream = io.BytesIO()
    write_page(stream, MODEL, motion, **more)
    return stream.getvalue().decode()


def told_by(page: str) -> dict:
    return json.loads(re.search(r'<script id="motion" type="application/json">(.*?)</script>', page, re.DOTALL)[1])


def arrays_of(told: dict) -> dict[str, np.ndarray]:
    content = zlib.decompress(base64.b64decode(told["packed"]))
    return {name: np.frombuffer(content, f"<{kind}", count, start) for name, kind, start, count in told["arrays"]}


def posed(told: dict, frame: int) -> np.ndarray:
    """(V, 3) as the viewer does it."""
    a = arrays_of(told)
    vertices = told["step"] * a["rest"].reshape(-1, 3).astype(np.float64)
    weights = a["weights"].reshape(told["frames"], -1)[frame] / 65535
    for unit, weight in enumerate(weights):
        part = slice(int(a["move_starts"][unit]), int(a["move_starts"][unit + 1]))
        vertices[a["move_rows"][part]] += weight * told["unit_steps"][unit] * a["moves"].reshape(-1, 3)[part]
    return vertices


@pytest.mark.parametrize("shape_seed", [None, 5])
def test_unpacked_by_hand_it_is_the_posed_face(shape_seed) -> None:
    motion = golden_motion(7, shape_seed=shape_seed)
    still = replace(motion, global_orient=np.zeros((7, 3)), transl=np.zeros((7, 3)))
    told = told_by(page_of(motion))
    assert set(told["units"]) == set(UNITS)
    for frame in (0, 3):
        assert np.abs(posed(told, frame) + MODEL.pivot - MODEL.posed_geometry(still)[frame]).max() < 5e-5
    turns = arrays_of(told)["turns"].reshape(-1, 4)
    np.testing.assert_allclose(turns[-1], [0, np.sin(np.radians(15)), 0, np.cos(np.radians(15))], atol=1e-6)


def test_it_loads_nothing_from_anywhere() -> None:
    page = page_of(golden_motion(5), prompt="a smile")
    assert not re.search(r"https?:|//[a-z]+\.|src=|href=|@import|fetch\(", page.replace('src = told.paint', ""))
    assert page.count("<script") == 2 and len(page) < 400_000


@pytest.mark.parametrize("prompt", ['</script><script>alert(1)</script>', "{data} {script}", "<b>bold</b> & \"quoted\"", "微笑み", ""])
def test_a_prompt_stays_text(prompt: str) -> None:
    page = page_of(golden_motion(2), prompt=prompt)
    assert page.count("<script") == 2 and page.count("</script>") == 2 and "<b>" not in page
    assert told_by(page)["frames"] == 2


def test_pages_of_equal_motions_are_equal_and_odd_motions_have_one() -> None:
    assert page_of(golden_motion(4)) == page_of(golden_motion(4))
    still = told_by(page_of(neutral_motion(MODEL, 1)))
    assert still["units"] == [] and still["curves"] == [] and still["frames"] == 1
    with pytest.raises(InputError, match="open-head-1"):
        page_of(replace(golden_motion(2), face_model="flame-2020"))


def test_curves_show_what_moves_with_both_sides_as_one() -> None:
    rows = {row["name"]: row for row in curves_of(golden_motion(20))}
    assert set(rows) == {"mouth smile", "cheek squint left", "jaw open", "brow outer up left", "eye blink right", "head left / right"}
    assert max(rows["mouth smile"]["values"]) == pytest.approx(0.9, abs=0.02) and rows["mouth smile"]["high"] == 1.0
    assert rows["head left / right"]["values"][-1] == pytest.approx(30, abs=0.01)
