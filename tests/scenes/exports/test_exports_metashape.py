"""Metashape's XML: lenses by its manual, components, what is left out."""

import itertools
import re

import export_writers
import jax
import numpy as np
import pytest
import scene_writers
from PIL import Image

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes.readers.formats import load_scene

_unproject = jax.jit(rays_lib.unproject_depth)
# Of a drone's camera, as its owner had it adjusted, at a tenth of the size.
_REAL = {
  "f": 370.5, "cx": 1.17, "cy": -2.77, "b1": 0.053, "b2": -0.03,
  "k1": -0.0919367147, "k2": -0.0762807468, "k3": 0.1162639394,
  "k4": -0.0761413904, "p1": -0.0003134847, "p2": 0.0001164035,
}  # fmt: skip


def _manual(terms, size, point) -> tuple[float, float]:
  """Projects a point (X, Y, Z) as the manual's appendix on cameras says."""
  t = dict.fromkeys(("b1", "b2", "k1", "k2", "k3", "k4", "p1", "p2"), 0.0)
  t |= terms
  x, y = point[0] / point[2], point[1] / point[2]
  if t.get("fisheye"):
    r = np.hypot(x, y)
    x, y = x * np.arctan(r) / r, y * np.arctan(r) / r
  r = np.hypot(x, y)
  radial = 1 + t["k1"] * r**2 + t["k2"] * r**4 + t["k3"] * r**6 + t["k4"] * r**8
  xd = x * radial + t["p1"] * (r**2 + 2 * x**2) + 2 * t["p2"] * x * y
  yd = y * radial + t["p2"] * (r**2 + 2 * y**2) + 2 * t["p1"] * x * y
  u = size[0] / 2 + t["cx"] + xd * t["f"] + xd * t["b1"] + yd * t["b2"]
  v = size[1] / 2 + t["cy"] + yd * t["f"]
  return u, v


def _with_lens(root, terms, kind="frame"):
  """Puts other terms and another kind into a file."""
  path = root / "cameras.xml"
  calibration = "".join(f"<{k}>{v!r}</{k}>" for k, v in terms.items())
  text = re.sub(
    r"(<calibration[^>]*>).*(</calibration>)",
    rf"\g<1>{calibration}\g<2>",
    path.read_text(),
  )
  path.write_text(text.replace('type="frame"', f'type="{kind}"'))


def _worst(root, terms, size) -> float:
  """Returns by how many pixels rays of the scene miss the manual's."""
  camera = load_scene(root).cameras[0]
  rotation = export_writers.opencv_axes(camera)[:3, :3]
  slopes = np.linspace(-0.98, 0.98, 7)
  worst = 0.0
  for a, b in itertools.product(slopes, slopes):
    point = (0.5 * a * size[0] / terms["f"], 0.5 * b * size[1] / terms["f"], 1)
    if a == b == 0:
      point = (1e-9, 0, 1)
    xy = np.array([[_manual(terms, size, point)]], np.float32)
    arrays = rays_lib.camera_arrays(camera, None)
    arrays = arrays.replace(
      camera_to_model=arrays.camera_to_model.at[:, 3].set(0.0)
    )
    seen = np.asarray(_unproject(arrays, xy, np.ones((1, 1), np.float32)))[0, 0]
    x, y, z = rotation.T @ seen
    off = np.hypot(x / z - point[0], y / z - point[1])
    worst = max(worst, off * terms["f"])
  return worst


@pytest.fixture
def root(tmp_path):
  """Three pictures of 528 x 395."""
  given = scene_writers.make(3, size=(528, 395), focal=370.5)
  return export_writers.metashape(given, tmp_path / "site")


@pytest.mark.parametrize(
  ("left_out", "kind", "most"),
  [
    (("k3", "k4", "b2"), "frame", 0.005),
    (("k4", "b2"), "frame", 0.005),
    (("b2",), "frame", 0.06),  # k4 is fitted to within 0.05
    ((), "frame", 0.09),  # and b2 left out, which moves 0.03.
    (("b2", "p1", "p2"), "fisheye", 0.005),
    (("b2", "p1", "p2"), "equidistant_fisheye", 0.005),
  ],
)
def test_lenses_are_those_of_the_manual(root, left_out, kind, most):
  terms = {k: v for k, v in _REAL.items() if k not in left_out}
  _with_lens(root, terms, kind)
  fisheye = "fisheye" in kind
  assert _worst(root, {**terms, "fisheye": fisheye}, (528, 395)) < most
  told = " ".join(load_scene(root).messages)
  assert ("sensor 0: b2 of the lens is left out" in told) == (not left_out)


@pytest.mark.parametrize(
  ("terms", "kind", "words"),
  [
    (
      {"k2": -6.0, "k3": 14.0, "k4": -8.0},
      "frame",
      "k4 of the lens is -8, and no lens here comes within 0.05 pixels",
    ),
    ({"b2": 4.0}, "frame", "b2 of the lens moves pixels by up to 3.6"),
    ({"p1": 0.01}, "fisheye", "p1, p2 of the lens moves pixels by up to"),
    ({"p3": 0.1}, "frame", "the lens has p3 0.1 and p4 0; expected 0"),
    ({"f": 0.0}, "frame", "the focal length f is 0"),
    ({}, "spherical", "the sensor is 'spherical'; expected one of frame"),
  ],
)
def test_lenses_that_nothing_here_has(root, terms, kind, words):
  _with_lens(root, {"f": 370.5, **terms}, kind)
  with pytest.raises(ValueError) as error:
    load_scene(root)
  assert f"cameras.xml, sensor 0: {words}" in str(error.value)
  assert "\n" not in str(error.value)


def test_what_else_lies_there_is_named(root):
  before = load_scene(root).messages
  (root / "report.pdf").touch()
  said = set(load_scene(root).messages) - set(before)
  assert said == {"site: not read: report.pdf"}
  assert "report" not in " ".join(load_scene(root / "cameras.xml").messages)


def _document(root, cameras, components=""):
  """Writes cameras (attributes, transform or None) in place of a file's."""
  path = root / "cameras.xml"
  entries = "".join(
    f"<camera sensor_id='0' {attributes}>"
    + (
      f"<transform>{' '.join(str(float(v)) for v in np.ravel(pose))}"
      "</transform>"
      if pose is not None
      else ""
    )
    + "</camera>"
    for attributes, pose in cameras
  )
  head, _, rest = path.read_text().partition("<cameras>")
  head = head.partition("<components>")[0]
  path.write_text(
    f"{head}<components>{components}</components><cameras>{entries}"
    + rest[rest.index("</cameras>") :]
  )


def _component(number, scale, turn, shift):
  words = (" ".join(map(str, np.ravel(v))) for v in (turn, shift))
  rotation, translation = words
  return (
    f"<component id='{number}'><transform><rotation>{rotation}</rotation>"
    f"<translation>{translation}</translation><scale>{scale}</scale>"
    "</transform></component>"
  )


def test_components_are_carried_into_the_largest(root):
  """The world's distances are the same, but for the largest one's scale."""
  random = np.random.default_rng(5)
  turns = [np.linalg.qr(random.normal(size=(3, 3)))[0] for _ in range(2)]
  turns = [turn * np.sign(np.linalg.det(turn)) for turn in turns]
  scales, shifts = (12.5, 3.0), random.normal(size=(2, 3)) * 1e6
  shifts[1] = shifts[0] + [10, 20, 30]
  cameras = load_scene(root).cameras
  poses = [export_writers.opencv_axes(camera) for camera in cameras]
  entries = [
    (f"label='IMG_{i}' component_id='{int(i == 2)}'", poses[i])
    for i in range(3)
  ]
  placed = [
    _component(i, scales[i], turns[i], shifts[i].tolist()) for i in range(2)
  ]
  _document(root, entries, "".join(placed))
  scene = load_scene(root)
  np.testing.assert_allclose(
    scene.cameras.camera_to_world[:2], cameras.camera_to_world[:2], atol=1e-12
  )
  world = []
  for i, pose in enumerate(poses):
    k = int(i == 2)
    world.append(scales[k] * turns[k] @ pose[:3, 3] + shifts[k])
  for i, j in itertools.combinations(range(3), 2):
    found = np.linalg.norm(scene.cameras.centers[i] - scene.cameras.centers[j])
    expected = np.linalg.norm(world[i] - world[j]) / scales[0]
    assert found == pytest.approx(expected, rel=1e-6)
  relative = (turns[0] @ poses[0][:3, :3]).T @ (turns[1] @ poses[2][:3, :3])
  axes = [export_writers.opencv_axes(c)[:3, :3] for c in scene.cameras]
  np.testing.assert_allclose(axes[0].T @ axes[2], relative, atol=1e-9)
  # Without places, the smaller one is left out.
  _document(root, entries)
  scene = load_scene(root)
  assert scene.cameras.names == ("images/IMG_0.png", "images/IMG_1.png")
  assert "it is in another component" in " ".join(scene.messages)


def test_labels_name_photographs_and_the_rest_is_said(root):
  pose = np.eye(4)
  for name in ("IMG_7.png", "DJI.0001.png"):
    Image.new("RGB", (528, 395)).save(root / "images" / name)
  _document(
    root,
    [
      ("label='C:\\photos\\" + "long" * 30 + "\\IMG_0.JPG'", pose),
      ("label='DJI.0001' enabled='true'", pose),
      ("label='IMG_1' enabled='false'", pose),
      ("label='IMG_2' enabled='0'", pose),
      ("label='IMG_7'", None),
      ("label='IMG_9'", pose),
    ],
  )
  scene = load_scene(root / "cameras.xml", holdout=0)
  assert scene.name == "site" and scene.format == "metashape"
  assert scene.cameras.names == ("images/DJI.0001.png", "images/IMG_0.png")
  told = "; ".join(scene.messages)
  for words in (
    "2 cameras are not used, for each is disabled: IMG_1, IMG_2",
    "it was not aligned: IMG_7",
    "it has no photograph: IMG_9",
    "3 photographs are not used, for each has no camera",
  ):
    assert words in told


@pytest.mark.parametrize(
  ("old", "new", "words"),
  [
    ("<document", "<!DOCTYPE x []><document", "the file has a DOCTYPE"),
    ("</cameras>", "", "not valid XML"),
    ("chunk", "block", "no chunk"),
    ('label="IMG_1"', 'label="IMG_0"', "both have the photograph IMG_0.png"),
    ("IMG_", "DSC_", "none of 3 cameras has a place and a photograph"),
    ("<transform>", "<transform>1 ", "camera IMG_0: 17 numbers; expected 16"),
    ("calibration", "calib", "sensor 0: no calibration"),
    ("resolution", "size", "sensor 0: no resolution"),
    ('width="528"', 'width="395"', "camera IMG_0: the camera is for 395x395"),
    ("<f>370.5", "<f>long", "sensor 0: f: 'long'; expected a finite number"),
  ],
)
def test_wrong_files_are_named(root, old, new, words):
  path = root / "cameras.xml"
  path.write_text(path.read_text().replace(old, new))
  with pytest.raises(ValueError) as error:
    load_scene(root)
  assert "cameras.xml" in str(error.value) and words in str(error.value)
  assert "\n" not in str(error.value)


def test_a_label_that_may_be_two_photographs(root):
  Image.new("RGB", (528, 395)).save(root / "images" / "IMG_1.jpg")
  with pytest.raises(ValueError, match="camera IMG_1 may be IMG_1.* or IMG_1"):
    load_scene(root)
