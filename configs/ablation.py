"""The preset `ablation` as a file; it lies in stylized_nerf_jax/presets/."""

from stylized_nerf_jax.presets.ablation import CHANGES, get_config

__all__ = ["CHANGES", "get_config"]
