"""Every lens that COLMAP 4.2 writes, against its own rays of pixels."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.rendering import lenses
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import lens_fits
from stylized_nerf_jax.scenes.readers import (
  colmap_binary,
  colmap_model,
  colmap_text,
)

pytest.importorskip("PIL.Image")  # After pycolmap, its PNG writer breaks.
pycolmap = pytest.importorskip("pycolmap")

_WIDTH, _HEIGHT = 640, 480
_ONE, _TWO = (600, 322, 236), (600, 610, 322, 236)
# Name, parameters, and what stands for it.
_READ = [
  ("SIMPLE_PINHOLE", _ONE, "pinhole"),
  ("PINHOLE", _TWO, "pinhole"),
  ("SIMPLE_RADIAL", (*_ONE, 0.1), "opencv"),
  ("RADIAL", (*_ONE, 0.1, 0.02), "opencv"),
  ("OPENCV", (*_TWO, 0.1, 0.02, 0.001, 0.002), "opencv"),
  ("OPENCV_FISHEYE", (*_TWO, 0.1, 0.02, 0.01, 0.001), "fisheye"),
  (
    "FULL_OPENCV",
    (*_TWO, 0.1, 0.02, 0.001, 0.002, 0.01, 0.02, 0.01, 0.005),
    "full_opencv",
  ),
  ("FOV", (*_TWO, 0.9), "full_opencv"),
  ("FOV", (300, 300, 320, 240, 1.0), "fisheye"),
  ("FOV", (*_TWO, 0.0), "pinhole"),
  ("SIMPLE_RADIAL_FISHEYE", (*_ONE, 0.1), "fisheye"),
  ("RADIAL_FISHEYE", (*_ONE, 0.1, 0.02), "fisheye"),
  (
    "THIN_PRISM_FISHEYE",
    (*_TWO, 0.1, 0.02, 0, 0, 0.01, 0.003, 0, 0),
    "fisheye",
  ),
  (
    "THIN_PRISM_FISHEYE",
    (*_TWO, 0.1, 0.02, 1e-7, 2e-7, 0.01, 0.003, 1e-7, -1e-7),
    "fisheye",
  ),
  (
    "RAD_TAN_THIN_PRISM_FISHEYE",
    (*_TWO, 0.1, 0.02, 0.01, 0.003, 0, 0, *[0] * 6),
    "fisheye",
  ),
  (
    "RAD_TAN_THIN_PRISM_FISHEYE",
    (300, 300, 320, 240, 0.1, 0.02, 0.01, 3e-3, 2e-3, 1e-3, *[0] * 6),
    "full_opencv",
  ),
  ("SIMPLE_DIVISION", (*_ONE, -0.2), "full_opencv"),
  ("DIVISION", (*_TWO, 0.2), "full_opencv"),
  ("DIVISION", (*_TWO, 0.0), "pinhole"),
  ("SIMPLE_FISHEYE", (280, 320, 240), "fisheye"),
  ("FISHEYE", (280, 285, 320, 240), "fisheye"),
  ("EUCM", (*_TWO, 0.6, 1.1), "full_opencv"),
  ("EUCM", (300, 305, 320, 240, 0.6, 1.1), "fisheye"),
  ("EUCM", (*_TWO, 0.0, 1.0), "pinhole"),
]


def _written(folder, name, parameters, *, text=False):
  """Writes a model of one camera with pycolmap; returns the file of it."""
  camera = pycolmap.Camera(
    model=name,
    width=_WIDTH,
    height=_HEIGHT,
    params=np.array(parameters, float),
    camera_id=1,
  )
  model = pycolmap.Reconstruction()
  model.add_camera_with_trivial_rig(camera)
  (model.write_text if text else model.write_binary)(folder)
  return camera, folder / f"cameras.{'txt' if text else 'bin'}"


@jax.jit
def _look(xy, terms):
  return lenses.directions(xy, terms)


@pytest.mark.usefixtures("fusion_emitters")
@pytest.mark.parametrize(("name", "parameters", "model"), _READ)
def test_pixels_look_where_colmap_says(tmp_path, name, parameters, model):
  theirs, file = _written(tmp_path, name, parameters)
  lens = colmap_binary.read_lenses(file)[1]
  fit = lens.counterpart
  assert fit.model == model and fit.error <= lens_fits.LARGEST_ERROR
  fl_x, fl_y, cx, cy = lens.intrinsics
  camera = camera_lib.Camera(
    np.eye(4),
    fl_x * fit.scale,
    fl_y * fit.scale,
    cx,
    cy,
    _WIDTH,
    _HEIGHT,
    distortion=fit.terms,
    model=fit.model,
  )
  # Along the border and the diagonals, corners included.
  along = np.linspace(0, 1, 33)
  edge, ends = np.meshgrid(along, [0.0, 1.0])
  shares = np.concatenate(
    [
      np.stack([edge, ends], -1).reshape(-1, 2),
      np.stack([ends, edge], -1).reshape(-1, 2),
      np.stack([along, along], -1),
      np.stack([along, 1 - along], -1),
    ]
  )
  pixels = shares * [_WIDTH, _HEIGHT]
  terms = np.zeros(9)
  found = lenses.lens_terms(camera_lib.Cameras.from_list([camera]))[0]
  terms[: len(found)] = found
  xy = (pixels - [cx, cy]) / [camera.fl_x, camera.fl_y]
  ours = np.asarray(_look(xy.astype(np.float32), terms.astype(np.float32)))
  ours = ours * [1, -1, -1] / np.linalg.norm(ours, axis=-1, keepdims=True)
  rays = np.asarray(theirs.cam_ray_from_img(pixels))
  rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
  np.testing.assert_allclose(ours, rays, atol=1e-5)
  # And as coordinates of a pinhole, which far to the side are all error.
  flat = np.asarray(theirs.cam_from_img(pixels))
  known = np.isfinite(flat).all(axis=-1) & (rays[:, 2] > 0.4)
  assert known.sum() > 30
  np.testing.assert_allclose(
    (ours[:, :2] / ours[:, 2:])[known], flat[known], atol=1e-4
  )


def test_every_lens_of_this_version_is_known(tmp_path):
  """A lens that COLMAP adds later makes this fail where it is installed."""
  theirs = {
    name: int(number.value if hasattr(number, "value") else number)
    for name, number in pycolmap.CameraModelId.__members__.items()
    if name != "INVALID"
  }
  ours = {name: i for i, (name, _) in colmap_model.LENSES.items()}
  assert ours == theirs
  for name, count in colmap_model.NUM_PARAMETERS.items():
    camera = pycolmap.Camera.create_from_model_name(1, name, 9.0, 20, 10)
    assert len(camera.params) == count
  assert {name for name, _, _ in _READ} == {*ours} - {"EQUIRECTANGULAR"}


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize(
  ("name", "parameters", "words"),
  [
    (
      "THIN_PRISM_FISHEYE",
      (*_TWO, 0.1, 0.02, 0.001, 0.002, 0.01, 0.003, 0, 0),
      "colmap image_undistorter",
    ),
    (
      "RAD_TAN_THIN_PRISM_FISHEYE",
      (*_TWO, *[0] * 8, 0.01, 0, 0, 0),
      "colmap image_undistorter",
    ),
    # Beyond a right angle, and a picture that reaches beyond its lens.
    ("FOV", (200, 200, 320, 240, 1.2), "colmap image_undistorter"),
    ("EUCM", (200, 200, 320, 240, 0.9, 1.1), "colmap image_undistorter"),
    ("EUCM", (200, 200, 320, 240, 1e200, 1.1), "numbers up to"),
    ("OPENCV_FISHEYE", (1, 1, 2, 3, 4, 5, 6, np.inf), "numbers up to"),
    ("EQUIRECTANGULAR", (_WIDTH, _HEIGHT), "cut the panoramas into pictures"),
  ],
)
def test_other_lenses_are_refused_by_name(
  tmp_path, text, name, parameters, words
):
  _, file = _written(tmp_path, name, parameters, text=text)
  reader = colmap_text if text else colmap_binary
  with pytest.raises(ValueError, match=words) as error:
    reader.read_lenses(file)
  assert name in str(error.value) and "\n" not in str(error.value)


def test_fits_that_are_not_exact_are_told():
  size = (_WIDTH, _HEIGHT)
  wide = colmap_model.Lens("FOV", *size, (300, 300, 320, 240, 1.0))
  plain = colmap_model.Lens("PINHOLE", *size, _TWO)
  (message,) = colmap_model.fitted([plain, wide, wide])
  assert message.startswith("the lens FOV is read as fisheye, ")
  error = float(message.split()[-5])
  assert 0 < error <= lens_fits.LARGEST_ERROR


@pytest.mark.parametrize("terms", [(0.3, 0.0), (-0.2, 0.05)])
def test_a_curve_that_is_in_reach_is_met(terms):
  """Angles of a known polynomial lens, found by bisection."""
  radius = lens_fits.radii(0.6)
  low, high = np.zeros_like(radius), np.full_like(radius, 1.0)
  for _ in range(60):
    middle = (low + high) / 2
    value = middle * (1 + terms[0] * middle**2 + terms[1] * middle**4)
    low = np.where(value < radius, middle, low)
    high = np.where(value < radius, high, middle)
  fit = lens_fits.fit_radial(radius, np.arctan(low), 1000.0)
  assert fit.model == "full_opencv" and fit.error < 1e-3
  assert fit.scale == pytest.approx(1, abs=1e-6)


def test_curves_that_no_lens_has_are_not_fitted():
  radius = lens_fits.radii(1.0)
  assert lens_fits.fit_radial(radius, np.sin(9 * radius), 100.0) is None
  assert lens_fits.fit_radial(radius, radius * np.nan, 100.0) is None
  stairs = radius + 0.1 * np.floor(4 * radius)
  assert lens_fits.fit_radial(radius, stairs, 1000.0) is None
