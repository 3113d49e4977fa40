"""Makes the scripts that the tests of performances share importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "performance"))
