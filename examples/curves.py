"""Plot the units that move most in a motion file, and the head's rotation.

python examples/curves.py out.npz out.curves.png
"""

import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

motion = np.load(sys.argv[1], allow_pickle=False)
time_s = np.arange(len(motion["expression"])) / motion["fps"]
most = np.argsort(np.ptp(motion["expression"], axis=0))[::-1][:8]

figure, (units, head) = plt.subplots(2, 1, figsize=(9, 6), sharex=True)
for unit in most:
    units.plot(time_s, motion["expression"][:, unit], label=motion["expression_names"][unit])
for axis, name in enumerate(("down", "to its left", "toward its right shoulder")):
    head.plot(time_s, np.degrees(motion["global_orient"][:, axis]), label=name)
units.set(title=str(motion["prompt"]) or sys.argv[1], ylabel="unit, 0 to 1")
head.set(xlabel="seconds", ylabel="head, degrees")
for axes in (units, head):
    axes.legend(loc="upper right", fontsize=8)
figure.tight_layout()
figure.savefig(sys.argv[2], dpi=110)
