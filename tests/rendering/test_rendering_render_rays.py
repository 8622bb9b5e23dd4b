"""Rays of any field: quadrature by hand, shapes, derivatives."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_fields

from stylized_nerf_jax.fields import hash_grid, positional, style_field
from stylized_nerf_jax.rendering import camera_rays, render_rays
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import samples as samples_lib
from stylized_nerf_jax.scenes import normalization

KEY = jax.random.key(0)
_GRID = {**tiny_fields.GRID, "log2_table_size": 8}
# One hashed, and one dense for the proposal.
_ONE_GRID = {
  "num_levels": 1,
  "coarsest_resolution": 6,
  "proposal_finest_resolution": 6,
  "proposal_log2_table_size": 9,
}
_BOX = normalization.RaySpace("box", 0.1, 6.0, 1, 1, (-1.0,) * 3, (1.0,) * 3)
_NDC = normalization.RaySpace("ndc", 0, 1, 0.5, 0.4, (-1.5,) * 3, (1.5,) * 3)
_CONTRACTED = normalization.RaySpace(
  "contracted", 0.05, 50.0, 1, 1, (-2.0,) * 3, (2.0,) * 3
)
_SPACES = {"box": _BOX, "ndc": _NDC, "contracted": _CONTRACTED}


def hash_field(space, **changes):
  return hash_grid.HashGridField.for_space(
    space, **{**tiny_fields.HASH_GRID, **_GRID, **changes}
  )


def positional_field(space):
  return positional.PositionalField.for_space(space, **tiny_fields.POSITIONAL)


_rays_of = jax.jit(rays_lib.Rays.of)


def make_rays(count=4, lengths=1.0):
  rng = np.random.default_rng(0)
  directions = rng.normal(size=(count, 3))
  directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
  return _rays_of(
    origins=rng.uniform(-0.5, 0.5, (count, 3)),
    directions=lengths * directions,
    near=0.2 / lengths,
    far=3.0 / lengths,
  )


@functools.lru_cache
def params_of(module, *shapes):
  rng = np.random.default_rng(1)
  inputs = shapes or (make_rays(),)
  if shapes:
    inputs = [jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes]
  tree = jax.eval_shape(module.init, KEY, *inputs)["params"]
  return jax.tree.map(
    lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), tree
  )


_render = jax.jit(
  lambda field, params, rays, key=None, **more: render_rays.render_rays(
    field, params, rays, key=key, **more
  ),
  static_argnums=0,
)


@dataclasses.dataclass(frozen=True)
class Slabs:
  """Three slabs of known density and colour, in place of a module."""

  background: tuple | None = None
  near: float | None = None
  far: float | None = None

  densities = (0.2, 0.0, 1.5)
  colors = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.2, 0.4, 0.6))

  def apply(self, variables, *args, method, **kwargs):
    return getattr(self, method)(*args, **kwargs)

  def sample(self, rays, key=None, *, noise=0.0):
    edges = rays.near + (rays.far - rays.near) * jnp.arange(4) / 3
    t = (edges[:, 1:] + edges[:, :-1]) / 2
    lengths = jnp.diff(edges) * jnp.linalg.norm(
      rays.directions, axis=-1, keepdims=True
    )
    thick = jnp.asarray(self.densities) * lengths
    passed = jnp.exp(-(jnp.cumsum(thick, axis=-1) - thick))
    points = rays.origins[:, None] + t[..., None] * rays.directions[:, None]
    weights = passed * (1 - jnp.exp(-thick))
    return samples_lib.Samples(points, t, weights, None), None

  def color(self, samples, viewdirs):
    return jnp.broadcast_to(jnp.asarray(self.colors), samples.points.shape)

  def coarse_samples(self, found):
    return None

  def losses(self, rays, found, target, background, *, every=1):
    return {}


@pytest.mark.parametrize("length", [1.0, 2.5])
def test_quadrature_of_slabs_by_hand(length):
  """Whatever the directions' length, colours and distances are the same."""
  out = _render(Slabs(), {}, make_rays(lengths=length))
  step, passed, rgb, far, total = 2.8 / 3, 1.0, np.zeros(3), 0.0, 0.0
  for i, (density, color) in enumerate(zip(Slabs.densities, Slabs.colors)):
    weight = passed * (1 - np.exp(-density * step))
    rgb += weight * np.array(color)
    far += weight * (0.2 + (i + 0.5) * step)
    total += weight
    passed *= np.exp(-density * step)
  for i in range(4):
    np.testing.assert_allclose(out.rgb[i], rgb, rtol=1e-5)
    np.testing.assert_allclose(out.opacity[i], total, rtol=1e-5)
    np.testing.assert_allclose(out.depth[i], far / total, rtol=1e-5)
    np.testing.assert_allclose(out.disparity[i], total / far, rtol=1e-5)
  assert out.coarse is None and out.losses == {}


def test_what_is_behind_is_asked_for_in_order():
  rays = make_rays()
  setting = rays_lib.RaySetting(_BOX, 2.0, (0.0, 0.0, 1.0))
  cast = dataclasses.replace(rays, setting=setting)
  black = _render(Slabs(), {}, rays)
  through = 1 - black.opacity[:, None]
  green = np.array([0.0, 1.0, 0.0])
  for found, wanted in (
    (_render(Slabs(), {}, cast), (0.0, 0.0, 1.0)),
    (_render(Slabs((1.0, 0.0, 0.0)), {}, cast), (1, 0, 0)),
    (
      _render(Slabs((1.0,) * 3), {}, cast, background=green),
      green,
    ),
  ):
    np.testing.assert_allclose(
      found.rgb, black.rgb + through * np.array(wanted), rtol=1e-5
    )
  # The scene has two model units in one of its own.
  half = _render(Slabs(), {}, cast).depth
  np.testing.assert_allclose(half, black.depth / 2, rtol=1e-6)


def test_ends_of_rays_win_over_those_of_the_field():
  rays = make_rays()
  endless = dataclasses.replace(rays, near=None, far=None)
  wanted = _render(Slabs(), {}, rays).rgb
  own = _render(Slabs(near=0.2, far=3.0), {}, endless).rgb
  np.testing.assert_allclose(own, wanted, rtol=1e-6)
  given = _render(Slabs(near=1.0, far=2.0), {}, rays).rgb
  np.testing.assert_array_equal(given, wanted)
  with pytest.raises(ValueError, match="near and far, and the field"):
    _render(Slabs(), {}, endless)


def test_shapes_and_vmap():
  field, rays = hash_field(_BOX), make_rays()
  params = params_of(field)
  flat = _render(field, params, rays)
  square = jax.tree.map(lambda v: v.reshape(2, 2, -1), rays)
  shaped = jax.eval_shape(
    functools.partial(render_rays.render_rays, field), params, square
  )
  one_by_one = jax.jit(
    jax.vmap(lambda ray: render_rays.render_rays(field, params, ray))
  )(rays)
  for name in ("rgb", "depth", "disparity", "opacity"):
    wanted = np.asarray(getattr(flat, name))
    assert getattr(shaped, name).shape == (2, 2, *wanted.shape[1:])
    single = getattr(one_by_one, name)
    np.testing.assert_allclose(single, wanted, rtol=1e-4, atol=1e-5)


def test_a_key_moves_samples_and_none_does_not():
  field, rays = positional_field(_BOX), make_rays()
  params = params_of(field)
  first, again = (_render(field, params, rays).rgb for _ in range(2))
  np.testing.assert_array_equal(first, again)
  moved = _render(field, params, rays, KEY).rgb
  assert np.abs(moved - first).max() > 1e-5


def test_coarse_pass_and_losses_of_a_field():
  field, rays = positional_field(_BOX), make_rays()
  params, target = params_of(field), np.full((4, 3), 0.3, np.float32)
  render = functools.partial(render_rays.render_rays, field)
  assert jax.eval_shape(render, params, rays).losses == {}
  out = _render(field, params, rays, target=target)
  error = np.mean((out.coarse["rgb"] - target) ** 2)
  np.testing.assert_allclose(out.losses["coarse_mse"], error, rtol=1e-5)
  assert out.coarse["opacity"].shape == (4,)
  grid = hash_field(_BOX)
  found = jax.eval_shape(
    functools.partial(render_rays.render_rays, grid), params_of(grid), rays
  )
  assert found.coarse is None
  assert set(found.losses) == {"grid_decay", "interlevel", "distortion"}


def test_intensity_blends_two_pictures():
  field = positional_field(_BOX)
  painter = style_field.StyleField.for_space(
    _BOX, depth=3, width=8, skip=1, num_octaves=2, latent_size=4
  )
  params, rays = params_of(field), make_rays()
  own = params_of(painter, (1, 1, 3), (1, 4))
  codes = np.random.default_rng(2).normal(size=(4, 4)).astype(np.float32)

  @jax.jit
  def styled(codes, intensity):
    return render_rays.render_styled_rays(
      field, params, painter, own, rays, codes, intensity=intensity
    )

  plain, full = _render(field, params, rays), styled(codes, 1.0)
  np.testing.assert_allclose(styled(codes, 0.0).rgb, plain.rgb, atol=1e-6)
  half = styled(codes, np.float32([0.0, 0.5, 0.5, 1.0]))
  share = np.array([0.0, 0.5, 0.5, 1.0])[:, None]
  for found, one, other in (
    (half.rgb, plain.rgb, full.rgb),
    (half.coarse["rgb"], plain.coarse["rgb"], full.coarse["rgb"]),
  ):
    np.testing.assert_allclose(
      found, (1 - share) * one + share * other, atol=1e-6
    )
  np.testing.assert_allclose(full.depth, plain.depth, rtol=1e-6)
  # One code for all rays is that code for each.
  np.testing.assert_allclose(
    styled(codes[0], 1.0).rgb[0], full.rgb[0], atol=1e-6
  )


def _slope(function, given, argument, place, step):
  """Central difference by one entry of one argument; both ends in one call."""
  ends = [np.stack([values] * 2) for values in given]
  for end, sign in enumerate((-1, 1)):
    ends[argument][(end, *place)] += sign * step
  low, high = np.asarray(function(*ends))
  return (high - low) / (2 * step)


def _cameras():
  """Two cameras that look along -z at the origin, exactly along axes."""
  pose = np.zeros((2, 3, 4), np.float32)
  pose[:, :3, :3] = np.eye(3)
  pose[:, 2, 3] = 3.0, 0.0
  return pose, np.float32([[10.0, 10.0, 4.0, 4.0]] * 2)


@pytest.mark.parametrize("kind", _SPACES)
def test_gradients_by_cameras_are_finite(kind):
  """Along axes, past the box, at the camera's own centre and far outside."""
  space = _SPACES[kind]
  frame = normalization.Normalization(np.eye(4), 1.0, space)
  field = hash_field(space, **_ONE_GRID)
  pose, intrinsics = _cameras()
  xy = np.float32([[4, 4], [4, 7], [0, 0], [400, 4]])

  @jax.jit
  @functools.partial(jax.grad, argnums=(0, 1, 2))
  def gradient(pose, intrinsics, params):
    rays = camera_rays.camera_rays(
      pose[:, None], intrinsics[:, None], None, xy, space=frame
    )
    out = render_rays.render_rays(field, params, rays, target=np.zeros(3))
    kept = out.rgb.mean() + out.depth.mean() + out.disparity.mean()
    return kept + sum(out.losses.values())

  first = params_of(field)
  for scale in (0.0, 1.0, 30.0):
    params = jax.tree.map(functools.partial(np.multiply, scale), first)
    for path, leaf in jax.tree.leaves_with_path(
      gradient(pose, intrinsics, params)
    ):
      assert np.isfinite(leaf).all(), (scale, path)


def test_gradients_by_poses_are_those_of_differences():
  frame = normalization.Normalization(np.eye(4), 1.0, _BOX)
  pose, intrinsics = _cameras()
  xy = np.float32([[3.3, 4.1], [5.2, 3.4]])
  # Samples at fixed places: what the fine pass adds is constant for gradients.
  field = Slabs()

  def shown(pose, intrinsics):
    rays = camera_rays.camera_rays(
      pose[0], intrinsics[0], None, xy, space=frame
    )
    return render_rays.render_rays(field, {}, rays).depth.sum()

  found = jax.jit(jax.grad(shown, argnums=(0, 1)))(pose, intrinsics)
  both = jax.jit(jax.vmap(shown))
  for argument, place in (
    (0, (0, 2, 3)),
    (0, (0, 0, 3)),
    (1, (0, 0)),
    (1, (0, 2)),
  ):
    slope = _slope(both, (pose, intrinsics), argument, place, step=1e-2)
    np.testing.assert_allclose(
      found[argument][place], slope, rtol=3e-2, atol=2e-3
    )


def test_forward_mode_is_there_but_for_hash_grids():
  rays = make_rays()
  field = positional_field(_BOX)
  params = params_of(field)

  def shown(params):
    return render_rays.render_rays(field, params, rays).rgb.mean()

  _, slope = jax.eval_shape(lambda p: jax.jvp(shown, (p,), (p,)), params)
  assert slope.shape == ()
  field = hash_field(_BOX)
  params = params_of(field)
  with pytest.raises(TypeError, match="forward-mode"):
    jax.jit(lambda p: jax.jvp(shown, (p,), (p,))).lower(params)


def test_cameras_and_banks_cast_the_same_rays():
  frame = normalization.Normalization(np.eye(4), 1.0, _CONTRACTED)
  pose, intrinsics = _cameras()
  cameras = rays_lib.CameraArrays(pose, intrinsics, np.zeros((2, 4)))
  xy = np.float32([[1.5, 2.5], [6.0, 0.5]])

  @jax.jit
  def cast():
    given = (pose, intrinsics, None, xy)
    return (
      rays_lib.cast_rays(cameras, xy, _CONTRACTED),
      camera_rays.camera_rays(*given, space=frame),
      camera_rays.camera_rays(*given, near=0.05, far=50.0),
    )

  wanted, found, bare = cast()
  for rays in (found, bare):
    for name in ("origins", "directions", "viewdirs", "centers", "near", "far"):
      np.testing.assert_allclose(
        getattr(rays, name), getattr(wanted, name), rtol=1e-6
      )


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"directions": np.ones((3, 3))}, "leading dimensions that broadcast"),
    ({"origins": np.ones((4, 2))}, r"origins have shape \(4, 2\)"),
    ({"far": None}, "expected both, or neither"),
  ],
)
def test_rays_that_do_not_fit_are_refused(changes, message):
  given = {
    "origins": np.zeros((4, 3)),
    "directions": np.ones((4, 3)),
    "near": 0.1,
    "far": 1.0,
  }
  with pytest.raises(ValueError, match=message):
    rays_lib.Rays.of(**{**given, **changes})


def test_near_and_far_broadcast():
  ones = np.ones((2, 5, 3))
  for near in (0.5, np.full((2, 5), 0.5), np.full((2, 5, 1), 0.5), [0.5]):
    rays = rays_lib.Rays.of(origins=ones, directions=ones, near=near, far=2)
    assert rays.near.shape == rays.far.shape == (2, 5, 1)
    assert np.all(rays.near == 0.5)
  rays = rays_lib.Rays.of(
    origins=np.zeros(3), directions=ones[0], near=0, far=1
  )
  assert rays.origins.shape == (5, 3) and rays.near.shape == (5, 1)
  np.testing.assert_allclose(np.linalg.norm(rays.viewdirs, axis=-1), 1.0, 1e-6)
