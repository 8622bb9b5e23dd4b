"""Which way of finding cameras is tried after which, and which one wins."""

import pytest

from stylized_nerf_jax.captures import ladder, mapping

_MORE = ", more matches"


def _model(placed, *, plausible=True):
  names = tuple(f"{i:03d}.jpg" for i in range(placed))
  return mapping.Model("", names, 10 * placed, 0.5, plausible)


class _World:
  """Ways and what each would place; notes what was tried.

  A negative count is that of a model whose focal lengths ran away.
  """

  def __init__(self, places, could=20, more=False, images=20):
    self.places, self.could, self.more = places, could, more
    self.images, self.tried, self.attempts = images, [], []

  def attempt(self, way):
    self.tried.append(way)
    count = self.places.get(way, 0)
    models = [_model(abs(count), plausible=count > 0)] if count else []
    return ladder.Attempt(way, tuple(models))

  def match_more(self):
    self.tried.append("match")
    return self.more

  def climb(self, one_focal=True):
    return ladder.climb(
      self.attempts,
      self.images,
      one_focal=one_focal,
      could_be_placed=lambda: self.could,
      attempt=self.attempt,
      match_more=self.match_more,
    )


def test_where_the_first_way_places_all_nothing_else_is_tried():
  world = _World({"default": 20})
  assert world.climb().way == "default"
  assert world.tried == ["default"]


@pytest.mark.parametrize(
  ("places", "tried", "won"),
  [
    ({"default": 4, "small-angle": 20}, 2, "small-angle"),
    ({"default": 4, "small-angle": 6, "global": 20}, 3, "global"),
    # None places all: the best so far, and the earlier one of equals.
    ({"default": 16, "small-angle": 19, "global": 18}, 3, "small-angle"),
    ({"default": 19, "small-angle": 19, "global": 19}, 3, "default"),
  ],
)
def test_ways_are_tried_until_all_are_placed(places, tried, won):
  world = _World(places)
  assert world.climb().way == won
  assert world.tried == ["default", "small-angle", "global"][:tried]


def test_images_that_nothing_holds_are_not_looked_for():
  """One of elsewhere among twenty; two blurred ones among a hundred."""
  world = _World({"default": 19}, could=19)
  assert world.climb().placed == 19 and world.tried == ["default"]
  world = _World({"default": 98}, could=100, images=100)
  assert world.climb().placed == 98 and world.tried == ["default"]
  world = _World({"default": 97}, could=100, images=100)
  assert world.climb().placed == 97 and len(world.tried) == 3


def test_where_no_two_images_match_only_more_matches_can_help():
  world = _World({}, could=0)
  assert world.climb().placed == 0
  assert world.tried == ["default", "match"]


def test_more_is_compared_where_too_few_are_placed():
  places = {"default": 3, "small-angle" + _MORE: 14, "global" + _MORE: 20}
  world = _World(places, more=True)
  assert world.climb().way == "global" + _MORE
  first = ["default", "small-angle", "global", "match"]
  assert world.tried == first + ["small-angle" + _MORE, "global" + _MORE]
  assert ladder.in_words("global" + _MORE) == "global mapping, more matches"
  # Fifteen of twenty are enough, and fourteen are not.
  assert "match" not in _climbed({"default": 15}).tried
  assert "match" in _climbed({"default": 14}).tried


def _climbed(places):
  world = _World(places)
  world.climb()
  return world


def test_lenses_that_cannot_be_are_the_last_choice():
  world = _World({"default": -20, "global": -20, "one-focal": 20})
  assert world.climb().way == "one-focal"
  assert world.tried == ["default", "small-angle", "global", "one-focal"]
  # A lens with one focal length has no such way.
  world = _World({"default": -20})
  assert world.climb(one_focal=False).way == "default"
  assert world.tried == ["default", "small-angle", "global"]
  # A sound model of enough images goes before an unsound one of all.
  assert _World({"default": -20, "global": 16}).climb().way == "global"
  assert _World({"default": -20, "global": 9}).climb().way == "default"


def test_what_was_tried_before_is_not_tried_again():
  world = _World({"small-angle": 7, "global": 20})
  world.attempts = [ladder.Attempt("default", (_model(5),))]
  assert world.climb().way == "global"
  assert world.tried == ["small-angle", "global"]
  assert [one.placed for one in world.attempts] == [5, 7, 20]
