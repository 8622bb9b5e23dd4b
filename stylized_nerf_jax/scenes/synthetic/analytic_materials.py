"""Textures of the synthetic scene, and the sky on its dome.

A texture takes points and normals [N, 3] in the shape's own axes and returns
albedos [N, 3], sRGB values in [0, 1]; detail is at least some 5 hundredths of
a unit wide.
"""

import numpy as np

_WAVES = np.random.default_rng(7).normal(size=(7, 3))


def _rgb(code: str) -> np.ndarray:
  return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)]) / 255


def _mix(first, second, part) -> np.ndarray:
  first = np.asarray(first)
  return first + (np.asarray(second) - first) * part[:, None]


def _soft(values: np.ndarray, width: float = 0.05) -> np.ndarray:
  """A step from 0 to 1 at 0, smoothed over `width`."""
  t = np.clip(values / width + 0.5, 0, 1)
  return t * t * (3 - 2 * t)


def smooth_noise(points: np.ndarray, frequency: float) -> np.ndarray:
  """A sum of plane waves at points [N, 3]: [N], about within +-1."""
  total = 0.0
  for k, wave in enumerate(_WAVES):
    phase = frequency * (points @ wave) + 1.7 * k
    total = total + np.sin(phase + 0.8 * np.sin(phase * 0.5 + k))
  return total / (0.7 * len(_WAVES))


def _checker(points, normals, *, cell, light, dark):
  cells = np.floor(points / cell + 1e-4 * normals + 0.5).sum(-1)
  return _mix(_rgb(dark), _rgb(light), cells % 2)


def _wood(points, normals):
  rings = np.hypot(points[:, 0] + 0.5, points[:, 2] - 0.3)
  grain = np.sin(46 * rings + 2.2 * smooth_noise(points, 3.0))
  body = _mix(_rgb("7a4a22"), _rgb("c88d4c"), 0.5 + 0.5 * grain)
  planks = np.abs((points / 0.165 + 0.5) % 1 - 0.5).min(
    axis=-1, where=np.abs(normals) < 0.5, initial=1.0
  )
  return _mix(_rgb("3d2412"), body, _soft(planks - 0.06, 0.05))


def _brick(points, normals):
  turn = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi)
  row = points[:, 2] / 0.105
  along = turn * 9 + 0.5 * (np.floor(row) % 2)
  edge = np.minimum(
    np.abs(row - np.round(row)), 1.6 * np.abs(along - np.round(along))
  )
  lot = np.sin(12.9 * np.floor(row) + 78.2 * (np.floor(along) % 9)) * 43.7
  body = _mix(_rgb("8f3a2a"), _rgb("c96a48"), lot - np.floor(lot))
  return _mix(_rgb("d9cdb8"), body, _soft(edge - 0.09, 0.08))


def _roof(points, normals):
  turn = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi)
  row = points[:, 2] / 0.085
  scallop = row + 0.35 * np.abs(np.sin(np.pi * (turn * 12 + 0.5 * row)))
  part = scallop - np.floor(scallop)
  return _mix(_rgb("274a6d"), _rgb("6fa3b5"), part)


def _stripes(points, normals):
  height = points @ np.array([0.25, 0.1, 0.96])
  wave = np.sin(22 * height + 0.9 * np.sin(5 * points[:, 0]))
  body = _mix(_rgb("f3ead6"), _rgb("cf3f35"), _soft(wave, 0.35))
  band = np.abs(height) < 0.045
  return np.where(band[:, None], _rgb("1f3f73"), body)


def _marble(points, normals):
  vein = np.abs(smooth_noise(points, 7.0))
  body = _mix(_rgb("2f8f83"), _rgb("d8f0e2"), np.clip(vein * 1.3, 0, 1))
  return _mix(_rgb("134a4f"), body, _soft(vein - 0.08, 0.1))


def _candy(points, normals):
  turn = np.arctan2(points[:, 1], points[:, 0])
  wave = np.sin(9 * turn + 2.5 * np.arctan2(points[:, 2], 0.1))
  return _mix(_rgb("f2b632"), _rgb("7b2d8b"), _soft(wave, 0.5))


def _leaves(points, normals):
  turn = np.arctan2(points[:, 1], points[:, 0])
  layer = points[:, 2] / 0.15 + 0.18 * np.sin(7 * turn)
  part = layer - np.floor(layer)
  body = _mix(_rgb("1e5a34"), _rgb("7fb24a"), part)
  return body * (1 + 0.08 * smooth_noise(points, 9.0))[:, None]


def _ground(points, normals):
  away = np.hypot(points[:, 0], points[:, 1])
  turn = np.arctan2(points[:, 1], points[:, 0])
  rough = smooth_noise(points * [1, 1, 0], 1.5)
  # Courses whose tiles keep their shape while they grow outwards.
  ring = np.log(np.maximum(away, 0.12)) / np.log(1.34)
  odd = (np.floor(ring) + np.floor(turn / (2 * np.pi) * 22)) % 2
  tiles = _mix(_rgb("b98f63"), _rgb("ead9b5"), odd)
  tiles = tiles * (1 + 0.06 * rough)[:, None]
  kerb = np.abs(away - 1.47) < 0.06
  tiles = np.where(kerb[:, None], _rgb("8a3f33"), tiles)
  meadow = _mix(
    _rgb("5f8a3a"), _rgb("b9bf58"), np.clip(0.5 + 0.4 * rough, 0, 1)
  )
  fine = smooth_noise(points * [1, 1, 0], 5.0)
  meadow = _mix(meadow, _rgb("3f6b3a"), np.clip(0.4 * fine, 0, 0.5))
  meadow = _mix(meadow, _rgb("cfd3a8"), np.clip((away - 1.8) / 3.2, 0, 0.75))
  return np.where((away < 1.53)[:, None], tiles, meadow)


def _toy(points, normals):
  return _checker(points, normals, cell=0.13, light="f7e3a1", dark="2c6e9b")


def _trunk(points, normals):
  return _rgb("5b3d28") * (1 + 0.15 * smooth_noise(points, 12.0))[:, None]


MATERIALS = {
  "wood": _wood,
  "brick": _brick,
  "roof": _roof,
  "stripes": _stripes,
  "marble": _marble,
  "candy": _candy,
  "leaves": _leaves,
  "ground": _ground,
  "toy": _toy,
  "trunk": _trunk,
}


def sky(points: np.ndarray, radius: float) -> np.ndarray:
  """Colour [N, 3] of points [N, 3] on a dome of a radius about the origin."""
  height = np.clip(points[:, 2] / radius, 0, 1)
  turn = np.arctan2(points[:, 1], points[:, 0])
  low = _mix(_rgb("fbe0bd"), _rgb("a9cbe0"), np.clip(height / 0.22, 0, 1))
  colours = _mix(low, _rgb("4f86c0"), np.clip((height - 0.15) / 0.5, 0, 1))
  drift = points / radius * [1, 1, 2.6]
  cloud = smooth_noise(drift, 2.6) + 0.5 * smooth_noise(drift, 6.0)
  colours = _mix(colours, _rgb("fffaf0"), 0.8 * _soft(cloud - 0.25, 0.9))
  for base, swing, tint in ((0.085, 0.03, "93aebb"), (0.045, 0.022, "6f9482")):
    hill = base + swing * (
      np.sin(3 * turn + 40 * base) + 0.6 * np.sin(8 * turn + 90 * base)
    )
    colours = _mix(colours, _rgb(tint), _soft(hill - height, 0.006))
  return np.clip(colours, 0, 1)
