"""Pictures of other colours than sRGB, turned into sRGB.

What a picture says of its colours is, in this order: an ICC profile, the
numbers of H.273 in a HEIC file, PNG's sRGB, gAMA and cHRM, or EXIF's mark of
Adobe RGB ("R03", DCF 2.0). Profiles are applied by LittleCMS, which Pillow
brings: relative colorimetric with black point compensation, as photo programs
print and show them. PNG's cICP and AVIF's own numbers are not told by Pillow
(13.0), and are not read.

What is sRGB but for the rounding of a profile keeps its bits; Lab without a
profile is turned by Pillow itself.
"""

import collections
import dataclasses
import functools
import io
from collections.abc import Iterable
from typing import Protocol

import numpy as np
from PIL import ExifTags, Image, ImageCms

from stylized_nerf_jax.scenes.pictures import rgb_spaces

_EXIF_UNCALIBRATED = 65535
_EXIF_ADOBE_RGB = "R03"
_ADOBE_GAMMA = 2.19921875  # 563/256, Adobe RGB (1998)
_SRGB_GAMA = 0.45455  # what PNG's gAMA says of sRGB, within 5%
_GAMA_SLACK = 0.05
_SAME_XY = 0.005
_MOST_NAME = 40
# Pillow's modes by the colours that a profile may be of.
_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}


class ColorSpace(Protocol):
  """What the values of a picture mean, where that is not sRGB.

  Attributes:
    name: for people.
    broken: whether a profile was found that cannot be used, so that values
      are taken as sRGB.
  """

  name: str
  broken: bool

  def to_srgb(self, image: Image.Image) -> Image.Image:
    """Turns a decoded picture, not of 16 bits, into "RGB" or "RGBA"."""

  def grey_to_srgb(self, values: np.ndarray) -> np.ndarray:
    """Turns uint16 [H, W] of a 16-bit picture into float32 [H, W] in [0, 1]."""


def find(image: Image.Image) -> ColorSpace | None:
  """Looks at what a picture says of its colours; None where they are sRGB.

  Args:
    image: opened, decoded or not.
  """
  if profile := image.info.get("icc_profile"):
    if not isinstance(profile, bytes):  # A TIFF's tag of another type.
      return _Broken()
    return _from_icc(profile, _colors(image.mode))
  space = None
  if nclx := image.info.get("nclx_profile"):
    space = rgb_spaces.from_codes(
      nclx.get("color_primaries"), nclx.get("transfer_characteristics")
    )
  elif image.format == "PNG" and "srgb" not in image.info:
    space = _from_png(image.info)
  elif image.format in ("JPEG", "MPO") and _is_adobe_rgb(image):
    space = rgb_spaces.RgbSpace(
      "Adobe RGB (by EXIF)",
      rgb_spaces.ADOBE_RGB,
      rgb_spaces.power_curve(_ADOBE_GAMMA),
    )
  return _Formula(space) if space else None


def has_more(image: Image.Image) -> bool:
  """Tells of a gain map or another picture behind the one that is read."""
  if image.format == "MPO":
    return getattr(image, "n_frames", 1) > 1
  return any("gainmap" in str(kind) for kind in image.info.get("aux", ()))


def describe(images: Iterable[Image.Image], noun: str) -> list[str]:
  """Says in a line for each kind what is done about colours.

  Args:
    images: opened; each is looked at once.
    noun: what they are, in the plural.
  """
  spaces = collections.Counter()
  broken = more = total = 0
  for image in images:
    total += 1
    space = find(image)
    if space is not None and space.broken:
      broken += 1
    elif space is not None:
      spaces[space.name] += 1
    more += has_more(image)

  def some(count: int) -> str:
    if total == 1:
      return f"1 {noun.removesuffix('s')}"
    return f"{count} {noun}" if count == total else f"{count} of {total} {noun}"

  lines = [
    f"converted from {name} to sRGB: {some(count)}"
    for name, count in sorted(spaces.items())
  ]
  if broken:
    lines.append(f"taken as sRGB for a broken colour profile: {some(broken)}")
  if more:
    lines.append(
      "only the first picture is used of files that hold a gain map (HDR) or "
      f"another one: {some(more)}"
    )
  return lines


@dataclasses.dataclass(frozen=True)
class _Formula:
  """Colours of a space that is known by its formulas."""

  space: rgb_spaces.RgbSpace
  broken = False

  @property
  def name(self) -> str:
    return self.space.name

  def to_srgb(self, image: Image.Image) -> Image.Image:
    colors, alpha = _apart(image, "RGB")
    turned = Image.fromarray(self.space.to_srgb(np.asarray(colors)))
    return _together(turned, alpha)

  def grey_to_srgb(self, values: np.ndarray) -> np.ndarray:
    # Grey stays grey: white is white, whatever the primaries.
    levels = self.space.decode(np.arange(65536) / 65535)
    return rgb_spaces.encode_srgb(levels).astype(np.float32)[values]


@dataclasses.dataclass(frozen=True)
class _Broken:
  """A profile that cannot be used."""

  name = "a broken profile"
  broken = True

  def to_srgb(self, image: Image.Image) -> Image.Image:
    return image.convert("RGBA" if image.has_transparency_data else "RGB")

  def grey_to_srgb(self, values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32) / 65535


@dataclasses.dataclass(frozen=True)
class _Profile:
  """An ICC profile.

  Attributes:
    name: as the profile names itself.
    mode: of pictures that it is for.
    transform: from these to sRGB.
    source: the profile itself.
  """

  name: str
  mode: str
  transform: ImageCms.ImageCmsTransform
  source: ImageCms.ImageCmsProfile
  broken = False

  def to_srgb(self, image: Image.Image) -> Image.Image:
    colors, alpha = _apart(image, self.mode)
    turned = ImageCms.applyTransform(colors, self.transform)
    return _together(turned, alpha)

  def grey_to_srgb(self, values: np.ndarray) -> np.ndarray:
    if self.mode != "L":
      every = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
      levels = self.to_srgb(Image.fromarray(every[None]))
      curve = np.asarray(levels)[0].mean(axis=-1) / 255
      return np.interp(values / 257, np.arange(256), curve).astype(np.float32)
    return self._grey_curve[values]

  @functools.cached_property
  def _grey_curve(self) -> np.ndarray:
    """The sRGB values of all 65536 levels.

    LittleCMS gives them in 8 bits: where these change, the curve is half way
    between two of them, and it is a line from there to the next place. Not
    by its tables for speed, which are a level off where it is dark (2.19).
    """
    every = Image.fromarray(np.arange(65536, dtype=np.uint16)[None])
    transform = _transform(self.source, "I;16", ImageCms.Flags.NOOPTIMIZE)
    turned = np.asarray(ImageCms.applyTransform(every, transform))[0, :, 0]
    turned = np.maximum.accumulate(turned).astype(np.float64)
    places = np.flatnonzero(np.diff(turned)) + 0.5
    halves = (turned[:-1] + turned[1:])[places.astype(int)] / 2
    places = np.concatenate([[0], places, [65535]])
    halves = np.concatenate([turned[:1], halves, turned[-1:]])
    curve = np.interp(np.arange(65536), places, halves) / 255
    return curve.astype(np.float32)


@functools.lru_cache(maxsize=32)
def _from_icc(profile: bytes, colors: str) -> ColorSpace | None:
  """Makes a profile's space for pictures of some colours; None: it is sRGB."""
  try:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = _MODES[source.profile.xcolor_space]
    if mode != colors and (mode, colors) != ("RGB", "L"):
      return _Broken()
    transform = _transform(source, mode)
    if mode in ("RGB", "L") and _moves_nothing(transform, mode):
      return None
    name = ImageCms.getProfileDescription(source)
    name = "".join(filter(str.isprintable, " ".join(name.split())))
  except Exception:  # LittleCMS's and Pillow's words for whatever is wrong.
    return _Broken()
  return _Profile(
    name=name[:_MOST_NAME] or "an unnamed profile",
    mode=mode,
    transform=transform,
    source=source,
  )


def _transform(
  source: ImageCms.ImageCmsProfile,
  mode: str,
  flags: ImageCms.Flags = ImageCms.Flags.NONE,
) -> ImageCms.ImageCmsTransform:
  return ImageCms.buildTransform(
    source,
    ImageCms.createProfile("sRGB"),
    mode,
    "RGB",
    renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | flags,
  )


def _moves_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
  """Tells whether colours stay where they are, but for rounding."""
  levels = np.arange(256, dtype=np.uint8)
  if mode == "L":
    probe = levels[None]
    expected = np.repeat(probe[..., None], 3, axis=-1)
  else:
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    corners = np.stack(np.meshgrid(steps, steps, steps), axis=-1)
    greys = np.repeat(levels[:, None], 3, axis=1)
    probe = np.concatenate([corners.reshape(-1, 3), greys])[None]
    expected = probe
  picture = Image.fromarray(probe)
  turned = np.asarray(ImageCms.applyTransform(picture, transform))
  return np.abs(turned.astype(int) - expected).max() <= 1


def _colors(mode: str) -> str:
  """Returns what a profile of a picture of some mode has to be for."""
  if mode in ("1", "L", "LA", "La", "F") or mode.startswith("I"):
    return "L"
  return mode if mode in ("CMYK", "LAB") else "RGB"


def _apart(
  image: Image.Image, mode: str
) -> tuple[Image.Image, Image.Image | None]:
  """Returns colours of a mode, and alpha where there is some."""
  if not image.has_transparency_data:
    return image.convert(mode), None
  whole = image.convert("RGBA")
  return whole.convert("RGB").convert(mode), whole.getchannel("A")


def _together(image: Image.Image, alpha: Image.Image | None) -> Image.Image:
  if alpha is not None:
    image.putalpha(alpha)
  return image


def _from_png(info: dict) -> rgb_spaces.RgbSpace | None:
  """Reads PNG's gAMA and cHRM; what they say of sRGB is None."""
  gamma = info.get("gamma")
  found = info.get("chromaticity")
  curve, primaries = rgb_spaces.decode_srgb, rgb_spaces.BT709
  white = rgb_spaces.D65
  words = []
  if gamma and 0.1 <= gamma <= 10 and abs(gamma / _SRGB_GAMA - 1) > _GAMA_SLACK:
    curve = rgb_spaces.power_curve(1 / gamma)
    words.append(f"gamma {gamma:.3g}")
  if found and _is_gamut(found) and _is_other_gamut(found):
    white, *primaries = (tuple(found[i : i + 2]) for i in (0, 2, 4, 6))
    primaries = tuple(primaries)
    words.append("primaries of its own")
  if not words:
    return None
  name = f"{' and '.join(words)} (PNG)"
  return rgb_spaces.RgbSpace(name, primaries, curve, white)


def _is_gamut(found: tuple) -> bool:
  """Tells whether chromaticities (white, red, green, blue) span an area."""
  if len(found) != 8 or min(found[1::2]) <= 0:
    return False
  (x0, y0), (x1, y1), (x2, y2) = (found[i : i + 2] for i in (2, 4, 6))
  area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
  return abs(area) > 0.01


def _is_other_gamut(found: tuple) -> bool:
  known = (*rgb_spaces.D65, *sum(rgb_spaces.BT709, ()))
  return max(abs(a - b) for a, b in zip(found, known)) > _SAME_XY


def _is_adobe_rgb(image: Image.Image) -> bool:
  """Looks for EXIF's uncalibrated colours with the mark of Adobe RGB."""
  try:
    exif = image.getexif()
    space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
    if space != _EXIF_UNCALIBRATED:
      return False
    mark = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    return str(mark).strip("\0 ") == _EXIF_ADOBE_RGB
  except Exception:  # Pillow's readers raise nearly anything.
    return False
