"""What E sees of the rendered training views, computed once and kept on disk.

Features are normalised by the statistics of their whole view, as AdaIN does
it when it stylizes the view. A crop that was encoded and normalised by itself
would differ: near its rim, and wherever it shows less than the view does.
"""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.host import disk, interruption, processes, progress
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.stylizer import adain, stylize, vgg
from stylized_nerf_jax.views import rendered_views


class ViewFeatures:
  """relu4_1 features of V views, read from disk when asked for.

  Args:
    folder: as `load_or_encode` leaves it.
    count: number of views.
  """

  def __init__(self, folder: pathlib.Path, count: int):
    self._folder, self._count = folder, count

  def __len__(self) -> int:
    return self._count

  def __getitem__(self, view: int) -> np.ndarray:
    """Returns those of a view: [ceil(H / 8), ceil(W / 8), 512] float16.

    Every channel has mean 0 and standard deviation 1 over the view.
    """
    return np.load(self._folder / f"{view:05d}.npy", mmap_mode="r")


def load_or_encode(
  parent: pathlib.Path, rendered: rendered_views.Views, nets: stylizer_nets.Nets
) -> ViewFeatures:
  """Encodes rendered views, unless it was done.

  Args:
    parent: folder of the phase that rendered them.
    rendered: the training views.
    nets: the 2D networks, of which the encoder counts.
  """
  folder = parent / f"features_{nets.encoder.sha256[:16]}{rendered.chosen}"
  if not processes.by_first((folder / "complete").exists):
    _encode(folder, rendered, nets)
  return ViewFeatures(folder, len(rendered))


def _encode(
  folder: pathlib.Path, rendered: rendered_views.Views, nets: stylizer_nets.Nets
) -> None:
  folder.mkdir(parents=True, exist_ok=True)

  @jax.jit
  def encode(params, rgb):
    module = vgg.VggEncoder(nets.encoder.layout)
    padded = stylize.pad_to_stride(rgb[None])
    features = module.apply({"params": params}, padded)["relu4_1"]
    return adain.normalise(features)[0].astype(jnp.float16)

  num_bytes = 0
  with progress.progress(len(rendered), "encoding training views") as bar:
    for view in range(len(rendered)):
      interruption.stop_if_asked("while training views are encoded")
      # Each process encodes some of the views.
      if view % processes.count() == processes.index():
        features = np.asarray(encode(nets.encoder.params, rendered.rgb(view)))
        with disk.writing(folder):
          np.save(folder / f"{view:05d}.npy", features)
        num_bytes += features.nbytes
      bar.advance()
  num_bytes = sum(processes.exchange("features", num_bytes))
  processes.by_first((folder / "complete").touch)
  progress.on_disk(
    f"features of {len(rendered)} views take {num_bytes / 2**20:.0f} MiB on"
    " disk",
    num_bytes,
  )
