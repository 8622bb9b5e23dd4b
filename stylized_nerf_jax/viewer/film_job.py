"""Films of camera paths, rendered in the background."""

import pathlib
import threading
from collections.abc import Callable

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.tasks import film_plan, render_path


class _CancelledError(Exception):
  """Ends the writing of a film; what there is of it is removed."""


class FilmJob:
  """One film.

  Args:
    model: what is rendered.
    plan: cameras and looks of its frames.
    out: file to write.
    dials: palette, spread and transfer of all frames; a style where the plan
      names none.
    tell: called with (frames done, of all) after each.
    ended: called once with the file, or with None and what went wrong; both
      None where it was cancelled.
  """

  def __init__(
    self,
    model: model_lib.StylizedNerf,
    plan: film_plan.FilmPlan,
    out: pathlib.Path,
    *,
    dials: dict,
    tell: Callable[[int, int], None],
    ended: Callable[[pathlib.Path | None, Exception | None], None],
  ):
    self._model, self._plan, self._out = model, plan, out
    self._dials, self._tell, self._ended = dict(dials), tell, ended
    self._stop = threading.Event()
    self._thread = threading.Thread(
      target=self._run, name="viewer film", daemon=True
    )

  def start(self) -> None:
    """Begins."""
    self._thread.start()

  def cancel(self) -> None:
    """Ends it after the frame that is worked on."""
    self._stop.set()

  def join(self, seconds: float) -> bool:
    """Waits for its end; returns whether it came."""
    self._thread.join(seconds)
    return not self._thread.is_alive()

  def _run(self) -> None:
    try:
      self._write()
    except _CancelledError:
      self._ended(None, None)
    except Exception as error:  # Told in the page; the viewer goes on.
      self._ended(None, error)
    else:
      self._ended(self._out, None)

  def _write(self) -> None:
    cameras, looks = self._plan.cameras, self._plan.looks
    style = self._dials.pop("style", None)
    frames = render_path.render_frames(
      self._model,
      cameras,
      style=style,
      looks=looks,
      label=f"rendering {self._out.name}",
      **self._dials,
    )
    with render_path.film_writer(self._out, fps=self._plan.fps) as writer:
      for done, frame in enumerate(frames, start=1):
        if self._stop.is_set():
          raise _CancelledError
        writer.append(frame.rgb)
        self._tell(done, len(cameras))
