"""Checkpoints of JaxNeRF: what they render, and what is wrong with others."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import serialization
from jaxnerf_oracle import make_networks, render, write

from stylized_nerf_jax.fields import jaxnerf
from stylized_nerf_jax.networks import jaxnerf_checkpoint
from stylized_nerf_jax.rendering import ray_records, render_rays, sampling

SAMPLES = {"coarse": 6, "fine": 5}


def make_rays(count=3, seed=1):
  rng = np.random.default_rng(seed)
  origins = rng.uniform(-1, 1, (count, 3)).astype(np.float32)
  # Of lengths other than 1, and not where the view directions point.
  directions = rng.uniform(0.3, 1.5, (count, 3)).astype(np.float32)
  viewdirs = rng.normal(size=(count, 3)).astype(np.float32)
  viewdirs /= np.linalg.norm(viewdirs, axis=-1, keepdims=True)
  return origins, directions, viewdirs


def load(path, **options):
  return jaxnerf_checkpoint.load_jaxnerf(
    path,
    num_coarse=SAMPLES["coarse"],
    num_fine=SAMPLES["fine"],
    **options,
  )


@functools.partial(jax.jit, static_argnums=0)
def rendered(field, params, origins, directions, viewdirs, near=None, far=None):
  rays = ray_records.Rays.of(
    origins=origins,
    directions=directions,
    viewdirs=viewdirs,
    near=near,
    far=far,
  )
  return render_rays.render_rays(field, params, rays)


@pytest.mark.parametrize(
  ("options", "oracle"),
  [
    ({}, {}),
    ({"legacy_order": True}, {"legacy": True}),
    ({"lindisp": True, "near": 0.5}, {"lindisp": True, "near": 0.5}),
    ({"first_octave": 1}, {"first": 1}),
    (
      {"near": 0.0, "far": 1.0, "white_background": False},
      {"near": 0.0, "far": 1.0, "white": False},
    ),
  ],
)
@pytest.mark.parametrize("viewdirs", [True, False])
def test_it_renders_what_jaxnerf_does(tmp_path, options, oracle, viewdirs):
  networks = make_networks(viewdirs=viewdirs)
  field, params = load(write(tmp_path / "checkpoint_7", networks), **options)
  rays = make_rays()
  found = rendered(field, params, *rays)
  lengths = np.linalg.norm(rays[1], axis=-1)
  for i, ray in enumerate(zip(*rays)):
    expected = render(
      networks, *ray, **{"near": 2.0, "far": 6.0, **SAMPLES, **oracle}
    )
    (rough, rough_acc, _), (rgb, acc, disp) = expected
    np.testing.assert_allclose(found.coarse["rgb"][i], rough, atol=1e-4)
    np.testing.assert_allclose(found.coarse["opacity"][i], rough_acc, atol=1e-4)
    np.testing.assert_allclose(found.rgb[i], rgb, atol=1e-4)
    np.testing.assert_allclose(found.opacity[i], acc, atol=1e-4)
    # Ours is of distances and 0 where nothing is, JaxNeRF's of parameters.
    disp = 0.0 if disp == 1e10 else disp
    np.testing.assert_allclose(
      found.disparity[i] * lengths[i], disp, rtol=1e-3, atol=1e-6
    )


def test_near_and_far_of_rays_come_first(tmp_path):
  networks = make_networks()
  field, params = load(write(tmp_path / "checkpoint_7", networks))
  origins, directions, viewdirs = make_rays(1)
  found = rendered(field, params, origins, directions, viewdirs, 1.0, 3.0)
  *_, (rgb, _, _) = render(
    networks,
    origins[0],
    directions[0],
    viewdirs[0],
    near=1.0,
    far=3.0,
    **SAMPLES,
  )
  np.testing.assert_allclose(found.rgb[0], rgb, atol=1e-4)


def test_sizes_follow_from_shapes(tmp_path):
  rng = np.random.default_rng(0)
  shapes = [(63, 16), *[(16, 16)] * 4, (79, 16), *[(16, 16)] * 2]
  shapes += [(16, 1), (16, 16), (43, 9), (9, 9), (9, 3)]
  networks = {}
  for name in ("MLP_0", "MLP_1"):
    networks[name] = {
      f"Dense_{i}": {
        "kernel": rng.normal(size=s).astype(np.float32),
        "bias": np.zeros(s[1], np.float32),
      }
      for i, s in enumerate(shapes)
    }
  found = jaxnerf_checkpoint.read(write(tmp_path / "checkpoint_7", networks))
  assert found.step == 7
  assert found.sizes == {
    "depth": 8,
    "width": 16,
    "skip": 4,
    "octaves": 10,
    "direction_octaves": 4,
    "use_viewdirs": True,
    "color_depth": 2,
    "color_width": 9,
  }
  field = jaxnerf.JaxNerfField(num_coarse=4, num_fine=2, **found.sizes)
  ones = jnp.ones((1, 3))
  rays = ray_records.Rays.of(origins=ones, directions=ones, near=1.0, far=2.0)
  wanted = jax.eval_shape(field.init, jax.random.key(0), rays)["params"]
  same = jax.tree.map(lambda a, b: a.shape == b.shape, wanted, found.params)
  assert all(jax.tree.leaves(same))


def test_of_a_folder_the_last_step_is_taken(tmp_path):
  for step in (9, 10, 2):
    write(tmp_path / f"checkpoint_{step}", make_networks(), step)
  (tmp_path / "checkpoint_11.tmp").write_bytes(b"")
  assert jaxnerf_checkpoint.read(tmp_path).step == 10


def _changed(change):
  networks = make_networks()
  change(networks)
  return networks


BROKEN = {
  "one network": (lambda n: n.pop("MLP_1"), "no MLP_1 .found MLP_0."),
  "a layer less": (lambda n: n["MLP_0"].pop("Dense_2"), "6 entries"),
  "no bias": (
    lambda n: n["MLP_0"]["Dense_2"].pop("bias"),
    "Dense_2: kernel is .23, 8. and bias nothing",
  ),
  "other inputs": (
    lambda n: n["MLP_1"]["Dense_1"].update(kernel=np.ones((9, 8), np.float32)),
    "MLP_1: the layers' kernels are 15x8, 9x8",
  ),
  "no octave": (
    lambda n: n["MLP_1"]["Dense_0"].update(kernel=np.ones((14, 8), np.float32)),
    "MLP_1: the layers' kernels are 14x8",
  ),
  "not finite": (
    lambda n: n["MLP_0"]["Dense_6"]["bias"].fill(np.nan),
    "MLP_0/Dense_6 holds NaN",
  ),
  "text": (
    lambda n: n["MLP_0"]["Dense_6"].update(bias="x"),
    "Dense_6: kernel is .5, 3. and bias nothing",
  ),
}


@pytest.mark.parametrize(("change", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_said_in_a_line(tmp_path, change, message):
  path = write(tmp_path / "checkpoint_7", _changed(change))
  with pytest.raises(ValueError, match=message) as caught:
    jaxnerf_checkpoint.read(path)
  said = str(caught.value)
  assert str(path) in said and "\n" not in said and "expected" in said


@pytest.mark.parametrize(
  ("content", "message"),
  [
    (b"", "no checkpoint of JaxNeRF"),
    (b"\x93\x01\x02", "no checkpoint of JaxNeRF"),
    (b"no msgpack", "no checkpoint of JaxNeRF|no optimizer"),
    (serialization.msgpack_serialize({"params": {}}), "no optimizer"),
    (serialization.msgpack_serialize({"optimizer": 3}), "no optimizer"),
  ],
)
def test_other_files_are_refused(tmp_path, content, message):
  path = tmp_path / "checkpoint_1"
  path.write_bytes(content)
  with pytest.raises(ValueError, match=message) as caught:
    jaxnerf_checkpoint.read(path)
  assert str(path) in str(caught.value)


def test_arguments_and_places_are_checked(tmp_path):
  with pytest.raises(ValueError, match="no such file or folder"):
    jaxnerf_checkpoint.read(tmp_path / "absent")
  with pytest.raises(ValueError, match="holds no checkpoint"):
    jaxnerf_checkpoint.read(tmp_path)
  with pytest.raises(ValueError, match="near is 6 and far 2"):
    jaxnerf_checkpoint.load_jaxnerf(tmp_path, near=6, far=2)
  with pytest.raises(ValueError, match="with lindisp"):
    jaxnerf_checkpoint.load_jaxnerf(tmp_path, near=0, far=1, lindisp=True)
  with pytest.raises(ValueError, match="num_coarse is 2"):
    jaxnerf_checkpoint.load_jaxnerf(tmp_path, num_coarse=2)


@pytest.mark.real_data
def test_a_checkpoint_of_jaxnerf_itself(real_data):
  """One ray in 43 of those that JaxNeRF's own program rendered.

  Its last fine sample is where all but one 2**23rd of the coarse weight lies
  before it: of some rays rounding decides, in JaxNeRF's own program, too. The
  others are equal.
  """
  folder = real_data.parent / "baselines" / "jaxnerf"
  if not folder.is_dir():
    pytest.skip(f"no {folder}")
  given = np.load(folder / "rendered.npz")
  field, params = jaxnerf_checkpoint.load_jaxnerf(folder)
  every = slice(None, None, 43)
  found = rendered(
    field,
    params,
    *(given[k][every] for k in ("origins", "directions", "viewdirs")),
  )
  close = functools.partial(np.testing.assert_allclose, atol=1e-4, rtol=0)
  close(found.coarse["rgb"], given["rgb_coarse"][every])
  close(found.coarse["opacity"], given["acc_coarse"][every])
  lengths = np.linalg.norm(given["directions"][every], axis=-1)
  disparity = np.asarray(found.disparity) * lengths
  hits = given["disp"][every] < 1e9
  assert (disparity[~hits] == 0).all()
  errors = np.maximum(
    np.abs(found.rgb - given["rgb"][every]).max(axis=-1),
    np.abs(found.opacity - given["acc"][every]),
  )
  errors = np.maximum(
    errors, np.where(hits, np.abs(disparity - given["disp"][every]), 0.0)
  )
  assert np.median(errors) < 1e-5
  assert np.mean(errors > 1e-4) < 0.02
  assert errors.max() < 0.01


def test_shares_of_a_histogram_are_read_off_it():
  edges = jnp.array([0.0, 1.0, 3.0])
  weights = jnp.array([1.0, 3.0])
  found = sampling.quantiles(
    jnp.array([0.0, 0.125, 0.25, 0.625]), edges, weights, padding=0.0
  )
  np.testing.assert_allclose(found, [0.0, 0.5, 1.0, 2.0], atol=1e-6)
