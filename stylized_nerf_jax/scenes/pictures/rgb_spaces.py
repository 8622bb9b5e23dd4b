"""RGB spaces of photographs and films, turned into sRGB by their formulas.

For what carries no ICC profile: films, and pictures that name their space by
numbers or tags. 203 cd/m2, the diffuse white of HDR film (ITU-R BT.2408), is
white; what is brighter is clipped.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

D65 = (0.3127, 0.3290)
# x and y of red, green and blue.
BT709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
BT2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060))
# ITU-T H.273's numbers of what is not sRGB, or like it.
_GAMUTS = {9: ("BT.2020", BT2020), 12: ("Display P3", DISPLAY_P3)}
_PQ, _HLG = 16, 18
WHITE_CD_M2 = 203.0
_HLG_PEAK_CD_M2 = 1000.0
_HLG_GAMMA = 1.2  # BT.2100's system gamma at this peak.
_BRADFORD = np.array(
  [
    [0.8951, 0.2664, -0.1614],
    [-0.7502, 1.7135, 0.0367],
    [0.0389, -0.0685, 1.0296],
  ]
)
_STRIP = 1 << 20  # Pixels that are turned at a time.
_LEVELS = 65535


def decode_srgb(values: np.ndarray) -> np.ndarray:
  """Turns sRGB values in [0, 1] into linear light (IEC 61966-2-1)."""
  values = np.asarray(values, np.float64)
  return np.where(
    values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
  )


def encode_srgb(light: np.ndarray) -> np.ndarray:
  """Turns linear light into sRGB values, clipped to [0, 1]."""
  light = np.clip(np.asarray(light, np.float64), 0, 1)
  return np.where(
    light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055
  )


def decode_pq(values: np.ndarray) -> np.ndarray:
  """Turns PQ values in [0, 1] into light (SMPTE ST 2084).

  Returns:
    Light of the display over 203 cd/m2.
  """
  power = np.asarray(values, np.float64) ** (1 / 78.84375)
  ratio = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
  return 10000 / WHITE_CD_M2 * ratio ** (1 / 0.1593017578125)


def decode_hlg(values: np.ndarray) -> np.ndarray:
  """Turns HLG values in [0, 1] into light of the scene, in [0, 1] (BT.2100).

  `RgbSpace.scene_referred` says that the display's part is still to do.
  """
  values = np.asarray(values, np.float64)
  above = np.exp((values - 0.55991073) / 0.17883277) + 0.28466892
  return np.where(values <= 0.5, values**2 / 3, above / 12)


@dataclasses.dataclass(frozen=True)
class RgbSpace:
  """What RGB values mean.

  Attributes:
    name: for people.
    primaries: x and y of red, green and blue.
    decode: values in [0, 1] to linear light, 1 being white.
    white: x and y.
    scene_referred: light of HLG's scene, which a display of 1000 cd/m2 shows
      with a gamma of 1.2 of its luminance (BT.2100).
  """

  name: str
  primaries: tuple
  decode: Callable[[np.ndarray], np.ndarray] = decode_srgb
  white: tuple[float, float] = D65
  scene_referred: bool = False

  @functools.cached_property
  def matrix(self) -> np.ndarray:
    """Linear light of this space to linear sRGB, [3, 3]; white stays white."""
    source, target = self.white, D65
    cones = (_BRADFORD @ _xyz(xy) for xy in (target, source))
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(np.divide(*cones)) @ _BRADFORD
    own = _to_xyz(self.primaries, source)
    return np.linalg.inv(_to_xyz(BT709, target)) @ adapted @ own

  @functools.cached_property
  def luminance(self) -> np.ndarray:
    """How much of the luminance is red, green and blue, [3]."""
    return _to_xyz(self.primaries, self.white)[1]

  def to_srgb(self, pixels: np.ndarray) -> np.ndarray:
    """Turns pixels into sRGB, clipped.

    Args:
      pixels: uint8 or uint16 [H, W, 3], their whole range being [0, 1].

    Returns:
      uint8 [H, W, 3].
    """
    most = np.iinfo(pixels.dtype).max
    light = self.decode(np.arange(most + 1) / most).astype(np.float32)
    result = np.empty(pixels.shape, np.uint8)
    rows = max(1, _STRIP // max(1, pixels.shape[1]))
    for start in range(0, len(pixels), rows):
      strip = light[pixels[start : start + rows]]
      if self.scene_referred:
        strip *= self._display_gain(strip @ self.luminance.astype(np.float32))
      strip = strip @ self.matrix.T.astype(np.float32)
      whole = np.rint(np.clip(strip, 0, 1) * _LEVELS).astype(np.uint16)
      result[start : start + rows] = _encoded_levels()[whole]
    return result

  def _display_gain(self, luminance: np.ndarray) -> np.ndarray:
    """Factor of HLG's light on the way to a display, [H, W, 1]."""
    powered = np.maximum(luminance, 1e-9) ** (_HLG_GAMMA - 1)
    return (_HLG_PEAK_CD_M2 / WHITE_CD_M2 * powered)[..., None]


def from_codes(primaries: int | None, transfer: int | None) -> RgbSpace | None:
  """Finds a space by the numbers of ITU-T H.273; None is sRGB, or unknown.

  Curves of film of a standard range (BT.709's and those like it) count as
  sRGB's, as players show them; so do the primaries of BT.601, whose numbers
  cameras write whose colours are BT.709's.
  """
  name, gamut = _GAMUTS.get(primaries, ("BT.709", BT709))
  if transfer == _PQ:
    return RgbSpace(f"PQ in {name} (HDR)", gamut, decode_pq)
  if transfer == _HLG:
    return RgbSpace(
      f"HLG in {name} (HDR)", gamut, decode_hlg, scene_referred=True
    )
  return None if gamut is BT709 else RgbSpace(name, gamut)


def power_curve(exponent: float) -> Callable[[np.ndarray], np.ndarray]:
  """Returns the curve of values that are light to the power of 1/exponent."""
  return lambda values: np.asarray(values, np.float64) ** exponent


@functools.cache
def _encoded_levels() -> np.ndarray:
  """sRGB of 65536 levels of light, uint8."""
  levels = encode_srgb(np.arange(_LEVELS + 1) / _LEVELS)
  return np.rint(255 * levels).astype(np.uint8)


def _xyz(xy: tuple[float, float]) -> np.ndarray:
  """XYZ of a chromaticity, of luminance 1."""
  x, y = xy
  return np.array([x / y, 1, (1 - x - y) / y])


def _to_xyz(primaries: tuple, white: tuple[float, float]) -> np.ndarray:
  """Linear light to XYZ, [3, 3], white having luminance 1 (SMPTE RP 177)."""
  columns = np.stack([_xyz(xy) for xy in primaries], axis=-1)
  return columns * np.linalg.solve(columns, _xyz(white))
