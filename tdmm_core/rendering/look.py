"""How a face is shown: size, camera, light and colours. Owns the settings of a picture; knows nothing of meshes or pixels."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from tdmm_core.domain.clip import Camera
from tdmm_core.errors import InputError

Colour = tuple[float, float, float]
"sRGB, each 0 to 1."


@dataclass(frozen=True, kw_only=True)
class Look:
    """Settings of a picture or film; the defaults show the open head on a soft grey-blue ground."""

    width_px: int = 512
    "Width of the picture, 16 to 4096."
    height_px: int = 512
    "Height of the picture, 16 to 4096."
    camera: Camera | None = None
    "Pinhole camera at the world's origin, whose size then is the picture's; None frames the head by itself."
    supersampling: int = 2
    "Samples along each side of a pixel, 1 to 4."
    key_direction: tuple[float, float, float] = (-0.45, 0.55, 0.75)
    "Toward the main light: x to the picture's right, y up, z toward the camera."
    key_intensity: float = 0.95
    "Strength of the main light, 0 to 4."
    fill_intensity: float = 0.28
    "Strength of the softer light from the other side, 0 to 4."
    ambient: float = 0.52
    "Strength of the light from everywhere, 0 to 4."
    skin: Colour = (0.86, 0.68, 0.58)
    lips: Colour | None = None
    "None takes the skin's own colour, redder."
    brows: Colour = (0.27, 0.19, 0.15)
    iris: Colour = (0.30, 0.45, 0.52)
    background_top: Colour = (0.80, 0.84, 0.88)
    background_bottom: Colour = (0.56, 0.62, 0.68)

    def __post_init__(self) -> None:
        for name in ("width_px", "height_px"):
            if not 16 <= getattr(self, name) <= 4096:
                raise InputError(f"look {name}: expected 16 to 4096, got {getattr(self, name)}")
        if self.supersampling not in (1, 2, 3, 4):
            raise InputError(f"look supersampling: expected 1, 2, 3 or 4, got {self.supersampling}")
        for name in ("key_intensity", "fill_intensity", "ambient"):
            if not 0 <= getattr(self, name) <= 4:
                raise InputError(f"look {name}: expected 0 to 4, got {getattr(self, name)}")
        if not all(map(isfinite, self.key_direction)) or not any(self.key_direction):
            raise InputError(f"look key_direction: expected a direction other than zero, got {self.key_direction}")
        for name in ("skin", "lips", "brows", "iris", "background_top", "background_bottom"):
            colour = getattr(self, name)
            if name == "lips" and colour is None:
                continue
            if len(colour) != 3 or not all(0 <= c <= 1 for c in colour):
                raise InputError(f"look {name}: expected three numbers from 0 to 1, got {colour}")

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.camera.image_size_px if self.camera else (self.width_px, self.height_px)
