"""One client's pictures: a thread that renders what its requests ask for.

Nothing in here knows of the page. Clients take turns at the device, block by
block, under a lock that they share.
"""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np

from stylized_nerf_jax.models import block_renderer
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.viewer import lattice, shown
from stylized_nerf_jax.viewer.progressive_view import ProgressiveView, Work
from stylized_nerf_jax.viewer.request_states import Action, Requests, State

# What a small picture may take: while the camera moves, or the first one of a
# dial.
SMALL_SECONDS = 0.1
# Between two pictures of a pass that is under way.
_SHOW_EVERY = 0.6


@dataclasses.dataclass(frozen=True)
class Picture:
  """A picture for a client.

  Attributes:
    pixels: [H, W, 3] uint8, shown over the whole window.
    quality: of its JPEG.
    state: in which it was rendered.
    stride: of its lattice.
    seconds: since its rendering began.
    done: whether it is the last one, until something changes.
    generation: moves and dials that it heeds.
  """

  pixels: np.ndarray
  quality: int
  state: State
  stride: int
  seconds: float
  done: bool
  generation: int


class Pace:
  """How fast pixels are traced, painted and shown, measured as it goes."""

  def __init__(self, seconds_a_pixel: float = 2e-5):
    self._seconds = {
      Work.TRACE: seconds_a_pixel,
      Work.READ: seconds_a_pixel / 2,
      Work.PAINT: seconds_a_pixel / 4,
      Work.SHOW: seconds_a_pixel / 20,
    }

  def measured(self, pixels: int, seconds: float, work: Work) -> None:
    """Takes what a piece of work took."""
    if pixels:
      found = seconds / pixels
      self._seconds[work] += 0.3 * (found - self._seconds[work])

  def stride(self, height: int, width: int, seconds: float, work: Work) -> int:
    """Returns the finest lattice that takes no longer than so many seconds.

    Never all pixels: a picture that grows has a small one before it.
    """
    for stride in sorted(lattice.STRIDES)[1:]:
      rows, columns = lattice.size(height, width, stride)
      if rows * columns * self._seconds[work] <= seconds:
        return stride
    return max(lattice.STRIDES)


class Session:
  """Of one client.

  Args:
    blocks: renders.
    device: lock that is held while a block is rendered.
    send: takes pictures, from the session's thread.
    say: takes what went wrong, in one line.
    clock: in seconds.
  """

  def __init__(
    self,
    blocks: block_renderer.BlockRenderer,
    *,
    device: threading.Lock,
    send: Callable[[Picture], None],
    say: Callable[[str, Exception], None],
    clock: Callable[[], float] = time.monotonic,
  ):
    self._blocks, self._device = blocks, device
    self._send, self._say, self._clock = send, say, clock
    self._requests, self._pace = Requests(), Pace()
    self._changed = threading.Condition()
    self._camera: scene_lib.Camera | None = None
    self._dials = shown.Dials()
    self._view: ProgressiveView | None = None
    self._paint_key: tuple | None = None
    self._stopped = False
    self._heeded = 0
    self._thread: threading.Thread | None = None

  @property
  def dials(self) -> shown.Dials:
    """What is set."""
    return self._dials

  @property
  def generation(self) -> int:
    """Moves and dials that were asked for."""
    return self._requests.generation

  @property
  def camera(self) -> scene_lib.Camera | None:
    """From where it looks; None: not known yet."""
    return self._camera

  def start(self) -> None:
    """Begins to render, in a thread of its own."""
    self._thread = threading.Thread(
      target=self._run, name="viewer client", daemon=True
    )
    self._thread.start()

  def stop(self) -> None:
    """Ends the thread, after the block that it works on."""
    with self._changed:
      self._stopped = True
      self._changed.notify()

  def join(self, seconds: float) -> bool:
    """Waits for the thread; returns whether it has ended."""
    if self._thread is None:
      return True
    self._thread.join(seconds)
    return not self._thread.is_alive()

  def move(self, camera: scene_lib.Camera) -> None:
    """Looks from a camera, whose size is the picture's."""
    with self._changed:
      if self._camera is not None and _same(camera, self._camera):
        return
      self._camera = camera
      self._ask(Action.MOVE)

  def turn(self, **changes) -> None:
    """Changes dials, as `shown.Dials` names them."""
    with self._changed:
      dials = dataclasses.replace(self._dials, **changes)
      if dials == self._dials:
        return
      self._dials = dials
      if self._camera is not None:
        self._ask(Action.DIAL)

  def again(self) -> None:
    """Renders once more, as after a dial."""
    with self._changed:
      if self._camera is not None:
        self._ask(Action.DIAL)

  def _ask(self, action: Action) -> None:
    self._requests.ask(action, self._clock())
    self._changed.notify()

  def _run(self) -> None:
    while True:
      with self._changed:
        while True:
          if self._stopped:
            return
          found = self._requests.next(self._clock())
          if found is not None:
            break
          self._changed.wait(self._requests.wait(self._clock()))
        state, _ = found
        camera, dials = self._camera, self._dials
        self._heeded = self._requests.generation
      assert camera is not None
      try:
        for made in self.render(state, camera, dials):
          if self._stopped:
            return
          self._send(made)
      except Exception as error:  # Shown in the page; the client goes on.
        if self._stopped:
          return
        self._view = None
        self._say("this picture could not be rendered", error)
      with self._changed:
        self._requests.finished()

  def render(
    self, state: State, camera: scene_lib.Camera, dials: shown.Dials
  ) -> Iterator[Picture]:
    """Yields the pictures of a state; ends early where it is interrupted."""
    began = self._clock()
    view = self._prepared(camera, dials)
    height, width = camera.height, camera.width
    work = view.work(max(lattice.STRIDES))
    moving = state is State.LOW_MOVING
    low = self._pace.stride(height, width, SMALL_SECONDS, work)
    quality = dials.moving_quality if moving else dials.quality
    if state is not State.HIGH:
      for _ in self._blocks_of(view, low, keep=False):
        if self._stopped:
          return
      pixels = shown.picture(view, dials, low)
      yield self._picture(pixels, quality, state, low, began, False)
      return
    coarse, last = low, self._clock()
    for stride in lattice.STRIDES:
      if stride > low and view.is_done(stride):
        coarse = min(coarse, stride)
        continue
      if stride > low or (stride > 1 and view.is_done(stride)):
        continue
      for _ in self._blocks_of(view, stride, keep=True):
        if self._stopped or self._requests.interrupted:
          return
        if self._clock() - last > _SHOW_EVERY and view.is_done(coarse):
          last = self._clock()
          pixels = shown.grown(view, dials, coarse)
          yield self._picture(pixels, quality, state, stride, began, False)
      coarse = stride
      pixels = shown.picture(view, dials, stride)
      yield self._picture(pixels, quality, state, stride, began, stride == 1)
      last = self._clock()

  def _picture(self, pixels, quality, state, stride, began, done) -> Picture:
    seconds = self._clock() - began
    heeded = self._heeded
    return Picture(pixels, quality, state, stride, seconds, done, heeded)

  def _prepared(
    self, camera: scene_lib.Camera, dials: shown.Dials
  ) -> ProgressiveView:
    """The view of a camera, with what dials paint it in."""
    view = self._view
    if view is None or not _same(camera, view.camera):
      view = ProgressiveView(self._blocks, camera)
      self._view, self._paint_key = view, None
    key = dials.paint_key()
    if key != self._paint_key:
      # Not under the lock: a picture's code may take seconds to find.
      view.show(self._paint(camera, dials) if dials.is_painted else None)
      self._paint_key = key
    return view

  def _paint(self, camera, dials: shown.Dials) -> block_renderer.Paint:
    return self._blocks.paint_of(
      camera,
      dials.style,
      intensity=dials.intensity,
      spread=dials.spread,
      palette=dials.palette,
      transfer=dials.transfer,
      regions=dials.regions,
      feather=dials.feather,
    )

  def _blocks_of(
    self, view: ProgressiveView, stride: int, *, keep: bool
  ) -> Iterator[None]:
    """Refines a view, the device locked for one block at a time."""
    steps = view.refine(stride, keep=keep)
    traced, read, painted = view.traced, view.read, view.painted
    while True:
      with self._device:
        start = self._clock()
        done = next(steps, None)
        seconds = self._clock() - start
      if done is None:
        return
      work, count = Work.SHOW, self._blocks.block
      if view.painted > painted:
        work, count = Work.PAINT, view.painted - painted
      if view.read > read:
        work, count = Work.READ, view.read - read
      if view.traced > traced:
        work, count = Work.TRACE, view.traced - traced
      traced, read, painted = view.traced, view.read, view.painted
      self._pace.measured(count, seconds, work)
      yield None


@contextlib.contextmanager
def running(session: Session) -> Iterator[Session]:
  """Starts a session and stops it at the end."""
  session.start()
  try:
    yield session
  finally:
    session.stop()
    session.join(60.0)


def _same(one: scene_lib.Camera, other: scene_lib.Camera) -> bool:
  """Whether two pinhole cameras see the same pixels."""
  return (one.width, one.height, one.fl_x) == (
    other.width,
    other.height,
    other.fl_x,
  ) and np.array_equal(one.camera_to_world, other.camera_to_world)
