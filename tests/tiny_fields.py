"""Fields of so few layers, levels and samples that they compile in no time.

What each is made of, by the names of its attributes.
"""

GRID = {
  "num_levels": 2,
  "num_features": 2,
  "coarsest_resolution": 2,
  "finest_resolution": 6,
}
HASH_GRID = {
  **GRID,
  "log2_table_size": 6,
  "width": 8,
  "geometry_features": 3,
  "proposal_levels": 1,
  "proposal_log2_table_size": 6,
  "proposal_finest_resolution": 4,
  "proposal_width": 4,
  "num_proposal": 6,
  "num_fine": 4,
}
_COARSE_TO_FINE = {
  "num_coarse": 5,
  "num_fine": 3,
  "depth": 3,
  "width": 8,
  "skip": 1,
  "color_width": 8,
  "direction_octaves": 1,
}
POSITIONAL = {**_COARSE_TO_FINE, "position_octaves": 2}
JAXNERF = {**_COARSE_TO_FINE, "octaves": 2}
