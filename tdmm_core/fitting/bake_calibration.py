"""`python -m tdmm_core.fitting.bake_calibration [FOLDER]`: draw the open head, show it to the landmark network, store what was learned.

Without FOLDER it goes where `tdmm fit` looks for it: into the cache. The package's own was made with FOLDER tdmm_core/fitting/data; it takes a
quarter of an hour of a quiet core and must be made again whenever the open head's geometry or looks change. The pictures' landmarks are kept in
the cache, so that learning from them again takes minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tdmm_core.assets.find import cache_folder, find_asset
from tdmm_core.errors import TdmmError
from tdmm_core.fitting.calibrate import calibrate
from tdmm_core.fitting.calibration_scenes import kept_scenes
from tdmm_core.fitting.correspondence import save_calibration
from tdmm_core.morphable.open_head import load_open_head

_PEOPLE, _FRAMES, _SEED = 2400, 8, 1


def main(arguments: Sequence[str]) -> int:
    """Bake and store. Returns the exit code."""
    try:
        model = load_open_head()
        scenes = kept_scenes(model, find_asset("face-landmarker"), cache_folder() / "calibration", people=_PEOPLE, frames=_FRAMES, seed=_SEED)
        folder = Path(arguments[0]) if arguments else cache_folder() / "calibration"
        path = save_calibration(folder, calibrate(model, scenes))
    except TdmmError as e:
        print(f"error: {e}", file=sys.stderr)
        return e.exit_code
    print(f"{path}: learned from {len(scenes)} pictures")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
