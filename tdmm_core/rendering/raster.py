"""Which triangle each pixel sees: a z-buffer in numba, without any system library.

Owns visibility and normals; knows nothing of colours. Pixel (column, row) has its centre at (column + 0.5, row + 0.5); image y runs down.
"""

from __future__ import annotations

import numpy as np

from tdmm_core.rendering.kernel import kernel

NEAR_M = 0.02
"Triangles with a corner nearer to the camera are left out."
SEAM = np.float32(-1e-5)
"How far outside a triangle a pixel still belongs to it, so that rounding leaves no hole between neighbours."


@kernel
def project(vertices: np.ndarray, focal_px: float, centre_x: float, centre_y: float) -> np.ndarray:
    """World vertices (V, 3) to (V, 3): column and row in pixels, and 1 / distance along the axis (0 where nearer than NEAR_M)."""
    screen = np.empty_like(vertices)
    for i in range(len(vertices)):
        distance = -vertices[i, 2]
        inverse = np.float32(1.0) / distance if distance > NEAR_M else np.float32(0.0)
        screen[i, 0] = centre_x + focal_px * vertices[i, 0] * inverse
        screen[i, 1] = centre_y - focal_px * vertices[i, 1] * inverse
        screen[i, 2] = inverse
    return screen


@kernel
def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals: the sum of the triangles' cross products, so that large triangles count more; zero for a lone vertex."""
    normals = np.zeros_like(vertices)
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        vx, vy, vz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in (a, b, c):
            normals[k, 0] += nx
            normals[k, 1] += ny
            normals[k, 2] += nz
    for i in range(len(normals)):
        length = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2)
        if length > 0:
            normals[i] /= length
    return normals


@kernel
def visible(screen: np.ndarray, triangles: np.ndarray, owner: np.ndarray, nearest: np.ndarray) -> None:
    """Fill `owner` (H, W) int32 with the triangle seen at each pixel, -1 for none, and `nearest` (H, W) float32 with its 1 / distance.

    Triangles that turn their back (clockwise on the screen as seen, since y runs down) are not drawn. On equal distance the first triangle stays.
    """
    height, width = owner.shape
    owner[:] = -1
    nearest[:] = 0
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if screen[a, 2] <= 0 or screen[b, 2] <= 0 or screen[c, 2] <= 0:
            continue
        ax, ay, bx, by, cx, cy = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area >= 0:
            continue
        left, right = max(int(np.ceil(min(ax, bx, cx) - 0.5)), 0), min(int(np.floor(max(ax, bx, cx) - 0.5)), width - 1)
        top, bottom = max(int(np.ceil(min(ay, by, cy) - 0.5)), 0), min(int(np.floor(max(ay, by, cy) - 0.5)), height - 1)
        scale = np.float32(1.0) / area
        az, bz, cz = screen[a, 2], screen[b, 2], screen[c, 2]
        for row in range(top, bottom + 1):
            y = np.float32(row + 0.5)
            for column in range(left, right + 1):
                x = np.float32(column + 0.5)
                wa = ((bx - x) * (cy - y) - (by - y) * (cx - x)) * scale
                wb = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) * scale
                wc = np.float32(1.0) - wa - wb
                if wa < SEAM or wb < SEAM or wc < SEAM:
                    continue
                z = wa * az + wb * bz + wc * cz
                if z > nearest[row, column]:
                    nearest[row, column] = z
                    owner[row, column] = t
