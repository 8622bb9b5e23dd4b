"""Every config field with its default: the embedded synthetic scene, small.

`configs/*.py` start from `get_config()` and change what they are about. A
field that is not here does not exist: overrides of unknown fields are refused.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
  """Returns the configuration of the demo, on which all others build."""
  config = ml_collections.ConfigDict()
  config.seed = 0
  # The linear scaling rule: rays of a step and their learning rates, times
  # this. With k devices, k makes each do what the config has one do.
  config.batch_scale = 1
  config.scene = _scene()
  config.styles = _styles()
  config.weights = _weights()
  config.field = _field()
  config.style_field = _style_field()
  config.radiance_field = _radiance_field()
  config.geometry_cache = _geometry_cache()
  config.stylizer = _stylizer()
  config.mutual_learning = _mutual_learning()
  config.evaluation = _evaluation()
  config.training = _section(
    **training(),
    # Photographs whose pixels take more than this stay on disk.
    pixels_in_memory_mib=512,
  )
  config.rendering = _section(
    # Most that a device gets at a time; 0: 8,192 on a CPU, elsewhere as many as
    # 4 GiB hold of a layer.
    rays_per_chunk=0,
    # Rays of these that are rendered together; 0: on a CPU as many as its
    # caches hold, elsewhere all.
    rays_at_once=0,
  )
  return config


def _section(**fields) -> ml_collections.ConfigDict:
  return ml_collections.ConfigDict(fields)


def _scene() -> ml_collections.ConfigDict:
  return _section(
    path="synthetic",  # a capture, tfds:NAME?data_dir=DIR, or "synthetic"
    format="auto",
    downsample=1.0,  # width and height are divided by this
    background="white",  # under RGBA pictures: "white" or "black"
    space="auto",  # "ndc", "box", "contracted", or chosen from the cameras
    holdout=8,  # every so many-th image is held out, where no split is given
  )


def _styles() -> ml_collections.ConfigDict:
  return _section(
    path="generated",  # folder, .csv list, tfds:..., or "generated"
    names="",  # comma-separated; empty: all
    # Short side, pixels: the dial of stroke scale. 0: 4/3 of the views', in
    # steps of 64 from 128 to 512.
    style_size=0,
  )


def _weights() -> ml_collections.ConfigDict:
  return _section(
    encoder="vgg16",  # or the file of a VGG-19 in `vgg_normalised` layout
    decoder="",  # empty: the shipped weights
    vae="",
  )


def _field() -> ml_collections.ConfigDict:
  return _section(
    kind="hash_grid",  # or "positional"
    hash_grid=_section(
      num_levels=7,
      num_features=4,
      log2_table_size=18,
      coarsest_resolution=16,
      finest_resolution=512,
      width=64,
      geometry_features=15,
      proposal_levels=5,
      proposal_features=2,
      proposal_log2_table_size=15,
      proposal_finest_resolution=128,
      proposal_width=16,
      num_proposal=32,
      num_fine=16,
    ),
    positional=_section(
      depth=8,
      width=256,
      position_octaves=10,
      direction_octaves=4,
      num_coarse=64,
      num_fine=64,
    ),
  )


def _style_field() -> ml_collections.ConfigDict:
  return _section(
    encoding="hash_grid",  # or "frequency": the paper's gamma(x)
    depth=4,
    width=64,
    latent_size=32,
    num_levels=8,
    num_features=4,
    log2_table_size=17,
    coarsest_resolution=16,
    finest_resolution=512,
  )


def _radiance_field() -> ml_collections.ConfigDict:
  return _section(
    steps=1500,
    rays_per_step=2048,
    learning_rate=1e-2,
    # The same in NDC; 0: no other. With room before the cameras, a rate as high
    # as this fills it with haze, decay or not.
    ndc_learning_rate=2e-2,
    learning_rate_final=0.0,
    schedule="cosine",  # or "exponential"
    adam_b2=0.99,
    adam_eps=1e-15,  # hash grids: entries that are seldom hit learn as fast
    density_noise=0.0,
    interlevel_weight=1.0,
    # Of so many rays one teaches the proposal, which learns nearly as well.
    proposal_every=4,
    distortion_weight=0.001,
    grid_decay=0.0,  # weight of the mean square of each level's features
    # The same where the scene is unbounded, but for the proposal's: against
    # haze before the cameras.
    unbounded_grid_decay=0.01,
    evaluate_every=1000,
    checkpoint_every=1000,
    steps_per_dispatch=20,
  )


def _geometry_cache() -> ml_collections.ConfigDict:
  """Returns what phase 3 knows of the rays of training views."""
  return _section(
    samples=10,  # of a ray that are kept; 0: none, all are found in each step
    mib=4096,  # on disk, at most: fewer samples, or none, where it is too small
    tolerance=0.004,  # largest mean difference of colours: one of 255 steps
  )


def _stylizer() -> ml_collections.ConfigDict:
  return _section(
    steps=100,
    # Each of `views_per_step` neighbouring views in one style; devices share
    # them.
    groups_per_step=1,
    views_per_step=3,
    crop=160,  # pixels, a side of the crop of every view; 0: whole views
    learning_rate=1e-4,
    learning_rate_final=1e-5,
    muon_learning_rate=2e-3,  # of D's hidden kernels; 0: all Adam
    clip=200.0,  # longest gradient; 0: any
    content_weight=1.0,
    style_weight=1.0,
    consistency_weight=100.0,
    occlusion_tolerance=0.05,  # of the median distance of surface points
    neighbours=6,  # views that may stand beside one in a batch
    checkpoint_every=200,
  )


def _mutual_learning() -> ml_collections.ConfigDict:
  return _section(
    steps=1000,  # field steps on single rays
    rays_per_step=2048,
    learning_rate=5e-3,
    learning_rate_final=5e-4,
    adam_b2=0.99,
    adam_eps=1e-15,
    clip=3.0,  # longest gradient of the style field; 0: any
    latent_learning_rate=1e-3,
    decoder_learning_rate=1e-5,
    decoder_muon_learning_rate=5e-4,  # of D's hidden kernels; 0: all Adam
    decoder_clip=200.0,  # longest gradient of D; 0: any
    decoder_every=50,  # field steps for each decoder step; 0: one-way
    decoder_groups=1,  # of two neighbouring views, shared by devices
    decoder_crop=160,
    decoder_rays=1024,
    refresh_every=20,  # decoder steps between two makings of all 2D targets
    mimic_field_weight=1.0,
    mimic_coarse=False,
    mimic_decoder_weight=300.0,
    latent_weight=0.1,
    latent_normalise="variance",  # or "standard_deviation", as the release
    learn_latents=True,  # False: every view has its style's mean
    # Not of the paper: afterwards, field steps on patches, whose colours have
    # D's content and style losses too, over the contrast of the painting: the
    # mean variance of its features, summed over layers, some tens.
    patch_steps=150,
    patch_groups=1,  # each in one style; devices share them
    patches_per_step=8,  # of each group
    patch=40,  # pixels, a side
    patch_learning_rate=1e-3,
    patch_learning_rate_final=1e-4,
    patch_table_learning_rate=1e-2,  # of the hash grid's feature tables
    patch_table_learning_rate_final=1e-3,
    patch_warmup=30,  # patch steps in which the rates rise to their largest
    patch_content_weight=0.18,
    patch_style_weight=1.44,
    # The style loss counts down to so many times what the unadapted decoder
    # reaches on patches of the scene; 0: all of it.
    patch_style_goal=0.6,
    # Of the variance of colours along a ray: soft surfaces of one colour.
    patch_spread_weight=3.0,
    content_weight=1.0,
    style_weight=1.0,
    consistency_weight=100.0,
    checkpoint_every=500,
    steps_per_dispatch=25,  # divides `decoder_every`: no step is taken alone
  )


def training() -> ml_collections.ConfigDict:
  """Returns how training is kept: nothing here changes what comes out."""
  return _section(
    # Longest time between two checkpoints, beside `checkpoint_every`; 0: any.
    checkpoint_minutes=10.0,
    checkpoints_kept=2,  # of a phase, the newest
    # Those of steps that are multiples of this are kept as well; 0: no others.
    checkpoints_kept_every=0,
    # So many steps in a row whose losses are not finite end the run.
    skipped_in_a_row=50,
    tensorboard=False,  # event files beside metrics.jsonl
    # Rays that a device trains on at a time; the gradients of more, which it
    # could not hold, are accumulated. 0: any, but of the paper's networks on a
    # CPU as many as its caches hold.
    rays_at_once=0,
  )


def _evaluation() -> ml_collections.ConfigDict:
  return _section(
    num_frames=60,
    gaps=(1, 7),  # frames of the path between two that are compared
  )
