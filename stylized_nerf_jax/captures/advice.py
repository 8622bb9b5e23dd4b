"""What a capture came to, in lines for people, and what to do about it."""

from collections.abc import Sequence

from stylized_nerf_jax.captures import ladder
from stylized_nerf_jax.scenes import leftovers

# Mean reprojection errors above these pixels speak of a moving scene or lens.
_LARGE_ERROR = 1.5
_MOST_NAMES = 8


def describe(report: dict, *, video: bool) -> list[str]:
  """Returns what to tell about a finished capture.

  Args:
    report: "messages" (lines, told as they are), "images", "registered",
      "missing" (names), "featureless" (names), "other_models" (lists of names),
      "points", "reprojection_error_px", "layout", "space"; "way", "ways" (of
      "way" and "placed") and "plausible" where the capture is of a version that
      knows several ways.
    video: whether the images are frames of a video.
  """
  kind = "frames" if video else "photographs"
  lines = [
    f"{report['registered']} of {report['images']} {kind} have a camera, over "
    f"{report['points']} points; mean reprojection error "
    f"{report['reprojection_error_px']:.2f} pixels",
    f"{report['layout'].replace('_', '-')} capture: it trains in the space "
    f'"{report["space"]}"',
  ]
  if report["layout"] == "forward_facing" and report["space"] != "ndc":
    lines[-1] += (
      ", because a camera stands nearer to the scene than NDC's near plane"
    )
  lines += _which_way(report)
  lines += report.get("messages", ())
  if report["missing"]:
    lines.append(f"left out: {_some(report['missing'])}")
    lines += _what_to_do(report, video)
  if report["reprojection_error_px"] > _LARGE_ERROR:
    lines.append(
      "the reprojection error is large: was something moving, or the zoom or "
      "focus changed? Take out such images, or try another --lens"
    )
  return lines


def nothing_found(
  source: str, images: int, featureless: Sequence[str], *, video: bool
) -> str:
  """Says why no image has a camera, in one line."""
  kind = "frames" if video else "photographs"
  blank = ""
  if featureless:
    blank = (
      f"; {len(featureless)} show nothing to hold on to ({_some(featureless)})"
    )
  return (
    f"{source}: none of the {images} {kind} could be placed{blank}; expected "
    "pictures of one still scene, each sharing most of its view with the next "
    "and taken a step aside, not by turning on the spot: take more of them, "
    "slower, in better light"
  )


def _some(names: Sequence[str]) -> str:
  return leftovers.some(names, most=_MOST_NAMES)


def _which_way(report: dict) -> list[str]:
  """Says which way of finding cameras won, where it was not the first."""
  lines, ways = [], report.get("ways", [])
  if len(ways) > 1:
    others = ", ".join(
      f"{ladder.in_words(tried['way'])} placed {tried['placed']}"
      for tried in ways
      if tried["way"] != report["way"]
    )
    lines.append(f"found by {ladder.in_words(report['way'])} ({others})")
  if not report.get("plausible", True):
    lines.append(
      "the focal lengths along x and y differ by more than a quarter, as those "
      "of no camera do: turn the camera a little between photographs, or try "
      "--lens simple-radial"
    )
  return lines


def _what_to_do(report: dict, video: bool) -> list[str]:
  lines = []
  if report["featureless"]:
    lines.append(
      f"{_some(report['featureless'])} show nothing to hold on to "
      "(blurred, dark or plain): take them again or leave them away"
    )
  for names in report["other_models"]:
    lines.append(
      f"{_some(names)} fit together but not to the rest: take pictures "
      "that show some of both"
    )
  if not ladder.enough(report["registered"], report["images"]):
    lines.append(
      "more frames (--frames) bring neighbours closer together"
      if video
      else "take more photographs between those that were left out and the "
      "rest, each sharing most of its view with the next"
    )
  return lines
