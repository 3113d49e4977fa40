"""Every label of the lexicon on one sheet: its face at rest, rising, at its height and falling, with its name.

python examples/labels.py labels.png                       all of them, a picture each at the height
python examples/labels.py mood.png --of mood --frames 4    one category (or family, or label), four instants each
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tdmm_core.morphable.model import geometry
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.performance.exhibit import exhibit
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.renderer import render
from tdmm_core.rendering.sheet import contact_sheet

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("sheet", type=Path)
options.add_argument("--of", action="append", default=[], help="category, family or label; may be given more than once")
options.add_argument("--frames", type=int, default=1, help="instants for each label: one is the height, more are spread over the event")
options.add_argument("--size", type=int, default=160, help="pixels along each side of a picture")
options.add_argument("--columns", type=int, default=0)
options.add_argument("--intensity", type=float, default=1.0)
given = options.parse_args()

head = load_open_head()
labels = [x for x in load_lexicon().labels.values() if not given.of or {x.category, x.family, x.name} & set(given.of)]
pictures = []
for label in labels:
    motion = exhibit(label, intensity=given.intensity)
    moved = np.linalg.norm(geometry(head, motion, with_pose=True) - head.template, axis=2).mean(axis=1)
    event = np.flatnonzero(moved > 0.05 * moved.max())
    at = [int(np.argmax(moved))] if given.frames == 1 else np.linspace(event[0], event[-1], given.frames).round().astype(int).tolist()
    for i, frame in enumerate(render(head, motion[at], look=Look(width_px=given.size, height_px=given.size))):
        picture = Image.fromarray(frame)
        ImageDraw.Draw(picture).text((3, 2), label.name if i == 0 else f"{at[i] / motion.fps:.2f} s", fill=(20, 20, 60))
        pictures.append(np.asarray(picture))
columns = given.columns or (7 if given.frames == 1 else given.frames * max(1, 8 // given.frames))
Image.fromarray(contact_sheet(pictures, columns)).save(given.sheet)
print(f"{given.sheet}: {len(labels)} labels")
