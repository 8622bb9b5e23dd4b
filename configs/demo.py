"""The demo's config: embedded scene, generated styles, small networks.

stylized-nerf demo --workdir runs/demo
"""

from stylized_nerf_jax.tasks import demo


def get_config():
  """Returns what `stylized-nerf demo` trains."""
  return demo.make_config(quick=False)
