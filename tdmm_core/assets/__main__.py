"""`python -m tdmm_core.assets [NAME ... | --all]`: fetch assets into the cache and print their paths; without a name, list them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tdmm_core.assets.catalogue import CATALOGUE
from tdmm_core.assets.find import cached_path, find_asset, is_whole
from tdmm_core.errors import TdmmError


def main(names: Sequence[str]) -> int:
    """Fetch each name, or list all. Returns the exit code."""
    for name in CATALOGUE if list(names) == ["--all"] else names:
        try:
            print(find_asset(name))
        except TdmmError as e:
            print(f"error: {e}", file=sys.stderr)
            return e.exit_code
    if not names:
        for asset in CATALOGUE.values():
            state = "cached" if is_whole(cached_path(asset.name), asset) else "not fetched"
            print(f"{asset.name:22} {asset.size / 1e6:6.1f} MB  {asset.licence:11} {state:11}  {asset.about}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
