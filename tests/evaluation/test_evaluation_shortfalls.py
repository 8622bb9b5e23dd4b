"""Styles that fail are named, with what is wrong and what to try."""

import pytest

from stylized_nerf_jax.evaluation import shortfalls


def _row(style_distance=4.0, detail=0.004, realism=0.5, **names):
  return {
    "style_distance": style_distance,
    "high_frequency_energy": detail,
    "realism": realism,
    **names,
  }


def _judge(row, **changes):
  bases = {"adain": _row(), "unstylized": _row(8.0, 0.003, 0.56)} | changes
  return shortfalls.of_style("wave", row, **bases)


def test_a_good_style_is_not_spoken_of():
  assert _judge(_row()) is None
  # At the limits themselves nothing fails.
  assert _judge(_row(5.0, 0.008, 0.543)) is None
  assert _judge(_row(5.0, 0.002, 0.543)) is None


@pytest.mark.parametrize(
  ("row", "said"),
  [
    (
      _row(5.2, realism=0.54),
      "wave: not in style: style distance 1.30 of per-frame AdaIN's",
    ),
    (_row(realism=0.555), "realism 0.555, the unstylized view's is 0.560"),
    (
      _row(detail=0.001),
      "wave: blurred: 0.33 of the detail of per-frame AdaIN",
    ),
    (_row(detail=0.01), "wave: grainy: detail 2.50 of per-frame AdaIN's"),
  ],
)
def test_what_fails_is_said_in_one_line(row, said):
  line = _judge(row)
  assert said in line and "; try " in line and "\n" not in line


def test_strokes_half_way_to_those_of_adain_need_no_statistics():
  assert _judge(_row(9.0, realism=0.49)) is None
  assert _judge(_row(9.0, realism=0.53)) is None
  assert "style distance 2.25" in _judge(_row(9.0, realism=0.54))
  # Where AdaIN brings nothing, what is nearer than the unstylized view will do.
  no_nearer = {"adain": _row(realism=0.57)}
  assert _judge(_row(9.0, realism=0.54), **no_nearer) is None
  assert "style distance 2.25" in _judge(_row(9.0, realism=None))


def test_the_least_detailed_of_three_says_what_is_blurred():
  assert "blurred" in _judge(_row(detail=0.0014))
  assert _judge(_row(detail=0.0016)) is None
  # A flat painting, and AdaIN that has less than the view.
  assert _judge(_row(detail=0.0014, painting_energy=0.002)) is None
  assert _judge(_row(detail=0.0011), adain=_row(detail=0.002)) is None


def test_what_is_as_detailed_as_its_painting_is_not_grainy():
  detailed = _row(detail=0.01)
  assert "grainy" in _judge(detailed | {"painting_energy": 0.004})
  assert _judge(detailed | {"painting_energy": 0.006}) is None


def test_grain_wants_smoothing_and_too_little_style_more_steps():
  assert "smooth_weight" in _judge(_row(detail=0.01))
  assert "smooth_weight" not in _judge(_row(5.2, 0.01, 0.54))
  both = _judge(_row(5.2, realism=0.6))
  assert both.count("not in style") == 1 and "realism 0.600" in both


def test_what_was_not_measured_fails_nothing():
  nothing = {"adain": None, "unstylized": None}
  assert _judge(_row(99.0, 9.0, 0.9), **nothing) is None
  unknown = _row(None, None, None)
  assert _judge(_row(99.0, 9.0, 0.9), adain=unknown, unstylized={}) is None
  assert _judge(unknown) is None


def test_a_report_is_judged_style_by_style():
  rows = [
    _row(None, 0.003, None, name="floor", style=None),
    *(_row(9.0, 0.003, 0.56, name="floor", style=s) for s in ("wave", "rain")),
    *(_row(name="adain", style=s) for s in ("wave", "rain")),
    _row(name="nerf", style="wave"),
    _row(realism=0.56, name="nerf", style="rain"),
  ]
  names = {"method": "nerf", "unstylized": "floor", "adain": "adain"}
  (line,) = shortfalls.of_report({"sequences": rows}, **names)
  assert line.startswith("rain: not in style: realism 0.560")


def _frames(errors, edges=0.7, **names):
  pairs = [{"gap": gap, "rmse": e} for gap, e in errors.items()]
  return _row(consistency=pairs, content_edges=edges, **names)


def _verdict(row, adain):
  return shortfalls.judge(row, adain=adain, unstylized=_row(8.0, 0.003, 0.56))


def test_frames_that_agree_far_better_than_single_pictures_are_steady():
  adain = _frames({1: 0.2, 7: 0.3})
  steady = _verdict(_frames({1: 0.05, 7: 0.15}), adain)
  assert steady.steady and not steady.reasons and steady.advice == ""
  shaky = _verdict(_frames({1: 0.05, 7: 0.16}), adain)
  assert shaky.steady is False and shaky.in_style and shaky.readable
  (reason,) = shaky.reasons
  assert reason.startswith("not steady: RMSE 7 0.53 of per-frame AdaIN's")
  assert "radiance_field.steps" in shaky.advice


def test_lost_edges_are_hard_to_read():
  adain = _frames({}, edges=0.5)
  assert _verdict(_frames({}, edges=0.46), adain).readable
  lost = _verdict(_frames({}, edges=0.4), adain)
  assert lost.readable is False
  assert "hard to read: content edges 0.80" in lost.reasons[0]
  assert "content_weight" in lost.advice


def test_what_was_not_measured_is_unknown():
  verdict = shortfalls.judge({}, adain=None, unstylized=None)
  assert (verdict.steady, verdict.in_style, verdict.readable) == (None,) * 3
  assert verdict.reasons == ()
  dropped = _frames({7: None})
  assert _verdict(dropped, _frames({7: 0.3})).steady is None


def test_verdicts_are_of_the_lines_that_are_said():
  rows = [
    {"name": "mine", "style": "a", **_row()},
    {"name": "mine", "style": "b", **_row(detail=0.001)},
    {"name": "floor", "style": None, **_row()},
    *({"name": "AdaIN", "style": s, **_row()} for s in "ab"),
  ]
  names = {"method": "mine", "unstylized": "floor", "adain": "AdaIN"}
  found = shortfalls.verdicts({"sequences": rows}, **names)
  assert list(found) == ["a", "b"]
  assert found["a"].readable and not found["b"].readable
  (line,) = shortfalls.of_report({"sequences": rows}, **names)
  assert line == shortfalls.in_words("b", found["b"])
