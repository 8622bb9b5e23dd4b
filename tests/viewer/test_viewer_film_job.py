"""Films in the background: told of, cancelled, and what goes wrong said."""

import threading

import pytest

from stylized_nerf_jax.outputs import video
from stylized_nerf_jax.scenes import camera_path
from stylized_nerf_jax.tasks import film_plan
from stylized_nerf_jax.viewer import film_job

_PATIENCE = 120.0


@pytest.fixture
def plan(model):
  keys = tuple(
    camera_path.Key(
      0.5 * i, model.scene.cameras[i].camera_to_world, 45.0, one, 1.0
    )
    for i, one in enumerate(({"mosaic": 1.0}, {"ink-wash": 1.0}))
  )
  path = camera_path.CameraPath(keys, width=24, height=16, fps=8.0)
  return film_plan.of_camera_path(model, path, source="here")


def _run(model, plan, out, tell=lambda *_: None, dials=()):
  ended, told = threading.Event(), []
  result = []

  def end(*how):
    result.extend(how)
    ended.set()

  job = film_job.FilmJob(
    model,
    plan,
    out,
    dials=dict(dials),
    tell=lambda *how: (told.append(how), tell(job)),
    ended=end,
  )
  job.start()
  assert ended.wait(_PATIENCE) and job.join(_PATIENCE)
  return result, told


def test_a_film_is_written(model, plan, tmp_path):
  out = tmp_path / "film.mp4"
  (written, error), told = _run(model, plan, out, dials={"palette": 0.5})
  assert (written, error) == (out, None)
  assert told == [(i, 5) for i in range(1, 6)]
  assert len(list(video.read_video(out))) == 5


def test_a_film_that_is_cancelled_leaves_nothing(model, plan, tmp_path):
  out = tmp_path / "film.mp4"
  result, told = _run(model, plan, out, tell=lambda job: job.cancel())
  assert result == [None, None] and len(told) == 1
  assert not list(tmp_path.iterdir())


def test_what_goes_wrong_is_said(model, plan, tmp_path):
  (tmp_path / "film.mp4").mkdir()
  (written, error), _ = _run(model, plan, tmp_path / "film.mp4")
  assert written is None and "film.mp4" in str(error)
