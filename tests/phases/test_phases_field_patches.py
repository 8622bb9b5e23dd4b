"""Field steps on patches: what is drawn, and what its losses are."""

import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import (
  adaptation,
  mutual_learning,
  mutual_steps,
  radiance_field,
  run_styles,
  style_goals,
)
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.stylizer import stylize, vgg
from stylized_nerf_jax.views import (
  rendered_views,
  stylized_views,
  view_features,
)

_SIZE = 16


class _Setting:
  """A finished run, its nets, and the targets that its decoder makes."""

  def __init__(self, path, folder):
    self.run = run_folder.RunFolder(path)
    self.model = model_lib.StylizedNerf.load(path)
    config = self.model.config
    self.nets = stylizer_nets.load_nets(config.weights)
    self.facts = stylizer_nets.style_facts(
      self.nets, run_styles.stored(self.run)
    )
    rendered = rendered_views.load_or_render(
      config, self.run, self.model.params["field"]
    )
    self.cameras = rendered.cameras
    self.features = view_features.load_or_encode(
      self.run.phase_path(radiance_field.PHASE), rendered, self.nets
    )
    self.targets = stylized_views.Targets(
      folder, rendered.cameras, self.features, self.facts
    )
    self.folder = folder
    self.targets.remake(adaptation.load_decoder(self.run, self.nets))

  def image(self, style: int, view: int) -> np.ndarray:
    """The stylized view as the file holds it."""
    name = f"{self.facts.hashes[style][:16]}.npy"
    height, width = int(self.cameras.height[0]), int(self.cameras.width[0])
    pixels = np.load(self.folder / name)
    return pixels.reshape(len(self.cameras), height, width, 3)[view]


@pytest.fixture(scope="module")
def setting(finished_run, tmp_path_factory):
  with pytest.MonkeyPatch.context() as patch:
    tiny_run.small_networks(patch)
    yield _Setting(finished_run, tmp_path_factory.mktemp("targets"))


def test_patches_are_cut_from_the_stylized_views(setting):
  seen = set()
  for seed in range(5):
    random = np.random.default_rng(seed)
    batch = setting.targets.draw_patches(random, 3, _SIZE)
    style = int(batch.style[0])
    for i in range(3):
      view, (x, y) = int(batch.view[0, i]), batch.corner[0, i]
      seen.add((style, view, int(x), int(y)))
      assert x % 8 == 0 and y % 8 == 0
      image = setting.image(style, view)
      np.testing.assert_array_equal(
        batch.colors[0, i], image[y : y + _SIZE, x : x + _SIZE]
      )
      features = np.asarray(setting.features[view], np.float32)
      np.testing.assert_array_equal(
        batch.features[0, i],
        features[y // 8 : y // 8 + 2, x // 8 : x // 8 + 2],
      )
  assert len(seen) > 10
  assert len({style for style, *_ in seen}) == 2


def test_groups_are_drawn_one_after_the_other(setting):
  one = setting.targets.draw_patches(np.random.default_rng(1), 2, _SIZE)
  more = setting.targets.draw_patches(
    np.random.default_rng(1), 2, _SIZE, groups=3
  )
  for alone, among in zip(jax.tree.leaves(one), jax.tree.leaves(more)):
    assert among.shape == (3, *alone.shape[1:])
    np.testing.assert_array_equal(among[:1], alone)
  assert not np.array_equal(more.colors[0], more.colors[2])


def test_a_patch_larger_than_a_view_is_made_smaller(setting):
  height = int(setting.cameras.height[0])
  batch = setting.targets.draw_patches(np.random.default_rng(0), 1, 1000)
  assert batch.colors.shape[2:4] == (height // 8 * 8,) * 2


@pytest.fixture(scope="module")
def losses(setting):
  """Function: weights of the losses -> (gradient, metrics, batch)."""
  model = setting.model
  batch = setting.targets.draw_patches(np.random.default_rng(3), 3, _SIZE)
  params = {k: model.params[k] for k in ("style_field", "latents")}

  @jax.jit
  def run(batch, goals, **weights):
    options = model.config.mutual_learning.to_dict() | weights
    config = types.SimpleNamespace(
      field=model.config.field,
      style_field=model.config.style_field,
      rendering=model.config.rendering,
      views=model.config.views,
      mutual_learning=types.SimpleNamespace(**options),
    )
    steps = mutual_steps.MutualSteps(
      config, model.scene, setting.facts, model.params["field"]
    )
    constants = steps.patch_constants(setting.nets, setting.facts, goals)
    loss = functools.partial(
      steps.patch_loss, layout=setting.nets.encoder.layout
    )
    return jax.grad(loss, has_aux=True)(params, constants, batch, None)

  def weigh(
    mimic=0.0,
    content=0.0,
    style=0.0,
    latent=0.0,
    spread=0.0,
    batch=batch,
    goals=(0.0, 0.0),
  ):
    return run(
      batch,
      jnp.array(goals),
      mimic_field_weight=mimic,
      patch_content_weight=content,
      patch_style_weight=style,
      latent_weight=latent,
      patch_spread_weight=spread,
    )

  return types.SimpleNamespace(weigh=weigh, batch=batch)


def _largest(tree) -> float:
  return max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(tree))


def _contrast(setting, losses) -> float:
  """Of the batch's style: mean variance of its features, over all layers."""
  style = int(losses.batch.style[0])
  layers = setting.facts.statistics.values()
  return sum((std[style] ** 2).mean() for _, std in layers)


def test_each_loss_of_a_patch_has_a_weight(setting, losses):
  nothing, metrics = losses.weigh()
  assert _largest(nothing) == 0 and metrics["loss"] == 0
  for name in ("mimic", "content", "style", "spread"):
    gradient, metrics = losses.weigh(**{name: 2.0})
    assert set(gradient) == {"style_field", "latents"}
    assert all(_largest(part) > 0 for part in gradient.values()), name
    wanted = 2 * metrics[name]
    if name in ("content", "style"):
      wanted /= _contrast(setting, losses)
    np.testing.assert_allclose(metrics["loss"], wanted, rtol=1e-5)


def test_losses_are_those_of_the_rendered_pictures(setting, losses):
  """Against whole pictures rendered through the public model."""
  _, metrics = losses.weigh(mimic=1.0, content=1.0, style=1.0)
  model, batch = setting.model, losses.batch
  style = int(batch.style[0])
  cameras = model.scene.split("train")
  patches = []
  for i, (x, y) in enumerate(batch.corner[0]):
    view = int(batch.view[0, i])
    code = model.params["latents"][style, view]
    if i % 2:
      code = setting.facts.latent_mean[style]
    whole = model.render(cameras[view], latent=code).rgb
    patches.append(whole[y : y + _SIZE, x : x + _SIZE])
  error = np.stack(patches) - batch.colors[0] / 255.0
  np.testing.assert_allclose(metrics["mimic"], (error**2).mean(), rtol=1e-4)

  apply = jax.jit(vgg.VggEncoder(setting.nets.encoder.layout).apply)
  encoded = apply(
    {"params": setting.nets.encoder.params}, jnp.asarray(np.stack(patches))
  )
  mean, std = (s[style] for s in setting.facts.statistics["relu4_1"])
  target = batch.features[0] * std + mean
  wanted = ((np.asarray(encoded["relu4_1"]) - target) ** 2).mean()
  np.testing.assert_allclose(metrics["content"], wanted, rtol=1e-3)

  total = 0.0
  for name, value in encoded.items():
    values = np.asarray(value, np.float64).reshape(-1, value.shape[-1])
    mean, std = (s[style] for s in setting.facts.statistics[name])
    total += ((values.mean(0) - mean) ** 2).mean()
    spread = np.sqrt(values.var(0, ddof=1) + 1e-5)
    total += ((spread - std) ** 2).mean()
  np.testing.assert_allclose(metrics["style"], total, rtol=1e-3)


def test_style_counts_down_to_its_goal(setting, losses):
  whole, metrics = losses.weigh(style=1.0)
  goals = np.zeros(2, np.float32)
  goals[int(losses.batch.style[0])] = 0.75 * metrics["style"]
  part, fewer = losses.weigh(style=1.0, goals=goals)
  np.testing.assert_allclose(fewer["style"], metrics["style"], rtol=1e-6)
  np.testing.assert_allclose(fewer["loss"], metrics["loss"] / 4, rtol=1e-4)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-8),
    whole,
    part,
  )
  nothing, reached = losses.weigh(style=1.0, goals=2 * goals)
  assert reached["loss"] == 0 and _largest(nothing) == 0


def test_groups_are_averaged(losses):
  twice = jax.tree.map(lambda v: np.concatenate([v, v]), losses.batch)
  one, _ = losses.weigh(style=1.0, mimic=1.0)
  two, _ = losses.weigh(style=1.0, mimic=1.0, batch=twice)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-7),
    one,
    two,
  )


def test_goals_are_what_the_unadapted_decoder_reaches(setting):
  """Against whole views that the public functions stylize."""
  count, groups = 3, 2
  goals = style_goals.measure(
    setting.nets,
    setting.facts,
    setting.features,
    count=count,
    size=_SIZE,
    groups=groups,
  )
  shape = np.array(setting.features[0].shape[:2]) * 8
  size = min(_SIZE + 32, *shape)
  rim = min(16, size // 4)
  random = np.random.default_rng([0, 6])
  losses = np.zeros((groups, len(goals)))
  for group in range(groups):
    views_of = random.integers(len(setting.features), size=count)
    corners = [
      [
        8 * int(random.integers(0, (side - size) // 8 + 1))
        for side in shape[::-1]
      ]
      for _ in range(count)
    ]
    for style in range(len(goals)):
      mean, std = (s[style] for s in setting.facts.statistics["relu4_1"])
      patches = []
      for view, (x, y) in zip(views_of, corners):
        features = np.asarray(setting.features[view], np.float32)
        cells = features[y // 8 : (y + size) // 8, x // 8 : (x + size) // 8]
        image = stylize.decode(
          setting.nets.decoder,
          jnp.asarray(cells * std + mean)[None],
          size,
          size,
        )[0]
        patches.append(image[rim:-rim, rim:-rim])
      encoded = vgg.VggEncoder(setting.nets.encoder.layout).apply(
        {"params": setting.nets.encoder.params}, jnp.stack(patches)
      )
      for name, value in encoded.items():
        values = np.asarray(value, np.float64).reshape(-1, value.shape[-1])
        mean, std = (s[style] for s in setting.facts.statistics[name])
        losses[group, style] += ((values.mean(0) - mean) ** 2).mean()
        spread = np.sqrt(values.var(0, ddof=1) + 1e-5)
        losses[group, style] += ((spread - std) ** 2).mean()
  np.testing.assert_allclose(goals, losses.mean(0), rtol=1e-3)


def test_the_phase_takes_its_patch_steps(finished_run):
  run = run_folder.RunFolder(finished_run)
  checkpoints = run.checkpoints(mutual_learning.PHASE)
  options = run.config().mutual_learning
  assert options.patch_steps
  wanted = options.steps + options.patch_steps
  assert checkpoints.latest_step() == wanted
