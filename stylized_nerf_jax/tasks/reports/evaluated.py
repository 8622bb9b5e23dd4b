"""What an evaluation has left in a run: scores, frames, geometry."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.evaluation import (
  disagreement,
  frames,
  geometry,
  report,
  shortfalls,
)
from stylized_nerf_jax.runs import result_stamp, run_folder

FOLDER = "evaluation"
_AGAIN = "the evaluation is {}, and not shown"


@dataclasses.dataclass(frozen=True)
class Evaluated:
  """An evaluation of the run as it is.

  Attributes:
    scores: the report; None: there is none.
    measured: cameras, depths and unstylized frames; None: they are not there.
    stylized: frames by style.
    by_frame: frames that AdaIN stylized by themselves, by style.
    problem: why something of it is left out; "" where nothing is.
  """

  scores: Mapping[str, Any] | None = None
  measured: geometry.Geometry | None = None
  stylized: Mapping[str, Sequence[np.ndarray]] = dataclasses.field(
    default_factory=dict
  )
  by_frame: Mapping[str, Sequence[np.ndarray]] = dataclasses.field(
    default_factory=dict
  )
  problem: str = ""

  @property
  def verdicts(self) -> dict[str, shortfalls.Verdict]:
    """Verdicts by style; none where there are no scores."""
    if self.scores is None:
      return {}
    return shortfalls.verdicts(
      self.scores,
      method=report.STYLIZED,
      unstylized=report.FLOOR,
      adain=report.REFERENCE,
    )

  @property
  def gaps(self) -> tuple[int, ...]:
    """Distances of frames that are compared, those that the path has."""
    if self.scores is None or self.measured is None:
      return ()
    length = len(self.measured.cameras)
    return tuple(g for g in self.scores["protocol"]["gaps"] if g < length)

  @property
  def target(self) -> int:
    """The frame that stands for all, from which all gaps lead to another."""
    assert self.measured is not None
    return (len(self.measured.cameras) - max(self.gaps, default=0)) // 2

  def errors(self, sequence, gap: int) -> np.ndarray:
    """Returns the warped error of each pixel, as `pixel_errors` there."""
    assert self.measured is not None
    target = min(self.target, len(self.measured.cameras) - gap - 1)
    return disagreement.pixel_errors(
      sequence, self.measured, target=target, gap=gap
    )


def read(run: run_folder.RunFolder, styles: Sequence[str]) -> Evaluated:
  """Reads what is there and of the run as it is.

  Args:
    run: that was evaluated, or was not.
    styles: those that it has now.
  """
  folder = run.path / FOLDER
  state = result_stamp.state(folder, run)
  if state == result_stamp.EARLIER:
    return Evaluated(problem=_AGAIN.format("of an earlier result"))
  if state == result_stamp.HALF:
    return Evaluated(problem=_AGAIN.format("half done"))
  if not (folder / "report.json").is_file():
    return Evaluated()
  try:
    scores = report.read_report(folder / "report.json")
    judged = {row["style"] for row in scores["sequences"]}
    _ = scores["protocol"]["gaps"]
  except (user_error.UserError, LookupError, TypeError) as error:
    return Evaluated(problem=f"the evaluation is damaged ({_line(error)})")
  if not set(styles) <= judged:
    return Evaluated(problem=_AGAIN.format("of other styles"))
  try:
    measured = geometry.read_geometry(folder / "content")
    return Evaluated(
      scores,
      measured,
      _frames(folder, report.STYLIZED, styles, measured),
      _frames(folder, report.REFERENCE, styles, measured),
    )
  except user_error.UserError as error:
    return Evaluated(
      scores, problem=f"the evaluation's frames are not shown ({_line(error)})"
    )


def _frames(
  folder: pathlib.Path,
  method: str,
  styles: Sequence[str],
  measured: geometry.Geometry,
) -> dict[str, Sequence[np.ndarray]]:
  """Finds the frames of a method, of those styles that all are there of."""
  found = {}
  for style in styles:
    place = folder / report.folder_of(method) / style
    if not place.is_dir():
      continue
    sequence = frames.read_frames(place)
    camera = measured.cameras[0]
    if len(sequence) == len(measured.cameras) and sequence.sizes[0] == (
      camera.width,
      camera.height,
    ):
      found[style] = sequence
  return found


def _line(error: Exception) -> str:
  return " ".join(str(error).split())
