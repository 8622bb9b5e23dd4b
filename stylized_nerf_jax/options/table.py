"""Every field of a run's config: default, meaning, range, what 0 means.

One table, from which `defaults.get_config` is made, configs are checked before
anything is written (`schema.py`), and `train --help-config` and docs/config.md
are printed. A field that is not here does not exist.
"""

from stylized_nerf_jax.options import (
  field_options,
  finish_options,
  jaxnerf_options,
  option,
  radiance_field_options,
  schema,
)

_FORMATS = (
  *("llff", "blender", "transforms", "nsvf", "colmap", "nerfpp", "npz", "tfds"),
  *("polycam", "record3d", "stray", "metashape"),
)


def _grid(levels, features, log2_size, coarsest, finest, whose: str):
  """Fields of a hash encoding."""
  return {
    "num_levels": option.count(levels, f"grids of {whose}"),
    "num_features": option.count(features, "features of an entry"),
    "log2_table_size": option.count(
      log2_size, "logarithm of the entries of a level", most=24
    ),
    "coarsest_resolution": option.count(
      coarsest, "cells a side of the first grid"
    ),
    "finest_resolution": option.count(finest, "cells a side of the last grid"),
  }


_SCENE = {
  "path": option.Option(
    "synthetic", "a capture's folder, tfds:NAME?data_dir=DIR, or synthetic"
  ),
  "format": option.Option(
    "auto",
    "of the folder's files",
    choices=("auto", *_FORMATS),
  ),
  "downsample": option.Option(
    1.0, "width and height are divided by it", least=1.0
  ),
  "background": option.Option(
    "white", "under RGBA pictures", choices=("white", "black")
  ),
  "space": option.Option(
    "auto",
    "that rays are sampled in; auto: chosen from the cameras",
    choices=("auto", "ndc", "box", "contracted", "planes"),
  ),
  "holdout": option.Option(
    8,
    "every so many-th image (2 or more) is held out where files say nothing",
    least=0,
    zero="none",
  ),
}

_STYLES = {
  "path": option.Option(
    "generated", "folder, .csv list, one picture, tfds:..., or generated"
  ),
  "names": option.Option("", "some of them, commas between", zero="all"),
  "style_size": option.Option(
    0,
    "short side of the paintings, pixels, 16 or more: the dial of stroke scale",
    least=0,
    most=4096,
    zero="4/3 of the views', in steps of 64 from 128 to 512",
  ),
}

_WEIGHTS = {
  "encoder": option.Option(
    "vgg16",
    "vgg16, or a file: torchvision's vgg16, or a VGG-19 (vgg_normalised)",
  ),
  "decoder": option.Option("", "file of D", zero="the shipped one"),
  "vae": option.Option("", "file of the VAE", zero="the shipped one"),
}

_FIELD_HASH_GRID = {
  **_grid(7, 4, 18, 16, 512, "the field"),
  "width": option.count(64, "of the heads' hidden layers"),
  "geometry_features": option.count(
    15, "values that the density head hands to the colour head"
  ),
  "proposal_levels": option.count(5, "grids of the proposal"),
  "proposal_features": option.count(2, "features of an entry of the proposal"),
  "proposal_log2_table_size": option.count(
    15, "logarithm of the entries of a level of the proposal", most=24
  ),
  "proposal_finest_resolution": option.count(
    128, "cells a side of the proposal's last grid"
  ),
  "proposal_width": option.count(16, "of the proposal's hidden layer"),
  "num_proposal": option.count(
    32, "intervals of a ray that the proposal weighs"
  ),
  "num_fine": option.count(
    16, "samples of a ray that the field colours", least=2
  ),
}

_FIELD_POSITIONAL = {
  "depth": option.count(8, "layers before the heads"),
  "width": option.count(256, "their outputs"),
  "position_octaves": option.count(
    10, "frequencies of a point's encoding", least=0, most=24
  ),
  "direction_octaves": option.count(
    4, "frequencies of a direction's encoding", least=0, most=24
  ),
  "num_coarse": option.count(64, "stratified samples of a ray", least=3),
  "num_fine": option.count(
    64, "samples that are added where the coarse weights are"
  ),
}

_STYLE_FIELD = {
  "encoding": option.Option(
    "hash_grid", "of points", choices=("hash_grid", "frequency")
  ),
  "depth": option.count(4, "layers, the output layer included", least=2),
  "width": option.count(64, "outputs of the inner layers"),
  "latent_size": option.Option(
    32, "values of a code, as the VAE has them", least=32, most=32
  ),
  **_grid(8, 4, 17, 16, 512, "the style field"),
}

_GEOMETRY_CACHE = {
  "samples": option.Option(
    10, "of a training ray that are kept", least=0, zero="none: found anew"
  ),
  "mib": option.Option(4096, "on disk, at most", least=0, zero="none are kept"),
  "tolerance": option.Option(
    0.004,  # one of 255 steps
    "largest mean difference of colours, in [0, 1]",
    least=0.0,
    most=1.0,
  ),
}

_VIEWS = {
  "rays": option.Option(
    40_000_000,
    "that phases 2 and 3 learn from, at most: of larger captures views are "
    "made smaller, and chosen",
    least=0,
    zero="all of every view",
  ),
}

_STYLIZER = {
  "steps": option.Option(
    100, "training steps of phase 2", least=0, zero="the decoder as it is"
  ),
  "groups_per_step": option.count(
    1, "groups of neighbouring views in a step, each in one style"
  ),
  "views_per_step": option.count(
    3, "views of a group; 2 or more where consistency weighs"
  ),
  "crop": option.Option(
    160, "pixels, a side of the crop of every view", least=0, zero="whole views"
  ),
  "learning_rate": option.rate(0.0001, "rate of Adam, at the start"),
  "learning_rate_final": option.rate(1e-05, "at the end"),
  "muon_learning_rate": option.Option(
    0.002, "of D's hidden kernels", least=0.0, zero="all by Adam"
  ),
  "clip": option.Option(200.0, "longest gradient", least=0.0, zero="any"),
  "content_weight": option.weight(1.0, "of the content loss"),
  "style_weight": option.weight(1.0, "of the style loss"),
  "consistency_weight": option.weight(
    100.0, "of neighbouring views' disagreement"
  ),
  "occlusion_tolerance": option.Option(
    0.05, "of the median distance of surface points", above=0.0
  ),
  "neighbours": option.count(6, "views that may stand beside one in a batch"),
  "checkpoint_every": option.count(200, "steps between two checkpoints"),
}

_MUTUAL_LEARNING = {
  "steps": option.Option(
    1000, "field steps on single rays", least=0, zero="none"
  ),
  "rays_per_step": option.count(2048, "rays of a step, over all devices"),
  "learning_rate": option.rate(0.005, "of the style field, at the start"),
  "learning_rate_final": option.rate(0.0005, "at the end of the steps on rays"),
  "adam_b2": option.Option(
    0.99, "decay of squared gradients", least=0.0, most=0.999999
  ),
  "adam_eps": option.rate(1e-15, "added to their root"),
  "clip": option.Option(
    3.0, "longest gradient of the style field", least=0.0, zero="any"
  ),
  "latent_learning_rate": option.Option(
    0.001, "of the codes", least=0.0, zero="they stay as drawn"
  ),
  "decoder_learning_rate": option.Option(
    1e-05, "of D by Adam", least=0.0, zero="what Adam learns stays"
  ),
  "decoder_muon_learning_rate": option.Option(
    0.0005, "of D's hidden kernels", least=0.0, zero="all by Adam"
  ),
  "decoder_clip": option.Option(
    200.0, "longest gradient of D", least=0.0, zero="any"
  ),
  "decoder_every": option.Option(
    50, "field steps for each decoder step", least=0, zero="D does not learn"
  ),
  "decoder_groups": option.count(
    1, "groups of neighbouring views in a decoder step"
  ),
  "decoder_crop": option.Option(
    160, "pixels, a side of their crops", least=0, zero="whole views"
  ),
  "decoder_rays": option.count(
    1024, "pixels that the style field renders for D"
  ),
  "refresh_every": option.count(
    20, "decoder steps between two makings of all stylized views"
  ),
  "mimic_field_weight": option.weight(1.0, "of the style field's error"),
  "mimic_coarse": option.Option(
    False, "the error of the coarse pass, too; needs a field that has one"
  ),
  "mimic_decoder_weight": option.weight(300.0, "of D's error"),
  "latent_weight": option.weight(0.1, "of the codes' likelihood"),
  "latent_normalise": option.Option(
    "variance",
    "what it is divided by",
    choices=("variance", "standard_deviation"),
  ),
  "learn_latents": option.Option(
    True, "False: every view has its style's mean"
  ),
  # Patches are not of the paper: field steps on what has D's content and style
  # losses, too, over the contrast of the painting: the mean variance of its
  # features, summed over layers, some tens.
  "patch_steps": option.Option(
    150, "field steps on patches, after those on rays", least=0, zero="none"
  ),
  "patch_groups": option.count(
    1, "groups of patches in a step, each in one style"
  ),
  "patches_per_step": option.count(8, "patches of each group"),
  "patch": option.Option(40, "pixels, a side of a patch", least=16),
  "patch_learning_rate": option.rate(
    0.001, "of the dense layers, at its largest"
  ),
  "patch_learning_rate_final": option.rate(
    0.0001, "of the dense layers, at the end"
  ),
  "patch_table_learning_rate": option.rate(
    0.01, "of feature tables, at its largest"
  ),
  "patch_table_learning_rate_final": option.rate(
    0.001, "of feature tables, at the end"
  ),
  "patch_warmup": option.Option(
    30, "patch steps in which the rates rise", least=0, zero="none"
  ),
  "patch_content_weight": option.weight(0.18, "of content, over the contrast"),
  "patch_style_weight": option.weight(1.44, "of style, over the contrast"),
  "patch_style_goal": option.weight(
    0.6,
    "the style loss counts down to so many times what the unadapted decoder "
    "reaches on patches of the scene",
    zero="all of it counts",
  ),
  "patch_spread_weight": option.weight(
    3.0, "of the variance of colours along a ray: soft surfaces of one colour"
  ),
  "content_weight": option.weight(1.0, "of D's content loss"),
  "style_weight": option.weight(1.0, "of D's style loss"),
  "consistency_weight": option.weight(
    100.0, "of neighbouring views' disagreement"
  ),
  "checkpoint_every": option.count(500, "field steps between two checkpoints"),
  "steps_per_dispatch": option.count(
    25, "steps of one call of the devices; best a divisor of decoder_every"
  ),
}

_EVALUATION = {
  "num_frames": option.count(60, "frames of the path that is scored"),
  "gaps": option.count((1, 7), "so many frames apart are those compared"),
}

TRAINING = {
  "checkpoint_minutes": option.Option(
    10.0,
    "most minutes between two checkpoints",
    least=0.0,
    zero="never by time",
  ),
  "checkpoints_kept": option.count(2, "checkpoints of a phase, the newest"),
  "checkpoints_kept_every": option.Option(
    0,
    "those of steps that are multiples of it are kept, too",
    least=0,
    zero="no others",
  ),
  "skipped_in_a_row": option.count(
    50, "steps whose losses are not finite end the run"
  ),
  "tensorboard": option.Option(False, "event files beside metrics.jsonl"),
  "rays_at_once": option.Option(
    0,
    "rays that a device trains on at a time; gradients of more are accumulated",
    least=0,
    zero="any; of the paper's networks on a CPU as many as its caches hold",
  ),
  "pixels_in_memory_mib": option.Option(
    512, "photographs that take more stay on disk", least=0, zero="all do"
  ),
}

_RENDERING = {
  "rays_per_chunk": option.Option(
    0,
    "most that a device gets at a time",
    least=0,
    zero="8192 on a CPU, elsewhere as many as 4 GiB hold of a layer",
  ),
  "rays_at_once": option.Option(
    0,
    "rays of these that are rendered together",
    least=0,
    zero="on a CPU as many as its caches hold, elsewhere all",
  ),
}

_PREVIEWS = {
  "every_seconds": option.Option(
    0.0,
    "least time between two pictures of a run in training, in RUN/previews; "
    "they take at most 5% of its time",
    least=0.0,
    zero="none",
  ),
  "size": option.Option(
    252, "pixels, their longer side, at most", least=16, most=1024
  ),
}

OPTIONS: dict[str, option.Option] = {
  "seed": option.Option(
    0, "all randomness follows from it", least=0, most=2**32 - 1
  ),
  "batch_scale": option.count(
    1,
    "rays of a step and their learning rates, times this: the linear scaling "
    "rule",
  ),
  **schema.section("scene", _SCENE),
  **schema.section("scene", jaxnerf_options.RAYS),
  **schema.section("styles", _STYLES),
  **schema.section("weights", _WEIGHTS),
  **schema.section("field", field_options.FIELD),
  **schema.section("field.hash_grid", _FIELD_HASH_GRID),
  **schema.section("field.positional", _FIELD_POSITIONAL),
  **schema.section("field.jaxnerf", jaxnerf_options.FIELD),
  **schema.section("style_field", _STYLE_FIELD),
  **schema.section("radiance_field", radiance_field_options.OPTIONS),
  **schema.section("geometry_cache", _GEOMETRY_CACHE),
  **schema.section("views", _VIEWS),
  **schema.section("stylizer", _STYLIZER),
  **schema.section("mutual_learning", _MUTUAL_LEARNING),
  **schema.section("mutual_learning.finish", finish_options.OPTIONS),
  **schema.section("evaluation", _EVALUATION),
  **schema.section("training", TRAINING),
  **schema.section("rendering", _RENDERING),
  **schema.section("previews", _PREVIEWS),
}
