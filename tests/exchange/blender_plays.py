"""Run by a Python that has Blender (`bpy`), never by ours: imports a .glb and writes where its vertices are at some frames.

    python blender_plays.py FILE.glb OUT.npz FPS FRAME...
"""

import sys

import bpy
import numpy as np

source, target, fps = sys.argv[1], sys.argv[2], float(sys.argv[3])
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.fps = round(fps)
bpy.ops.import_scene.gltf(filepath=source)
face = next(o for o in bpy.data.objects if o.type == "MESH")
keys = [k.name for k in face.data.shape_keys.key_blocks]
first = min(a.frame_range[0] for a in bpy.data.actions)
taken = []
for frame in map(int, sys.argv[4:]):
    scene.frame_set(round(first) + frame)
    posed = face.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = posed.to_mesh()
    points = np.array([posed.matrix_world @ v.co for v in mesh.vertices])
    taken.append(points[:, [0, 2, 1]] * [1, 1, -1])  # Blender's z is up and its -y comes to the front; ours are y and z
    posed.to_mesh_clear()
np.savez(target, vertices=np.array(taken), keys=np.array(keys), materials=np.array([m.name for m in face.data.materials]))
