"""The preset `stylizer` as a file; it lies in stylized_nerf_jax/presets/."""

from stylized_nerf_jax.presets.stylizer import get_config

__all__ = ["get_config"]
