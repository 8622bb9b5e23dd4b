"""A page of a painted scene: one file, for any browser of today.

The page needs no server and no network. Scripts, style sheet, pictures and
splats lie in it; a content security policy forbids it to fetch. `page/` has
what it is made of, `page/main.js` says how programs drive it.
"""

import base64
import dataclasses
import html
import importlib.resources
import io
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from stylized_nerf_jax.outputs import image_writer, splat_packing, style_titles
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.splatting import splats as splats_lib

# In the order in which they use each other.
_SCRIPTS = (
  *("unpacking.js", "sorter.js", "renderer.js", "motion.js", "hands.js"),
  *("palette.js", "panel.js", "keys.js", "viewer.js", "main.js"),
)
_PAINTING_HEIGHT, _WIDEST, _NARROWEST = 132, 1.7, 0.7
_PHOTOGRAPH_HEIGHT = 80
_QUALITY = 80
# Behind scenes of which every pixel shows something.
_DARK = (0.055, 0.051, 0.063)


@dataclasses.dataclass(frozen=True, eq=False)
class ScenePage:
  """What a page shows.

  Attributes:
    title: of the scene.
    painted: splats, and what they look like; the page shows looks in their
      order, as photographed first.
    cameras: of the photographs, file frame. The viewer stays near them.
    home: where it begins.
    tour: a closed path, which it takes by itself.
    up: [3], unit, file frame.
    focus: [3], file frame: what the cameras look at.
    reach: file units: how far from the nearest camera it may go.
    photographs: small pictures [H, W, 3], uint8 or float in [0, 1], by the
      number of their camera.
    paintings: likewise, by the name of the look, as photographed included.
    background: [3] in [0, 1], behind the scene; None: dark.
    made_with: one line that says what made it.
  """

  title: str
  painted: splats_lib.PaintedSplats
  cameras: camera_lib.Cameras
  home: camera_lib.Camera
  tour: camera_lib.Cameras
  up: np.ndarray
  focus: np.ndarray
  reach: float
  photographs: Mapping[int, np.ndarray]
  paintings: Mapping[str, np.ndarray]
  background: tuple[float, float, float] | None = None
  made_with: str = ""


def write_page(path: str | pathlib.Path, page: ScenePage) -> int:
  """Writes the page.

  Args:
    path: file to write; its folder is created.
    page: what it shows.

  Returns:
    Its size in bytes.

  Raises:
    ValueError: there are no splats to see, or the file cannot be written.
  """
  path = pathlib.Path(path)
  text = page_text(page).encode()
  with image_writer.writing(path):
    path.write_bytes(text)
  return len(text)


def page_text(page: ScenePage) -> str:
  """Returns the page as text.

  Raises:
    ValueError: there are no splats to see, or no look.
  """
  looks = _ordered(page.painted)
  centers = page.cameras.centers
  distance = float(np.median(np.linalg.norm(centers - page.focus, axis=-1)))
  data, facts = splat_packing.pack(
    looks, focus=np.asarray(page.focus), radius=distance
  )
  facts = {
    "title": page.title,
    "splats": facts,
    "looks": [_look(page, name) for name in looks.colors],
    "cameras": [_camera(camera) for camera in page.cameras],
    "photographs": [
      {
        "camera": number,
        "name": page.cameras.names[number] or str(number),
        "thumbnail": _picture(picture, _PHOTOGRAPH_HEIGHT),
      }
      for number, picture in page.photographs.items()
    ],
    "home": _camera(page.home),
    "tour": [_camera(camera) for camera in page.tour],
    "up": [float(value) for value in page.up],
    "focus": [float(value) for value in page.focus],
    "distance": distance,
    "nearest": 0.1 * distance,
    "reach": float(page.reach),
    "background": list(page.background or _DARK),
    "credits": _credits(page),
  }
  parts = importlib.resources.files("stylized_nerf_jax.outputs") / "page"

  def part(name: str) -> str:
    return (parts / name).read_text(encoding="utf-8")

  pieces = {
    "TITLE": html.escape(page.title),
    "STYLE": part("style.css"),
    "FACTS": _in_script(facts),
    "SPLATS": base64.b64encode(data).decode(),
    "SCRIPT": "\n".join(map(part, _SCRIPTS)),
  }
  text = part("page.html")
  # One pass, so that nothing that is put in is taken for a place.
  first, *rest = text.split("@@")
  return first + "".join(
    pieces[piece] if number % 2 == 0 else piece
    for number, piece in enumerate(rest)
  )


def _ordered(painted: splats_lib.PaintedSplats) -> splats_lib.PaintedSplats:
  """Puts the look as photographed first."""
  first = splats_lib.PHOTOGRAPHED
  names = sorted(painted.colors, key=lambda name: name != first)
  colors = {name: painted.colors[name] for name in names}
  return dataclasses.replace(painted, colors=colors)


def _look(page: ScenePage, name: str) -> dict[str, Any]:
  title = style_titles.style_title(name)
  return {
    "name": name,
    "title": title.title,
    "artist": title.artist,
    "year": title.year,
    "text": title.text,
    "short": title.title,
    "thumbnail": _picture(page.paintings[name], _PAINTING_HEIGHT, crop=True),
  }


def _camera(camera: camera_lib.Camera) -> dict[str, Any]:
  """Returns a camera as a pinhole: what the page renders has no distortion."""
  return {
    "pose": camera.camera_to_world.tolist(),
    "lens": {
      "width": camera.width,
      "height": camera.height,
      "fx": camera.fl_x,
      "fy": camera.fl_y,
      "cx": camera.cx,
      "cy": camera.cy,
    },
  }


def _picture(pixels: np.ndarray, height: int, *, crop: bool = False) -> str:
  """Returns a small picture as a data URL; very wide and high ones are cut."""
  image = Image.fromarray(image_writer.to_uint8(pixels)).convert("RGB")
  width, high = image.size
  if crop:
    wide = round(min(width, _WIDEST * high))
    low = round(min(high, width / _NARROWEST))
    left, top = (width - wide) // 2, (high - low) // 2
    image = image.crop((left, top, left + wide, top + low))
  share = min(1.0, height / image.height)
  size = max(1, round(image.width * share)), max(1, round(image.height * share))
  image = image.resize(size, Image.Resampling.LANCZOS)
  file = io.BytesIO()
  image.save(file, "JPEG", quality=_QUALITY, optimize=True)
  return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _credits(page: ScenePage) -> str:
  """Returns a line of HTML: what made the page, and whom to cite."""
  made = html.escape(page.made_with)
  return (
    f"{made}{' ' if made else ''}To cite the method: Huang et al., "
    '<a href="https://arxiv.org/abs/2205.12183" rel="noopener" target="_blank">'
    "StylizedNeRF: Consistent 3D Scene Stylization as Stylized NeRF via 2D-3D "
    "Mutual Learning</a>, CVPR 2022. Splats: Kerbl et al., "
    '<a href="https://arxiv.org/abs/2308.04079" rel="noopener" target="_blank">'
    "3D Gaussian Splatting for Real-Time Radiance Field Rendering</a>, "
    "SIGGRAPH 2023."
  )


def _in_script(values) -> str:
  """Returns JSON that ends no element that it stands in."""
  text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
  for sign in "<>&\u2028\u2029":
    text = text.replace(sign, f"\\u{ord(sign):04x}")
  return text
