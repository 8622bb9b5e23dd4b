#!/usr/bin/env bash
# jax 0.10.2, a forward-mode derivative of a function with `jax.custom_vjp`,
# which has none. A call of `jax.jvp` or `jax.linearize` raises TypeError, as it
# should. But `jax.eval_shape`, `jax.make_jaxpr` and `jax.jit(...).trace` of the
# same succeed and give shapes and a program; the error comes when that is
# lowered. `jax.jacfwd`, which maps over directions, raises it from the start.
# So a check of shapes that computes nothing does not find that a derivative is
# missing.
# Expected: TypeError in all cases. Seen: only on lowering for the first two.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$work/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp


@jax.custom_vjp
def sine(x):
  return jnp.sin(x)


sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (g * jnp.cos(x),))
DERIVATIVES = {
  "jvp": lambda x: jax.jvp(sine, (x,), (1.0,)),
  "jacfwd": jax.jacfwd(sine),
  "linearize": lambda x: jax.linearize(sine, x)[1](1.0),
}
STEPS = {
  "eval_shape": lambda f: jax.eval_shape(f, 1.0),
  "make_jaxpr": lambda f: jax.make_jaxpr(f)(1.0),
  "trace": lambda f: jax.jit(f).trace(1.0),
  "lower": lambda f: jax.jit(f).lower(1.0),
  "call": lambda f: f(1.0),
}


def tried(step, derivative):
  try:
    step(derivative)
  except TypeError:
    return "TypeError"
  return "passes"


print("jax", jax.__version__)
for name, derivative in DERIVATIVES.items():
  found = {key: tried(step, derivative) for key, step in STEPS.items()}
  print(name, found)
  tracing = "TypeError" if name == "jacfwd" else "passes"
  assert found == {
    "eval_shape": tracing,
    "make_jaxpr": tracing,
    "trace": tracing,
    "lower": "TypeError",
    "call": "TypeError",
  }
PY
