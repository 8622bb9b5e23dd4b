"""What is told to whom."""

from stylized_nerf_jax.host import progress


def test_what_takes_much_room_is_told_to_everybody(capsys):
  """The rest only to those who asked for details."""
  progress.on_disk("little", 2**20)
  progress.on_disk("much", 2**30)
  assert capsys.readouterr().err.splitlines() == ["much"]
