#!/usr/bin/env bash
# optax 0.2.8, `optax.contrib.muon`. Leaves that are no matrices are left to Adam,
# at the rate `adam_learning_rate`. These steps are not those of `optax.adam` but
# those of `optax.nadam`: the option that turns on Nesterov's momentum, which is
# on by default, counts for both.
# Expected: a first step of the rate, 0.01. Seen: 0.014737; with nesterov=False
# it is 0.01.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 optax==0.2.8
JAX_PLATFORMS=cpu "$work/venv/bin/python" - <<'PY'
import importlib.metadata

import jax.numpy as jnp
import optax

OPTIMIZERS = {
  "muon": optax.contrib.muon(1.0, adam_learning_rate=0.01),
  "muon, nesterov=False": optax.contrib.muon(
    1.0, adam_learning_rate=0.01, nesterov=False
  ),
  "adam": optax.adam(0.01),
  "nadam": optax.nadam(0.01),
}


def first_step(optimizer):
  params = {"bias": jnp.zeros(3)}
  updates, _ = optimizer.update(
    {"bias": jnp.ones(3)}, optimizer.init(params), params
  )
  return round(float(-updates["bias"][0]), 6)


steps = {name: first_step(made) for name, made in OPTIMIZERS.items()}
print("optax", importlib.metadata.version("optax"), steps)
assert steps["adam"] == steps["muon, nesterov=False"] == 0.01
assert steps["muon"] == steps["nadam"] == 0.014737
PY
