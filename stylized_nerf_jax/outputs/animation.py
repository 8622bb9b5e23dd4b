"""Write pictures that move: GIF, WebP and APNG, which pages and chats show.

They go through imageio, need no extra, and repeat for ever. Frames are kept
until the end and made smaller where they are large: none of these formats
predicts motion as a video does, and a GIF has 256 colours.
"""

import pathlib

import imageio.v3 as imageio
import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import image_writer, video

ENDINGS = (".gif", ".webp", ".apng")
# Pixels: frames with a longer side are reduced to it.
LONGEST_SIDE = 640
# Browsers show a GIF's frames of less than two hundredths of a second slowly.
_MOST_FPS = 50
_WEBP = {"quality": 85, "method": 4}
# A GIF's one palette is taken from so many frames, and every third pixel.
_PALETTE_FRAMES, _PALETTE_STEP = 12, 3


class AnimationWriter:
  """Write frames to a picture that moves; used as `video.VideoWriter` is.

  Where the block ends by an exception nothing is left behind, and a file that
  had the name before is kept.
  """

  def __init__(self, path: str | pathlib.Path, *, fps: float = 24):
    """Prepare to write; the first frame tells whether it can be.

    Args:
      path: file to write, ending in .gif, .webp or .apng.
      fps: frames per second, above 0, up to 50; a GIF's frames last whole
        hundredths of a second.

    Raises:
      ValueError: an argument is out of range.
    """
    self.path = pathlib.Path(path)
    ending = self.path.suffix.lower()
    if ending not in ENDINGS:
      raise user_error.UserError(
        f"{path}: expected a name that ends in one of {', '.join(ENDINGS)}"
      )
    if not 0 < fps <= _MOST_FPS:
      raise user_error.UserError(
        f"fps is {fps}; expected above 0, up to {_MOST_FPS} for "
        f"{self.path.suffix}"
      )
    self._partial = self.path.with_name(f".{self.path.stem}.partial{ending}")
    self._duration = 1000 / fps
    self._frames: list[np.ndarray] = []
    self._shape: tuple[int, ...] | None = None

  def __enter__(self) -> "AnimationWriter":
    return self

  def __exit__(self, kind, error, trace) -> None:
    if kind is None:
      self.close()
    else:
      self._partial.unlink(missing_ok=True)

  def append(self, frame: np.ndarray) -> None:
    """Add a frame.

    Args:
      frame: [H, W, 3], floats in [0, 1] or uint8; all frames of one shape.

    Raises:
      ValueError: the shape differs, the frame holds NaN, or there is no place
        to write to.
    """
    pixels = video.frame_pixels(frame, len(self._frames), self._shape)
    if self._shape is None:
      with image_writer.writing(self.path):
        self._partial.touch()
    self._shape = pixels.shape
    picture = Image.fromarray(pixels)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    self._frames.append(np.asarray(picture))

  def close(self) -> None:
    """Write the file and put it in its place.

    Raises:
      ValueError: there is no frame, or the file cannot be written.
    """
    if not self._frames:
      raise user_error.UserError(
        f"{self.path}: a picture without frames is not written"
      )
    ending = self.path.suffix.lower()
    frames = _in_one_palette(self._frames) if ending == ".gif" else self._frames
    content = imageio.imwrite(
      "<bytes>",
      np.stack(frames),
      plugin="pillow",
      extension=ending,
      is_batch=True,
      duration=self._duration,
      loop=0,
      **(_WEBP if ending == ".webp" else {}),
    )
    with image_writer.writing(self.path):
      self._partial.write_bytes(content)
      self._partial.replace(self.path)


def _in_one_palette(frames: list[np.ndarray]) -> list[np.ndarray]:
  """Bring frames uint8 [H, W, 3] down to 256 colours that all share.

  Colours of each frame's own would flicker where a scene stands still.
  """
  chosen = frames[:: -(-len(frames) // _PALETTE_FRAMES)]
  samples = np.concatenate(
    [f[::_PALETTE_STEP, ::_PALETTE_STEP].reshape(-1, 3) for f in chosen]
  )
  palette = Image.fromarray(samples[None]).quantize(
    256, Image.Quantize.MEDIANCUT
  )
  return [
    np.asarray(
      Image.fromarray(frame)
      .quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
      .convert("RGB")
    )
    for frame in frames
  ]
