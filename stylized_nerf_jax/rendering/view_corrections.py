"""What photographs differ by from what their cameras are said to have seen.

A telephone changes exposure and white balance while one walks, and poses from
structure from motion are not exact. Both are learned beside a field, a few
numbers a view:

- *stops* [V, 3]: log2 of a gain of red, green and blue in linear light. A
  constant for all views is no difference between them and is taken out, so that
  a render has the exposure of the capture's middle.
- *twists* [V, 6]: a turn of the camera about its own centre (a rotation vector
  in the axes of the model frame, radians), then a shift of the centre (model
  units). What would move, turn or scale the whole capture, to first order, is
  taken out: views that nobody corrects keep to the same field.

nerfstudio's camera optimizer (SO3xR3, version 1.1.5) and multinerf's learned
exposure scaling do the like; neither fixes what all views share.
"""

import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.rendering import rays as rays_lib

# Of sRGB (IEC 61966-2-1): below these its curve is a line.
_LINE_ENCODED, _LINE_LINEAR = 0.04045, 0.0031308


def to_linear(encoded):
  """Returns linear light of sRGB values [...], both 0 to 1."""
  above = encoded > _LINE_ENCODED
  safe = jnp.where(above, encoded, 1.0)
  return jnp.where(above, ((safe + 0.055) / 1.055) ** 2.4, encoded / 12.92)


def from_linear(linear):
  """Returns the sRGB values of linear light [...]; beyond 1, too."""
  above = linear > _LINE_LINEAR
  safe = jnp.where(above, linear, 1.0)
  return jnp.where(above, 1.055 * safe ** (1 / 2.4) - 0.055, linear * 12.92)


def expose(colors, stops):
  """Returns colours as a photograph of another exposure shows them.

  Args:
    colors: [..., 3], sRGB values in [0, 1].
    stops: [..., 3], log2 of the gains.

  Returns:
    [..., 3], sRGB values, not clipped.
  """
  return from_linear(to_linear(colors) * 2.0**stops)


def centred(stops):
  """Takes from [V, 3] the mean over views."""
  return stops - jnp.mean(stops, axis=0)


def shared_motions(centers: np.ndarray) -> np.ndarray:
  """Finds the twists that move a whole capture.

  Args:
    centers: [V, 3], camera centres, model frame.

  Returns:
    [V, 6, K] float32, orthonormal over the first two axes: the span of three
    turns about the origin, three shifts and a scaling, of the K (at most 7)
    dimensions that it has for these cameras.
  """
  centers = np.asarray(centers, np.float64)
  views = len(centers)
  motions = np.zeros((views, 6, 7))
  for axis, unit in enumerate(np.eye(3)):
    motions[:, :3, axis] = unit
    motions[:, 3:, axis] = np.cross(unit, centers)
    motions[:, 3:, 3 + axis] = unit
  motions[:, 3:, 6] = centers
  basis, sizes, _ = np.linalg.svd(motions.reshape(-1, 7), full_matrices=False)
  basis = basis[:, sizes > 1e-6 * sizes[0]]
  return basis.reshape(views, 6, -1).astype(np.float32)


def without_shared(twists, shared):
  """Takes from twists [V, 6] what moves the whole capture.

  Args:
    twists: [V, 6].
    shared: [V, 6, K], from `shared_motions`.
  """
  share = jnp.einsum("vik,vi->k", shared, twists)
  return twists - jnp.einsum("vik,k->vi", shared, share)


def move(cameras: rays_lib.CameraArrays, twists) -> rays_lib.CameraArrays:
  """Moves cameras.

  Args:
    cameras: leading dimensions [...], model frame.
    twists: [..., 6].
  """
  pose = cameras.camera_to_model
  turned = jnp.einsum("...ij,...jk->...ik", rotation(twists[..., :3]), pose)
  center = pose[..., 3:] + twists[..., 3:, None]
  return cameras.replace(
    camera_to_model=jnp.concatenate([turned[..., :3], center], axis=-1)
  )


def rotation(vectors):
  """Returns the rotations [..., 3, 3] of rotation vectors [..., 3], radians.

  By Rodrigues' formula; with derivatives at 0.
  """
  squared = jnp.sum(vectors**2, axis=-1)[..., None, None]
  tiny = squared < 1e-6
  angle = jnp.sqrt(jnp.where(tiny, 1.0, squared))
  once = jnp.where(tiny, 1 - squared / 6, jnp.sin(angle) / angle)
  half = jnp.sin(angle / 2) / angle
  twice = jnp.where(tiny, 0.5 - squared / 24, 2 * half**2)
  x, y, z = jnp.moveaxis(vectors, -1, 0)
  zero = jnp.zeros_like(x)
  cross = jnp.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1)
  cross = cross.reshape(*vectors.shape[:-1], 3, 3)
  squares = jnp.einsum("...ij,...jk->...ik", cross, cross)
  return jnp.eye(3, dtype=vectors.dtype) + once * cross + twice * squares
