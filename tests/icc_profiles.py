"""ICC profiles for tests, put together by the specification (ICC.1:2001-04)."""

import struct

import numpy as np

# XYZ of the primaries under D50, as the profiles of these spaces have them.
PRIMARIES = {
  "display_p3": (
    (0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419),
    (0.1571, 0.0666, 0.7841),
  ),
  "adobe_rgb": (
    (0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609),
    (0.1492, 0.0632, 0.7446),
  ),
  "prophoto": (
    (0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249),
  ),
  "srgb": (
    (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971),
    (0.1431, 0.0606, 0.7141),
  ),
}  # fmt: skip


def rgb(name: str, gamma: float) -> bytes:
  """A profile of three primaries and a power."""
  tags = {}
  for letter, values in zip("rgb", PRIMARIES[name], strict=True):
    tags[f"{letter}XYZ"] = b"XYZ " + bytes(4) + _fixed(*values)
    tags[f"{letter}TRC"] = _curve(gamma)
  return _profile(b"RGB ", b"XYZ ", tags, name)


def srgb_by_table(count: int) -> bytes:
  """An sRGB profile as scanners and cameras embed: a table of 1024 values."""
  values = np.linspace(0, 1, count)
  high = ((values + 0.055) / 1.055) ** 2.4
  light = np.where(values <= 0.04045, values / 12.92, high)
  curve = b"curv" + bytes(4) + struct.pack(">I", count)
  curve += np.rint(65535 * light).astype(">u2").tobytes()
  tags = {}
  for letter, values in zip("rgb", PRIMARIES["srgb"], strict=True):
    tags[f"{letter}XYZ"] = b"XYZ " + bytes(4) + _fixed(*values)
    tags[f"{letter}TRC"] = curve
  return _profile(b"RGB ", b"XYZ ", tags, "sRGB IEC61966-2.1")


def grey(gamma: float) -> bytes:
  """A profile of a grey scale."""
  return _profile(b"GRAY", b"XYZ ", {"kTRC": _curve(gamma)}, f"gamma {gamma}")


def cmyk(nodes: np.ndarray) -> bytes:
  """A profile of inks.

  Args:
    nodes: [2, 2, 2, 2, 3], Lab of no or all of C, M, Y and K.
  """
  lab = np.asarray(nodes) * [2.55, 1, 1] + [0, 128, 128]
  straight = bytes(range(256))
  table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
  table += _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + 4 * straight
  table += np.rint(lab).astype(np.uint8).tobytes() + 3 * straight
  tags = {f"A2B{intent}": table for intent in range(3)}
  return _profile(b"CMYK", b"Lab ", tags, "inks")


def to_srgb(name: str, gamma: float, stored) -> np.ndarray:
  """What stored values of a profile are in sRGB, in [0, 255], unrounded."""
  light = (np.asarray(stored) / 255) ** gamma
  xyz = np.array(PRIMARIES[name]).T @ light
  light = np.linalg.solve(np.array(PRIMARIES["srgb"]).T, xyz)
  return 255 * np.array([srgb_value(v) for v in np.clip(light, 0, 1)])


def srgb_value(light: float) -> float:
  """Light in [0, 1] to an sRGB value in [0, 1]."""
  if light <= 0.0031308:
    return 12.92 * light
  return 1.055 * light ** (1 / 2.4) - 0.055


def _fixed(*values: float) -> bytes:
  return struct.pack(f">{len(values)}i", *(round(v * 65536) for v in values))


def _curve(gamma: float) -> bytes:
  return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def _profile(space: bytes, connection: bytes, tags: dict, name: str) -> bytes:
  text = name.encode() + b"\0"
  tags = {
    "desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text
    + bytes(78),
    "cprt": b"text" + bytes(4) + b"none\0",
    "wtpt": b"XYZ " + bytes(4) + _fixed(0.9642, 1, 0.8249),
    **tags,
  }  # fmt: skip
  table, body, start = b"", b"", 132 + 12 * len(tags)
  for tag, data in tags.items():
    data += bytes(-len(data) % 4)
    table += tag.encode() + struct.pack(">II", start + len(body), len(data))
    body += data
  kind = b"prtr" if space == b"CMYK" else b"mntr"
  head = struct.pack(">I", start + len(body)) + bytes(4) + b"\x02\x40\0\0"
  head += kind + space + connection + bytes(12) + b"acsp" + bytes(28)
  head += _fixed(0.9642, 1, 0.8249) + bytes(48)
  return head + struct.pack(">I", len(tags)) + table + body
