"""How commands end: what can be done next with what they made.

What a command has written it says with "wrote FILE" when it is written; here,
at the end, stand the commands that go on from there. All of them are in one
table, so that they are said in one way and can be tried by a test.
"""

import importlib.util
import shlex

# What for, and the command; capitals are the user's to replace.
STEPS = {
  "look": ("to look around in it", "view {run}"),
  "film": (
    "for a film of every style",
    "render {run} --style all --out FILM.mp4",
  ),
  "flight": ("for a film of it", "render {run} --style none --out FILM.mp4"),
  "score": ("for scores, and what to change", "evaluate {run}"),
  "report": ("for all of it on one page, with films", "report {run}"),
  "export": (
    "to take it elsewhere",
    "export {run} --format html --out FILE.html",
  ),
  "go on": ("to go on", "train {run} --config={run}/config.json"),
  "region": (
    "to paint it",
    "render {run} --region {name}=STYLE --out FILM.mp4",
  ),
  "style": ("for a film in it", "render {run} --style {name} --out FILM.mp4"),
  "new style": ("to bring a painting back", "add-style {run} PICTURE"),
  "new region": (
    "to make one",
    "region {run} --name NAME --mask MASK.png --view PHOTO",
  ),
  "inspect": ("to check it", "inspect {scene}"),
  "train": (
    "to train on it",
    "train RUN --config fast --config.scene.path={scene} "
    "--config.styles.path=PAINTINGS",
  ),
  "paint": (
    "to paint a scene in them",
    "train RUN --config fast --config.scene.path=SCENE "
    "--config.styles.path={styles}",
  ),
  "weights": (
    "to train runs with it",
    "train RUN --config fast --config.scene.path=SCENE "
    "--config.styles.path=PAINTINGS",
  ),
  "begin": (
    "to begin with a scene of your own",
    "capture PHOTOS_OR_VIDEO --out SCENE",
  ),
  "capture": ("to find cameras anew", "capture PHOTOS_OR_VIDEO --out SCENE"),
  "preset": (
    "to train it",
    "train RUN --config fast --config.scene.path=SCENE "
    "--config.styles.path=PAINTINGS",
  ),
}


def say(*names: str, more: tuple[str, ...] = (), **places) -> None:
  """Says what can be done next, a line for each step.

  Commands that this version does not have are left out.

  Args:
    *names: of steps, the likeliest first.
    more: words that every command gets at its end.
    **places: what stands for {run}, {scene}, {name} or {styles}.
  """
  # Brings jax, which the help of commands does not wait for.
  from stylized_nerf_jax.host import progress

  quoted = {key: shlex.quote(str(value)) for key, value in places.items()}
  for name in names:
    purpose, template = STEPS[name]
    if not _exists(template.split()[0]):
      continue
    words = [template.format(**quoted), *map(shlex.quote, more)]
    progress.say(f"next, {purpose}: `stylized-nerf {' '.join(words)}`")


def _exists(command: str) -> bool:
  """Tells whether there is a command; of another module than its name's."""
  package = __package__.rpartition(".")[0]
  name = command.replace("-", "_")
  modules = (name, f"sources.{name}", f"sources.{name}_scene")
  return any(importlib.util.find_spec(f"{package}.{one}") for one in modules)
