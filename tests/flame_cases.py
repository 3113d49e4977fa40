"""A file of FLAME's exact layout and sizes, made from the open head: 5023 vertices, 9976 triangles, 400 + 36 columns, five joints.

It is no FLAME: the licensed file is not needed to prove how one is read, posed, drawn and fitted. The surface is the open head's, refined to FLAME's
counts; expression is a PCA of its units without jaw and gaze; the jaw turns as its `jawOpen` does, by skinning and pose correctives together.
"""

from __future__ import annotations

import io
import pickle
import struct
import types
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import sparse

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Script
from tdmm_core.morphable.flame import flame_model
from tdmm_core.morphable.gaze import eye_angles, eye_rotations
from tdmm_core.morphable.model import MorphableModel, neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.rotations import matrix_to_axis_angle
from tdmm_core.performance.perform import perform

NUM_VERTICES, NUM_TRIANGLES, NUM_HEAD = 5023, 9976, 3931
SECTORS, RINGS = 32, 17
JAW_OPEN_RAD = 0.40
"How far the jaw turns where the open head's jawOpen is 1."
ROOT_M, NECK_M, JAW_M = np.array([0, -0.115, -0.03]), np.array([0, -0.035, -0.02]), np.array([0, 0.0, 0.012])


@cache
def flame_arrays() -> dict[str, object]:
    """The arrays of the file, float64 as FLAME's are; J_regressor is sparse."""
    mesh = _mesh()
    shape = _columns(mesh, load_open_head().shape_basis.astype(np.float64), 300, 1.0, seed=1)
    expression = _columns(mesh, _principal(mesh), 100, 0.15, seed=2)
    regressor = _regressor(mesh.vertices)
    joints = regressor @ mesh.vertices
    weights = _weights(mesh, joints)
    # rounded, so that equal arrays come whatever the number of threads
    shape, expression, template, pose = (np.round(a, 9) for a in (shape, expression, mesh.vertices, _posedirs(mesh, joints, weights)))
    return {
        "v_template": template,
        "f": mesh.triangles.astype(np.uint32),
        "shapedirs": np.moveaxis(np.concatenate([shape, expression]), 0, 2).copy(),
        "posedirs": pose,
        "weights": np.round(weights, 9),
        "J_regressor": sparse.csc_matrix(np.round(regressor, 9)),
        "J": joints,
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.uint32),
        "bs_type": "lrotmin",
        "bs_style": "lbs",
    }


@cache
def eyelid_basis() -> np.ndarray:
    """(2, V, 3) float64: left and right lid from open to closed."""
    head, mesh = load_open_head(), _mesh()
    return np.stack([mesh.carry(head.expression_basis[head.expression_names.index(f"eyeBlink{side}")]) for side in ("Left", "Right")])


@cache
def made_flame(*, eyelids: bool = True) -> MorphableModel:
    """The face model of these arrays."""
    return flame_model(flame_arrays(), name="flame-2020", eyelids=eyelid_basis() if eyelids else None)


@cache
def painted_flame() -> MorphableModel:
    """The same face with the open head's lips, brows and shadows, as people have them: to be filmed. Its geometry is `made_flame`'s."""
    head, model, mesh = load_open_head(), made_flame(), _mesh()
    look = head.appearance
    plain = {"uv": 0.0, "front": 0.0, "occlusion": 1.0, "liner": 0.0, "fade": 1.0}
    painted: dict[str, np.ndarray] = {"paint": look["paint"]}
    for name, value in plain.items():
        field = np.asarray(look[name], np.float64)
        painted[name] = np.full((NUM_VERTICES, *field.shape[1:]), value, np.float32)
        painted[name][:NUM_HEAD] = mesh.on_head(field)
    painted["occlusion"][NUM_HEAD:] = 0.8
    return replace(model, appearance={**model.appearance, **painted})


class _Mesh:
    """The open head's skin with capped eye holes, open at mouth and neck, refined to FLAME's counts, and two eyeballs of 546 vertices."""

    def __init__(self) -> None:
        head = load_open_head()
        names = [head.region_names.index(n) for n in ("skin", "lips", "brows")]
        corners = head.triangles[np.isin(head.triangle_region, names)].astype(np.int64)
        used, corners = np.unique(corners, return_inverse=True)
        rows = sparse.csr_matrix((np.ones(len(used)), (np.arange(len(used)), used)), shape=(len(used), head.num_vertices)).tolil()
        self._mixing = [dict(zip(rows.rows[i], rows.data[i], strict=True)) for i in range(len(used))]
        self._faces = [tuple(f) for f in corners.reshape(-1, 3)]
        self._template = head.template.astype(np.float64)
        for loop in self._holes():
            self._close(loop)
        while len(self._mixing) < NUM_HEAD:
            self._refine()
        self._head = self._mixture()
        self._eyes = [self._eyeball(head, side) for side in (1, -1)]
        self.vertices = self.carry(None)
        faces = [np.array(self._faces, np.int64)] + [sphere + NUM_HEAD + 546 * i for i, sphere in enumerate([_sphere_faces()] * 2)]
        self.triangles = np.concatenate(faces)

    def carry(self, unit: np.ndarray | None) -> np.ndarray:
        """(5023, 3): the open head's template, or one of its displacements (V, 3), on this mesh."""
        field = self._template if unit is None else np.asarray(unit, np.float64)
        return np.concatenate([self._head @ field, *(weights @ field[ids] for ids, weights in self._eyes)])

    def on_head(self, field: np.ndarray) -> np.ndarray:
        """A quantity of the open head's vertices at the 3931 of this head."""
        return self._head @ field

    def _mixture(self) -> sparse.csr_matrix:
        rows = np.repeat(np.arange(len(self._mixing)), [len(m) for m in self._mixing])
        columns = np.concatenate([list(m) for m in self._mixing])
        values = np.concatenate([list(m.values()) for m in self._mixing])
        return sparse.csr_matrix((values, (rows, columns)), shape=(len(self._mixing), len(self._template)))

    def _places(self) -> np.ndarray:
        return self._mixture() @ self._template

    def _holes(self) -> list[list[int]]:
        edges = {(a, b) for f in self._faces for a, b in zip(f, (f[1], f[2], f[0]), strict=True)}
        after = {b: a for a, b in edges if (b, a) not in edges}
        loops, left = [], set(after)
        while left:
            loop = [left.pop()]
            while (following := after[loop[-1]]) != loop[0]:
                loop.append(following)
                left.discard(following)
            loops.append(loop)
        return loops

    def _close(self, loop: list[int]) -> None:
        """Caps before the eyes; mouth and neck stay open, with FLAME's numbers of vertices around them."""
        match len(loop):
            case 28:
                self._cap(loop)
            case 38 | 42:
                self._narrow(loop, {38: 30, 42: 32}[len(loop)])

    def _narrow(self, loop: list[int], count: int) -> None:
        """Cut off the flattest corners of a hole, no two of them neighbours, by a triangle each."""
        places = self._places()[loop]
        sharp = np.linalg.norm(2 * places - np.roll(places, 1, 0) - np.roll(places, -1, 0), axis=1)
        taken: set[int] = set()
        for corner in np.argsort(sharp, kind="stable"):
            before, after = (corner - 1) % len(loop), (corner + 1) % len(loop)
            if len(taken) < len(loop) - count and taken.isdisjoint((before, after)):
                taken.add(int(corner))
                self._faces.append((loop[before], loop[corner], loop[after]))

    def _mix(self, ids: list[int]) -> dict[int, float]:
        mixed: dict[int, float] = {}
        for vertex in ids:
            for source, weight in self._mixing[vertex].items():
                mixed[source] = mixed.get(source, 0.0) + weight / len(ids)
        return mixed

    def _cap(self, loop: list[int]) -> None:
        """Close a hole by a ring of its midpoints toward the middle, and a fan."""
        first = len(self._mixing)
        middle = self._mix(loop)
        for vertex in loop:
            near = {s: 0.4 * w for s, w in self._mixing[vertex].items()}
            for s, w in middle.items():
                near[s] = near.get(s, 0.0) + 0.6 * w
            self._mixing.append(near)
        self._mixing.append(middle)
        count, centre = len(loop), len(self._mixing) - 1
        for i in range(count):
            j = (i + 1) % count
            self._faces += [(loop[i], loop[j], first + i), (loop[j], first + j, first + i), (first + i, first + j, centre)]

    def _refine(self) -> None:
        """Split inner edges at their middle, longest of the face first, until the head has its vertices or every triangle was split once."""
        places = self._places()
        owners: dict[tuple[int, int], list[int]] = {}
        for number, face in enumerate(self._faces):
            for a, b in zip(face, (face[1], face[2], face[0]), strict=True):
                owners.setdefault((min(a, b), max(a, b)), []).append(number)
        edges = [e for e, faces in owners.items() if len(faces) == 2]
        lengths = [np.linalg.norm(places[a] - places[b]) * (1 if places[a][2] > 0.02 else 0.3) for a, b in edges]
        touched: set[int] = set()
        for index in np.argsort(lengths, kind="stable")[: -len(edges) // 2 : -1]:
            faces = owners[edges[index]]
            if len(self._mixing) < NUM_HEAD and touched.isdisjoint(faces):
                touched.update(faces)
                self._split(edges[index], faces)

    def _split(self, edge: tuple[int, int], faces: list[int]) -> None:
        new = len(self._mixing)
        self._mixing.append(self._mix(list(edge)))
        for number in faces:
            face = self._faces[number]
            self._faces[number] = tuple(new if v == edge[0] else v for v in face)
            self._faces.append(tuple(new if v == edge[1] else v for v in face))

    def _eyeball(self, head: MorphableModel, side: int) -> tuple[np.ndarray, np.ndarray]:
        """The open head's eyeball vertices and (546, n) weights that make a finer one of them, exact under every affine motion."""
        names = [head.region_names.index(n) for n in ("sclera", "iris")]
        ids = np.unique(head.triangles[np.isin(head.triangle_region, names)])
        ids = ids[self._template[ids, 0] * side > 0]
        points, direction = self._template[ids], head.appearance["eye_direction"][ids].astype(np.float64)
        solution = np.linalg.lstsq(np.concatenate([direction, np.ones((len(ids), 1))], 1), points, rcond=None)[0]
        sphere = np.concatenate([_sphere_points(), np.ones((546, 1))], 1) @ solution
        homogeneous = np.concatenate([points, np.ones((len(ids), 1))], 1)
        return ids, np.concatenate([sphere, np.ones((546, 1))], 1) @ np.linalg.pinv(homogeneous)


@cache
def _mesh() -> _Mesh:
    return _Mesh()


def _sphere_points() -> np.ndarray:
    """(546, 3) unit directions: the pole at +z, rings, the pole at -z."""
    polar = (np.pi * (np.arange(RINGS) + 1) / (RINGS + 1))[:, None]
    around = 2 * np.pi * np.arange(SECTORS)[None] / SECTORS
    rings = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar) + 0 * around], -1).reshape(-1, 3)
    return np.concatenate([[[0, 0, 1.0]], rings, [[0, 0, -1.0]]])


def _sphere_faces() -> np.ndarray:
    here, after, last = np.arange(SECTORS), (np.arange(SECTORS) + 1) % SECTORS, 545
    faces = [np.stack([0 * here, 1 + here, 1 + after], 1)]
    for ring in range(RINGS - 1):
        inner, outer = 1 + ring * SECTORS, 1 + (ring + 1) * SECTORS
        faces += [np.stack([inner + here, outer + here, outer + after], 1), np.stack([inner + here, outer + after, inner + after], 1)]
    final = 1 + (RINGS - 1) * SECTORS
    return np.concatenate([*faces, np.stack([final + here, 0 * here + last, final + after], 1)])


def _principal(mesh: _Mesh) -> np.ndarray:
    """(n, V', 3) on the open head: principal directions of natural mixtures of its units without jaw and gaze, by falling variance."""
    head, rng = load_open_head(), np.random.default_rng(0)
    kept = [i for i, n in enumerate(head.expression_names) if not n.startswith(("jaw", "eyeLook", "tongue", "mouthClose"))]
    names = [head.expression_names[i] for i in kept]
    draws = rng.beta(0.5, 2.0, (4000, len(kept)))
    for i, name in enumerate(names):
        if name.endswith("Right"):
            draws[:, i] = 0.85 * draws[:, names.index(name.removesuffix("Right") + "Left")] + 0.15 * draws[:, i]
    basis = head.expression_basis[kept].reshape(len(kept), -1).astype(np.float64)
    # directions of  draws @ basis : through the Gram matrix of the units
    covariance = np.cov(draws, rowvar=False)
    half = np.linalg.cholesky(covariance + 1e-12 * np.eye(len(kept)))
    rows = half.T @ basis
    _, left = np.linalg.eigh(rows @ rows.T)
    turned = (left.T @ rows)[::-1]
    # an eigenvector's sign is free: let its largest move be upward or outward
    sign = np.sign(turned[np.arange(len(kept)), np.abs(turned).argmax(axis=1)])
    return (sign[:, None] * turned).reshape(len(kept), -1, 3)


def _columns(mesh: _Mesh, known: np.ndarray, count: int, share: float, *, seed: int) -> np.ndarray:
    """(count, 5023, 3): known displacements of the open head, then small smooth ones so that every column counts."""
    carried = np.stack([mesh.carry(unit) for unit in known[:count]])
    rng = np.random.default_rng(seed)
    more = []
    for i in range(count - len(carried)):
        wave = rng.normal(0, 40, (3, 3))
        more.append(share * 4e-4 / np.sqrt(1 + i / 20) * np.sin(mesh.vertices @ wave + rng.uniform(0, 6, 3)))
    return np.concatenate([carried, np.array(more)]) if more else carried


def _regressor(vertices: np.ndarray) -> np.ndarray:
    """(5, V): joints as means of vertices: those that stand in pairs around the joint, and each eyeball's own."""
    result = np.zeros((5, len(vertices)))
    head = vertices[:NUM_HEAD]
    for row, place in enumerate((ROOT_M, NECK_M, JAW_M)):
        near = np.argsort(np.linalg.norm(head - place, axis=1))[:200]
        # least weights, adding up to 1, whose mean is the joint
        system = np.concatenate([head[near].T, np.ones((1, len(near)))])
        result[row, near] = np.linalg.pinv(system) @ np.append(place, 1)
    result[3, NUM_HEAD : NUM_HEAD + 546] = result[4, NUM_HEAD + 546 :] = 1 / 546
    return result


def _jaw_open(mesh: _Mesh) -> np.ndarray:
    head = load_open_head()
    return mesh.carry(head.expression_basis[head.expression_names.index("jawOpen")])


def _turned_jaw(vertices: np.ndarray, joint: np.ndarray) -> np.ndarray:
    c, s = np.cos(JAW_OPEN_RAD), np.sin(JAW_OPEN_RAD)
    return (vertices - joint) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T + joint - vertices


def _weights(mesh: _Mesh, joints: np.ndarray) -> np.ndarray:
    """(V, 5) rows that add up to 1: eyeballs to their joints, the jaw as jawOpen moves, the neck's foot to the root."""
    weights = np.zeros((NUM_VERTICES, 5))
    unit, turned = _jaw_open(mesh), _turned_jaw(mesh.vertices, joints[2])
    jaw = np.clip((unit * turned).sum(1) / np.maximum((turned**2).sum(1), 1e-9), 0, 1)
    jaw[NUM_HEAD:] = 0
    foot = np.clip((-0.045 - mesh.vertices[:, 1]) / 0.04, 0, 1) * (1 - jaw)
    weights[:, 2], weights[:, 0], weights[:, 1] = jaw, foot, 1 - jaw - foot
    weights[NUM_HEAD:] = 0
    weights[NUM_HEAD : NUM_HEAD + 546, 3] = weights[NUM_HEAD + 546 :, 4] = 1
    return weights


def _posedirs(mesh: _Mesh, joints: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(V, 3, 36): what the open jaw needs beside skinning, and something small and smooth in every other column."""
    rng = np.random.default_rng(3)
    columns = np.stack([2e-4 * np.sin(mesh.vertices @ rng.normal(0, 30, (3, 3)) + rng.uniform(0, 6, 3)) for _ in range(36)], axis=2)
    left_over = _jaw_open(mesh) - weights[:, 2:3] * _turned_jaw(mesh.vertices, joints[2])
    left_over[NUM_HEAD:] = 0
    inverse = np.eye(3) if JAW_OPEN_RAD == 0 else _rotation_x(-JAW_OPEN_RAD)
    # skinning turns correctives by the jaw's share; undo it where the jaw carries all
    rest = left_over + weights[:, 2:3] * (left_over @ inverse.T - left_over)
    jaw = 9
    columns[:, :, jaw : jaw + 9] = 0
    columns[:, :, jaw + 7] = rest / np.sin(JAW_OPEN_RAD)
    columns[NUM_HEAD:] *= 0.1
    return columns


def _rotation_x(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def made_performance(script: Script, seed: int, *, identity: float = 0.8) -> FaceMotion:
    """A script performed by the made FLAME face: the open head's performance, said in expression, jaw, eyelids and eyes; a person of its own.

    Units that have no FLAME counterpart here (tongue, jaw to the sides, mouthClose) are left out; what remains is true by definition.
    """
    head, model, rng = load_open_head(), made_flame(), np.random.default_rng(seed)
    acted = perform(script, seed=seed)
    units = {name: acted.expression[:, i].astype(np.float64) for i, name in enumerate(acted.expression_names)}
    kept = [n for n in head.expression_names if not n.startswith(("jaw", "eyeLook", "tongue", "mouthClose", "eyeBlink"))]
    columns = model.expression_basis[:38, :NUM_HEAD].reshape(38, -1).astype(np.float64)
    mesh = _mesh()
    moved = np.stack([mesh.carry(head.expression_basis[head.expression_names.index(n)])[:NUM_HEAD].ravel() for n in kept])
    # coefficients of each unit in the principal directions: least squares on this mesh
    each = np.linalg.solve(columns @ columns.T, columns @ moved.T).T  # (units, 38)
    expression = np.zeros((acted.num_frames, 100))
    expression[:, :38] = np.stack([units[n] for n in kept], axis=1) @ each
    zero = np.zeros(acted.num_frames)
    turns = matrix_to_axis_angle(eye_rotations(eye_angles(units)))  # (T, 2, 3)
    shape = np.where(np.arange(300) < 48, rng.normal(0, identity, 300), rng.normal(0, 0.2, 300))
    return replace(
        neutral_motion(model, acted.num_frames, acted.fps),
        expression=expression,
        jaw_pose=np.stack([JAW_OPEN_RAD * units["jawOpen"], zero, zero], axis=1),
        eye_pose=turns.reshape(-1, 6),
        eyelids=np.stack([units["eyeBlinkLeft"], units["eyeBlinkRight"]], axis=1).clip(0, 1),
        neck_pose=np.zeros((acted.num_frames, 3)),
        global_orient=acted.global_orient,
        shape=shape.clip(-2, 2),
    )


def static_embedding() -> dict[str, np.ndarray]:
    """Landmarks of the layout that the smplx package asks for: 51 triangles and weights; here any on the face."""
    mesh = flame_arrays()
    middle = mesh["v_template"][mesh["f"]].mean(1)  # type: ignore[index]
    front = np.argsort(-middle[:, 2])[:: max(1, len(middle) // 200)][:51]
    return {"lmk_face_idx": front.astype(np.int64), "lmk_b_coords": np.full((51, 3), 1 / 3)}


def write_smplx_folder(folder: Path) -> Path:
    """The files from which smplx.FLAME opens, plain arrays pickled by Python 3."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "FLAME_NEUTRAL.pkl").write_bytes(pickle.dumps(flame_arrays()))
    (folder / "flame_static_embedding.pkl").write_bytes(pickle.dumps(static_embedding()))
    return folder


def write_flame_npz(path: Path) -> Path:
    """The same arrays as an npz of plain arrays."""
    arrays = {k: v.toarray() if sparse.issparse(v) else v for k, v in flame_arrays().items()}
    np.savez(path, **arrays)
    return path


def write_flame_pickle(path: Path) -> Path:
    """The file as Python 2 wrote FLAME 2020: byte strings, numpy's and scipy's old module names, the bases in chumpy shells; protocol 2."""
    path.write_bytes(python2_pickle({k: _Chumpy(v) if k in ("shapedirs", "posedirs", "v_template") else v for k, v in flame_arrays().items()}))
    return path


class _Chumpy:
    """Stands for chumpy.ch.Ch with the state that it leaves behind."""

    def __init__(self, x: np.ndarray) -> None:
        self.state = {"_dirty_vars": {"x"}, "_itr": None, "_depends_on_deps": {}, "_make_dense": False, "_make_sparse": False, "x": x}


class _Python2(pickle._Pickler):
    """Writes what Python 2's pickle wrote."""

    dispatch: ClassVar[dict] = dict(pickle._Pickler.dispatch)
    OLD: ClassVar[dict[str, str]] = {"numpy._core": "numpy.core", "scipy.sparse._csc": "scipy.sparse.csc", "scipy.sparse._coo": "scipy.sparse.coo"}

    def save_old_text(self, text: str | bytes) -> None:
        data = text.encode("latin-1") if isinstance(text, str) else text
        self.write(b"U" + bytes([len(data)]) + data if len(data) < 256 else b"T" + struct.pack("<i", len(data)) + data)
        self.memoize(text)

    dispatch[str] = dispatch[bytes] = save_old_text

    def save_chumpy(self, shell: _Chumpy) -> None:
        self.write(b"cchumpy.ch\nCh\n)\x81")
        self.memoize(shell)
        self.save(shell.state)
        self.write(b"b")

    dispatch[_Chumpy] = save_chumpy

    def save_global(self, obj: object, name: str | None = None) -> None:
        module = getattr(obj, "__module__", None) or "numpy"
        for new, old in self.OLD.items():
            module = module.replace(new, old)
        module = {"builtins": "__builtin__", "copyreg": "copy_reg"}.get(module, module)
        self.write(f"c{module}\n{name or obj.__name__}\n".encode())  # type: ignore[attr-defined]
        self.memoize(obj)

    dispatch[type] = dispatch[types.FunctionType] = dispatch[types.BuiltinFunctionType] = save_global


def python2_pickle(value: object) -> bytes:
    """`value` as Python 2 would have pickled it, protocol 2."""
    stream = io.BytesIO()
    _Python2(stream, 2).dump(value)
    return stream.getvalue()
