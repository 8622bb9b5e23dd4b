"""What panels know of the page that they are on."""

import pathlib
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import region_file
from stylized_nerf_jax.viewer import session as session_lib
from stylized_nerf_jax.viewer.world import World


class Shown(Protocol):
  """What all pages show: `server.Viewer`, whose attributes these are."""

  model: model_lib.StylizedNerf
  source: str
  out: pathlib.Path
  blocks: Any
  device: threading.Lock
  world: World
  paintings: Mapping[str, np.ndarray]
  rows: int
  first_fov: float
  frustum_scale: float

  def add_region(self, region: region_file.Region) -> None:
    """As there."""
    ...

  def draw_photographs(self, page: "Page") -> list:
    """As there."""
    ...


class Page(Protocol):
  """`page.ClientPage`, whose attributes and methods these are."""

  viewer: Shown
  client: Any
  session: session_lib.Session
  styles: Any

  def look_from(self, camera_to_world: np.ndarray, fov: float) -> None:
    """As there."""
    ...

  def look_from_view(self, view: int) -> None:
    """As there."""
    ...

  def set_up(self) -> None:
    """As there."""
    ...

  def resize(self, rows: int) -> None:
    """As there."""
    ...

  def show_photographs(self, shown: bool) -> None:
    """As there."""
    ...

  def limit_uploads(self, largest: int, say: Callable[[str], None]) -> None:
    """As there."""
    ...

  def report(self, what: str, error: Exception) -> None:
    """As there."""
    ...
