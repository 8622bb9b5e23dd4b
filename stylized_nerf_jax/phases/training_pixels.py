"""Where the pixels of the training photographs are while a field learns.

Small captures: in the device's memory, where the training step draws them.
Large ones: in a file of the run, from which the host draws the same pixels
ahead of the device (docs/architecture.md).
"""

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator

import jax

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import ahead, interruption, processes, progress
from stylized_nerf_jax.pixels import (
  pixel_bank,
  pixel_file,
  pixel_store,
  usable_pixels,
)
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rows import devices
from stylized_nerf_jax.runs import loop_keeper, phase_inputs, run_folder
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.training import train_steps

_WORKERS = 4
# Dispatches whose batches are drawn, or being drawn, before their turn.
_DEPTH = 4


class InMemory:
  """Pixels that the training step draws itself.

  Attributes:
    constants: what the step gets of them.
    drawn_in_step: whether the step draws its pixels itself.
  """

  drawn_in_step = True

  def __init__(self, bank: pixel_bank.PixelBank):
    self.constants = bank

  def batches(self, steps, keeper, first: int, until: int, num: int):
    """Returns a context of the batches of all dispatches: None each."""
    del steps, keeper, first, until, num
    return contextlib.nullcontext(itertools.repeat(None))


class OnDisk:
  """Pixels that are drawn on the host.

  Attributes:
    constants, drawn_in_step: as of `InMemory`.
  """

  drawn_in_step = False

  def __init__(self, store: pixel_store.PixelStore, cameras):
    self.constants = pixel_bank.ViewCameras(cameras)
    self._store = store

  @contextlib.contextmanager
  def batches(
    self,
    steps: train_steps.StepRunner,
    keeper: loop_keeper.LoopKeeper,
    first: int,
    until: int,
    num: int,
  ) -> Iterator[Iterator]:
    """Yields the batches of all dispatches, drawn in threads of their own.

    Args:
      steps: takes them.
      keeper: is told how long they are waited for.
      first: steps taken before.
      until: steps taken at the end.
      num: pixels of a step, over all devices; of them the rows are drawn
        that this process takes.
    """
    rows = devices.own_rows(num)

    def draw(dispatch: tuple[int, int]):
      step, length = dispatch
      return self._store.draw(range(step, step + length), num, rows)

    drawn = ahead.ahead(
      draw, _dispatches(steps, first, until), workers=_WORKERS, depth=_DEPTH
    )
    with contextlib.closing(drawn):
      yield keeper.waiting(drawn)


def load(
  config,
  run: run_folder.RunFolder,
  scene: scene_lib.Scene,
  key: jax.Array,
  pixel_key: Callable[[jax.Array], jax.Array],
) -> InMemory | OnDisk:
  """Reads the photographs that a field learns from.

  Args:
    config: the run's config.
    run: its folder.
    scene: all photographs.
    key: of the phase that draws from them.
    pixel_key: from the key of a step to that of its pixels.

  Raises:
    ValueError: a photograph is damaged, or the masks or the box leave no pixel.
    disk.DiskFullError: there is no space for large captures' pixels.
    interruption.Interrupted: a signal came; nothing has been trained.
  """
  try:
    return _load(config, run, scene, key, pixel_key)
  except pixel_bank.NothingUsableError as error:
    if scene.masks is not None:
      raise
    raise user_error.UserError(
      f"scene {scene.name!r}: no ray of a training image meets the box that "
      "the scene lies in; expected cameras that look at it: see what "
      "`stylized-nerf inspect` says of poses and bounds"
    ) from error


def _load(config, run, scene, key, pixel_key) -> InMemory | OnDisk:
  record = run.scene()
  train = scene.split("train")
  cameras = rays_lib.camera_arrays(train.cameras, record.normalization)
  usable = usable_pixels.usable_pixels(
    train, cameras, record.normalization.space
  )
  sizes = [(camera.width, camera.height) for camera in train.cameras]
  # A colour has 3 bytes, the index of a usable pixel 4.
  needed = sum(w * h for w, h in sizes) * (3 if usable is None else 7)
  budget = config.training.pixels_in_memory_mib
  if needed <= budget * 2**20:
    images = (train.images[i] for i in range(len(train)))
    bank = pixel_bank.make_pixel_bank(images, cameras, usable)
    return InMemory(bank)
  progress.say(
    f"pixels: {len(train)} photographs take {needed / 2**20:.0f} MiB, more "
    f"than training.pixels_in_memory_mib ({budget:g}): they are read from disk"
  )
  open_or_make = functools.partial(
    _open_or_make, run.path / "pixels", record, train, sizes, usable
  )
  if processes.is_first():
    file = open_or_make()
  processes.wait("training pixels")
  if not processes.is_first():
    file = open_or_make()
  store = pixel_store.PixelStore(file, sizes, key, pixel_key)
  return OnDisk(store, cameras)


def _open_or_make(
  folder, record: scene_record.SceneRecord, train, sizes, usable
) -> pixel_file.PixelFile:
  """Opens the run's file of pixels, which is made where it does not fit."""
  normal = record.normalization
  content = phase_inputs.fingerprint(
    {
      "scene": record.content_hash,
      "background": record.background,
      # Where there is no box, photographs and masks are everything.
      "box": normal.to_dict() if normal.space.kind == "box" else None,
    }
  )
  count = sum(width * height for width, height in sizes)
  file = pixel_file.find(folder, content, count)
  if file is not None:
    return file
  reason = {
    "nothing": "",
    "pixels": "; those there were made from others",
    "unfinished": "; the making of those there was cut off",
  }[pixel_file.state(folder)]
  size = pixel_file.size_of(count, masked=usable is not None)
  progress.say(
    f"pixels: writing {size / 2**20:.0f} MiB into {folder}, once{reason}"
  )

  def read(index: int):
    return train.images[index], None if usable is None else usable[index]

  with progress.progress(len(sizes), "decoding photographs") as bar:

    def advance():
      # Of several processes one alone is here, and must not ask the others.
      if processes.count() == 1:
        interruption.stop_if_asked("while photographs are decoded")
      bar.advance()

    return pixel_file.make(
      folder,
      content,
      sizes,
      read,
      masked=usable is not None,
      advance=advance,
    )


def _dispatches(steps: train_steps.StepRunner, first: int, until: int):
  while first < until:
    length = steps.next_length(first, until)
    yield first, length
    first += length
