"""The colours of films, told by their frames, and how they become sRGB.

ffmpeg undoes the matrix and the range of YUV, and no more: what HDR's curves
and wider primaries mean is `rgb_spaces`' part, because filters of ffmpeg for it
differ by version, and miss the published formulas by up to 8 of 255.
"""

import dataclasses
import re

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.pictures import rgb_spaces

# ffmpeg's names of what ITU-T H.273 numbers.
_PRIMARIES = {"bt2020": 9, "smpte432": 12}
_TRANSFERS = {"smpte2084": 16, "arib-std-b67": 18}
# Matrices by the names that the filter `scale` knows.
_MATRICES = {
  "bt709": "bt709",
  "fcc": "fcc",
  "bt470bg": "bt601",
  "smpte170m": "bt601",
  "smpte240m": "smpte240m",
  "bt2020nc": "bt2020",
}
_UNTAGGED = ("unknown", "unspecified", "reserved")
_RGB = ("gbr", "rgb")
_EXACT = "flags=bicubic+accurate_rnd+full_chroma_int"
# Films of more pixels are BT.709 where they do not say, as players take it.
_SD_WIDTH, _SD_HEIGHT = 1280, 576


@dataclasses.dataclass(frozen=True)
class VideoColors:
  """What the frames of a film say of their colours, in ffmpeg's words.

  Attributes:
    matrix: of YUV, one that `scale` knows; "" where frames are RGB.
    full_range: whether black is 0, and not 16 of 255.
    primaries: such as "bt709", or "unknown".
    transfer: likewise.
  """

  matrix: str
  full_range: bool
  primaries: str
  transfer: str

  @property
  def space(self) -> rgb_spaces.RgbSpace | None:
    """Their space, or None where values are sRGB's."""
    return rgb_spaces.from_codes(
      _PRIMARIES.get(self.primaries, 1), _TRANSFERS.get(self.transfer, 1)
    )

  @property
  def scale_options(self) -> str:
    """Options of the filter `scale` that make it undo matrix and range."""
    options = [] if self.space is None else [_EXACT]
    if self.matrix:
      range_ = "pc" if self.full_range else "tv"
      options.append(f"in_color_matrix={self.matrix}:in_range={range_}")
    return ":".join(options)

  @property
  def pixel_format(self) -> str:
    """What ffmpeg hands over."""
    return "rgb24" if self.space is None else "rgb48be"

  @property
  def messages(self) -> list[str]:
    """What is done about them, for people."""
    if self.space is None:
      return []
    limit = (
      f"; {rgb_spaces.WHITE_CD_M2:g} cd/m2 is white, brighter is clipped"
      if self.transfer in _TRANSFERS
      else ""
    )
    return [f"converted from {self.space.name} to sRGB: all frames{limit}"]

  def to_srgb(self, frame: np.ndarray) -> np.ndarray:
    """Turns a frame of `pixel_format`, [H, W, 3], into uint8 sRGB."""
    return frame if self.space is None else self.space.to_srgb(frame)


def read(told: str, size: tuple[int, int], where: object) -> VideoColors:
  """Reads what ffmpeg's filter `showinfo` says of a frame.

  Args:
    told: its words.
    size: (width, height) of the frame.
    where: the file, for the message.

  Raises:
    ValueError: colours are of a kind that nothing here turns into RGB.
  """
  found = dict(re.findall(r"color_(range|space|primaries|trc):\s*(\S+)", told))
  layout = re.search(r"\bfmt:\s*(\S+)", told)
  layout = layout[1] if layout else ""
  matrix = found.get("space", "unknown")
  if matrix in _RGB or layout.startswith(
    ("rgb", "bgr", "gbr", "gray", "pal", "mono")
  ):
    matrix = ""
  elif matrix in _UNTAGGED and found.get("primaries") == "bt2020":
    matrix = "bt2020"
  elif matrix in _UNTAGGED:
    large = size[0] >= _SD_WIDTH or size[1] > _SD_HEIGHT
    matrix = "bt709" if large else "bt601"
  elif matrix in _MATRICES:
    matrix = _MATRICES[matrix]
  else:
    raise user_error.UserError(
      f"{where}: its colours are stored as {matrix[:20]}; expected BT.601, "
      "BT.709 or BT.2020: export it as an SDR video (H.264)"
    )
  full = found.get("range") == "pc" or layout.startswith("yuvj")
  return VideoColors(
    matrix=matrix,
    full_range=full,
    primaries=found.get("primaries", "unknown"),
    transfer=found.get("trc", "unknown"),
  )
