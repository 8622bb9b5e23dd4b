"""What a capture came to, in lines for people, and what to do about it."""

from collections.abc import Sequence

# Mean reprojection errors above these pixels speak of a moving scene or lens.
_LARGE_ERROR = 1.5
_MOST_NAMES = 8
# With fewer images registered than this share, the capture itself is at fault.
_FEW = 0.7


def name_some(names: Sequence[str]) -> str:
  """Lists the first names, and how many more there are."""
  shown = ", ".join(names[:_MOST_NAMES])
  more = len(names) - _MOST_NAMES
  return f"{shown} and {more} more" if more > 0 else shown


def describe(report: dict, *, video: bool) -> list[str]:
  """Returns what to tell about a finished capture.

  Args:
    report: "messages" (lines, told as they are), "images", "registered",
      "missing" (names), "featureless" (names), "other_models" (lists of names),
      "points", "reprojection_error_px", "layout", "space".
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
  lines += report.get("messages", ())
  if report["missing"]:
    lines.append(f"left out: {name_some(report['missing'])}")
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
      f"; {len(featureless)} show nothing to hold on to "
      f"({name_some(featureless)})"
    )
  return (
    f"{source}: none of the {images} {kind} could be placed{blank}; expected "
    "pictures of one still scene, each sharing most of its view with the next "
    "and taken a step aside, not by turning on the spot: take more of them, "
    "slower, in better light"
  )


def _what_to_do(report: dict, video: bool) -> list[str]:
  lines = []
  if report["featureless"]:
    lines.append(
      f"{name_some(report['featureless'])} show nothing to hold on to "
      "(blurred, dark or plain): take them again or leave them away"
    )
  for names in report["other_models"]:
    lines.append(
      f"{name_some(names)} fit together but not to the rest: take pictures "
      "that show some of both"
    )
  if report["registered"] < _FEW * report["images"]:
    lines.append(
      "more frames (--frames) bring neighbours closer together"
      if video
      else "take more photographs between those that were left out and the "
      "rest, each sharing most of its view with the next"
    )
  return lines
