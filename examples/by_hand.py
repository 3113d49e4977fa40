"""Make a motion by hand, a wink with a tilt of the head, and render it: the library without the command line.

python examples/by_hand.py wink.mp4
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.rendering.renderer import render
from tdmm_core.video.writer import write_video

head = load_open_head()
rest = neutral_motion(head, 75)
rise = np.clip(np.sin(np.linspace(0, np.pi, 75)) * 1.5, 0, 1)

expression = rest.expression.copy()
for unit, strength in {"eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.6, "mouthSmileLeft": 0.7, "mouthSmileRight": 0.2}.items():
    expression[:, head.expression_names.index(unit)] = strength * rise
tilt = np.zeros((75, 3))
tilt[:, 2] = np.radians(-8) * rise  # toward the left shoulder

write_video(Path(sys.argv[1]), render(head, replace(rest, expression=expression, global_orient=tilt)), fps=rest.fps)
