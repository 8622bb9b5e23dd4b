"""Which of several fields counts, and what is said where they disagree."""

import math

import numpy as np
import pytest

from stylized_nerf_jax.scenes import intrinsic_fields, pose_geometry

_SIZE = (32, 24)
_ANGLE = 2 * math.atan(16 / 50)  # of a focal length of 50


def _read(file, frame=None, model=None, size=_SIZE):
  return intrinsic_fields.read_camera(
    *(file, frame or {}, model, np.eye(4), size),
    pixels=size,
    name="a.png",
    where="here",
  )


@pytest.mark.parametrize(
  ("file", "frame", "focal"),
  [
    ({"fl_x": 20}, {}, (20, 20)),
    ({"fl_x": 20, "fl_y": 30}, {}, (20, 30)),
    ({"fl_y": 30}, {}, (30, 30)),
    ({"camera_angle_x": _ANGLE}, {}, (50, 50)),
    ({"x_fov": math.degrees(_ANGLE)}, {}, (50, 50)),
    ({"x_fov": math.degrees(_ANGLE), "y_fov": 90}, {}, (50, 12)),
    # Of one level: degrees, then pixels, then radians.
    ({"x_fov": 90, "fl_x": 20, "camera_angle_x": _ANGLE}, {}, (16, 16)),
    ({"fl_x": 20, "camera_angle_x": _ANGLE}, {}, (20, 20)),
    ({"fl_x": 20, "fl_y": 30, "camera_angle_y": 1}, {}, (20, 30)),
    # A frame goes before its file, with all it has.
    ({"fl_x": 20, "fl_y": 30}, {"fl_x": 40}, (40, 40)),
    ({"fl_x": 20}, {"camera_angle_x": _ANGLE}, (50, 50)),
    ({"x_fov": 90}, {"fl_x": 40, "fl_y": 41}, (40, 41)),
    # What nerfstudio takes from two places.
    ({"fl_y": 30}, {"fl_x": 40}, (40, 30)),
  ],
)
def test_which_focal_length_counts(file, frame, focal):
  camera, _ = _read(file, frame)
  assert (camera.fl_x, camera.fl_y) == pytest.approx(focal)
  assert (camera.cx, camera.cy) == (16, 12)


@pytest.mark.parametrize(
  ("file", "frame", "words"),
  [
    (
      {"fl_x": 20, "camera_angle_x": _ANGLE},
      {},
      '"fl_x" goes before "camera_angle_x", which disagrees (20 and 50 pixels)',
    ),
    ({"x_fov": 90, "fl_x": 20}, {}, '"x_fov" goes before "fl_x"'),
    ({"fl_x": 50, "fl_y": 50, "camera_angle_y": 1}, {}, '"camera_angle_y"'),
    ({"fl_x": 20}, {"fl_x": 40}, "(40 and 20 pixels)"),
    ({"fl_x": 50.2, "camera_angle_x": _ANGLE}, {}, None),
    ({"fl_x": 50, "camera_angle_x": -3}, {}, None),
    ({"fl_x": 50}, {"fl_x": 50.1}, None),
  ],
)
def test_disagreement_is_said(file, frame, words):
  _, notes = _read(file, frame)
  assert len(notes) == (words is not None)
  assert words is None or words in notes[0]


def test_fields_are_scaled_to_the_pixels_of_the_image():
  camera, _ = intrinsic_fields.read_camera(
    *({"fl_x": 40, "y_fov": 90, "cx": 30.5}, {}, None, np.eye(4), (64.5, 48)),
    **{"pixels": (32, 25), "name": "", "where": ""},
  )
  along = 32 / 64.5
  assert (camera.width, camera.height) == (32, 25)
  found = (camera.fl_x, camera.fl_y, camera.cx, camera.cy)
  assert found == pytest.approx((40 * along, 12.5, 30.5 * along, 12.5))


def test_terms_of_file_and_frame_are_joined():
  file = {"fl_x": 20, "cx": 3, "k1": 0.1, "k2": 0.2}
  camera, notes = _read(file, {"cy": 4, "k2": 0.3, "p1": 0.01})
  assert (camera.cx, camera.cy) == (3, 4)
  assert camera.distortion == (0.1, 0.3, 0.01, 0) and not notes


def test_an_r8_that_matters_is_told_by_another_lens_or_refused():
  file = {"fl_x": 2000, "k1": -0.2, "k3": 0.05, "k4": -0.04, "p2": 0.001}
  camera, (note,) = _read(file, size=(3000, 2000))
  assert camera.model == "full_opencv" and '"k4" of OPENCV' in note
  assert camera.distortion[3] == 0.001 and camera.distortion[7] != 0
  camera, (note,) = _read({**file, "k4": 1e-9}, size=(3000, 2000))
  assert camera.distortion == (-0.2, 0, 0, 0.001, 0.05, 0, 0, 0)
  assert "left out" in note
  wavy = {"fl_x": 4000, "k1": 0.1, "k2": -0.2, "k3": 0.3, "k4": -0.2}
  with pytest.raises(ValueError, match='here: distortion "k4" is -0.2.*pixels'):
    _read(wavy, size=(6000, 4000))


def test_sizes_of_file_and_frame():
  stated = intrinsic_fields.stated_size
  assert stated({"w": 8}, {}, "") == (8, None)
  assert stated({"w": 8, "h": 5}, {"h": 6.0}, "") == (8, 6)
  assert stated({}, {}, "") == (None, None)
  with pytest.raises(ValueError, match="here: w is 0 and h not given"):
    stated({"w": 0}, {}, "here")


def _turned(scale):
  axes = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
  axes *= np.sign(np.linalg.det(axes))
  pose = np.eye(4)
  pose[:3, :3], pose[:3, 3] = axes * scale, [1, 2, 3]
  return pose, axes


@pytest.mark.parametrize("scale", [2.0, 0.01, [1, 2, 3]])
@pytest.mark.parametrize("rows", [3, 4])
def test_scaled_axes_are_of_length_1(scale, rows):
  pose, axes = _turned(scale)
  found, changed = pose_geometry.without_scale(pose[:rows].tolist())
  assert changed
  np.testing.assert_allclose(found[:3, :3], axes, atol=1e-12)
  np.testing.assert_array_equal(found[:3, 3], [1, 2, 3])


def test_other_matrices_stay():
  pose, _ = _turned(1.0)
  assert pose_geometry.without_scale(pose) == (pytest.approx(pose), False)
  sheared = np.eye(4)
  sheared[0, 1] = 0.5
  mirrored = np.diag([2.0, 2, -2, 1])
  tiny = np.diag([1e-9, 1e-9, 1e-9, 1])
  for matrix in (sheared, mirrored, tiny, np.full((4, 4), np.nan), [[1], []]):
    found, changed = pose_geometry.without_scale(matrix)
    assert found is matrix and not changed
