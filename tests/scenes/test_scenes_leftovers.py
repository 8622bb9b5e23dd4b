"""What was found and not used is named, not all of many."""

import pathlib

from stylized_nerf_jax.scenes import leftovers


def test_many_names_are_some_and_a_count():
  assert leftovers.some(["a"]) == "a"
  # "and 1 more" would not be shorter than the name.
  assert leftovers.some("abcd") == "a, b, c, d"
  assert leftovers.some("abcdef") == "a, b, c and 3 more"


def test_what_is_left_out_is_said_once():
  assert leftovers.left_out([], "picture", "has no pose") == []
  assert leftovers.left_out(["x.png"], "picture", "has no pose") == [
    "1 picture is not used, for it has no pose: x.png"
  ]
  assert leftovers.left_out("abcdef", "picture", "has no pose") == [
    "6 pictures are not used, for each has no pose: a, b, c and 3 more"
  ]


def test_keys_nobody_reads_are_named():
  source = pathlib.Path("somewhere/transforms.json")
  assert leftovers.unread_keys({"w": 1, "h": 2}, ("w", "h"), source) == []
  assert leftovers.unread_keys({"w", "scale", "aabb"}, ("w",), source) == [
    "transforms.json: not read: aabb, scale"
  ]
