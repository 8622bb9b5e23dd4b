"""Config fields that fields of JaxNeRF need: their networks, and their rays.

Names in parentheses are JaxNeRF's flags (google-research/jaxnerf, 2022).
"""

from stylized_nerf_jax.options import option

FIELD = {
  "checkpoint": option.Option(
    "",
    "hash of the file that `stylized-nerf import-jaxnerf` read",
    zero="phase 1 trains the field",
  ),
  "num_coarse": option.count(
    64, "samples of the coarse pass (num_coarse_samples)", least=3
  ),
  "num_fine": option.count(128, "samples that it adds (num_fine_samples)"),
  "depth": option.count(8, "layers before the heads (net_depth)"),
  "width": option.count(256, "their outputs (net_width)"),
  "skip": option.count(
    4, "behind every so many-th layer the point enters again (skip_layer)"
  ),
  "color_depth": option.count(
    1, "layers that read the direction (net_depth_condition)", least=0
  ),
  "color_width": option.count(128, "their outputs (net_width_condition)"),
  "first_octave": option.count(
    0, "exponent of a point's lowest frequency (min_deg_point)", least=0
  ),
  "octaves": option.count(
    10,
    "frequencies of a point (max_deg_point less min_deg_point)",
    least=0,
    most=24,
  ),
  "direction_octaves": option.count(
    4, "frequencies of a direction (deg_view)", least=0, most=24
  ),
  "use_viewdirs": option.Option(
    True, "whether colours depend on the direction (use_viewdirs)"
  ),
  "legacy_order": option.Option(
    False, "of encodings, as before 2021 (legacy_posenc_order)"
  ),
  "lindisp": option.Option(
    False, "coarse samples even in 1 / t, not in t (lindisp)"
  ),
}

RAYS = {
  "near": option.Option(
    0.0,
    "nearest that anything is to a camera, file units",
    least=0.0,
    zero="as the files say",
  ),
  "far": option.Option(
    0.0, "farthest, file units", least=0.0, zero="as the files say"
  ),
  "principal_shift": option.Option(
    0.0,
    "pixels of the full size that are added to every principal point: 0.5 for "
    "fields trained on rays through the corners of pixels, as NeRF's",
    least=-8192.0,
    most=8192.0,
  ),
}
