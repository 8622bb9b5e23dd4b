"""Pictures of splats."""

import jax
import jax.numpy as jnp

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.splatting import compositing, projection, tiles
from stylized_nerf_jax.splatting import splats as splats_lib

# Splats of a tile that are drawn, where nothing else is said.
MOST = 1024


def whole(values: jax.Array, plan: tiles.Plan, size: tuple[int, int]):
  """Puts tiles [T, SIDE, SIDE, ...] in the order of a plan into a picture."""
  rows, columns = tiles.grid(size)
  side, rest = tiles.SIDE, values.shape[3:]
  placed = jnp.zeros_like(values).at[plan.tile].set(values)
  picture = placed.reshape(rows, columns, side, side, *rest)
  picture = jnp.swapaxes(picture, 1, 2)
  picture = picture.reshape(rows * side, columns * side, *rest)
  return picture[: size[0], : size[1]]


def draw(
  splats: splats_lib.Splats,
  colors: jax.Array,
  camera: rays_lib.CameraArrays,
  plan: tiles.Plan,
  size: tuple[int, int],
  held: jax.Array | float | None = None,
) -> tuple[jax.Array, jax.Array]:
  """Draws a picture; differentiable, for a plan that still holds.

  Args:
    splats: N, in the frame of the camera's poses.
    colors: [N, C], any channels.
    camera: of no leading dimensions, a pinhole.
    plan: of the same camera and size.
    size: height and width.
    held: as of `projection.project`.

  Returns:
    (sums of colours by weight [H, W, C], opacity [H, W] in [0, 1]).
  """
  ellipses = projection.project(splats, camera, size, held)
  found, through = compositing.composite(
    ellipses, colors, plan, tiles.grid(size)[1]
  )
  return whole(found, plan, size), whole(1.0 - through, plan, size)


_draw = jax.jit(draw, static_argnames="size")
project = jax.jit(projection.project, static_argnames="size")


def render(
  splats: splats_lib.Splats,
  colors,
  camera: cameras_lib.Camera,
  *,
  background: tuple[float, float, float] | None = None,
  most: int = MOST,
) -> tuple[jax.Array, jax.Array]:
  """Renders splats as a viewer does.

  Args:
    splats: N, in the frame of the camera.
    colors: [N, 3], in [0, 1].
    camera: its lens is left out.
    background: behind all splats; None is black.
    most: splats that a tile of `tiles.SIDE` squared pixels draws; the
      farthest of more are left out.

  Returns:
    (colours [H, W, 3] in [0, 1], opacity [H, W]).
  """
  size = camera.height, camera.width
  arrays = rays_lib.camera_arrays(camera, None)
  splats = splats_lib.Splats(*(jnp.asarray(v, jnp.float32) for v in splats))
  plan = tiles.plan(project(splats, arrays, size), size, most)
  rgb, opacity = _draw(
    splats, jnp.asarray(colors), arrays, plan._replace(dropped=0), size
  )
  if background is not None:
    rgb = rgb + (1.0 - opacity[..., None]) * jnp.asarray(background)
  return jnp.clip(rgb, 0.0, 1.0), opacity
