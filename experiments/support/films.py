"""Films as cameras and phones make them, of pictures that are known."""

import pathlib
import subprocess
from collections.abc import Callable, Sequence

import numpy as np

_TO_2020 = np.array(  # ITU-R BT.2087
  [
    [0.6274, 0.3293, 0.0433],
    [0.0691, 0.9195, 0.0114],
    [0.0164, 0.0880, 0.8956],
  ]
)
_WHITE = 203.0  # cd/m2, ITU-R BT.2408


def film(images: Sequence[np.ndarray], path: pathlib.Path, curve: str) -> None:
  """Films pictures, ten a second.

  Args:
    images: float [H, W, 3], sRGB values in [0, 1], of one even size.
    path: of the film.
    curve: "SDR" (H.264, BT.709), "HLG" or "PQ" (HEVC of 10 bits, BT.2020).
  """
  import imageio_ffmpeg

  height, width = images[0].shape[:2]
  matrix, primaries, transfer, codec = _KINDS[curve]
  filters = (
    f"scale=out_color_matrix={matrix}:out_range=tv,"
    f"format={'yuv420p' if curve == 'SDR' else 'yuv420p10le'},"
    f"setparams=colorspace={'bt2020nc' if matrix == 'bt2020' else matrix}"
    f":range=tv:color_primaries={primaries}:color_trc={transfer}"
  )
  values = (_CURVES[curve](np.asarray(image, np.float64)) for image in images)
  content = b"".join(
    np.rint(65535 * np.clip(v, 0, 1)).astype("<u2").tobytes() for v in values
  )
  command = [
    *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"),
    *("-f", "rawvideo", "-pix_fmt", "rgb48le", "-r", "10"),
    *("-s", f"{width}x{height}", "-i", "-", "-vf", filters, *codec, str(path)),
  ]
  subprocess.run(command, input=content, check=True)


def frames(path: pathlib.Path, folder: pathlib.Path) -> list[np.ndarray]:
  """Returns all frames of a film as `capture` writes them to a folder.

  Returns:
    float32 [H, W, 3] each, sRGB values in [0, 1].
  """
  from PIL import Image

  from stylized_nerf_jax.captures import video_frames

  source = video_frames.read_header(path)
  _, scores = video_frames.score(source, source.rate, lambda _: None)
  everything = range(len(scores))
  names = video_frames.extract(
    source, source.rate, everything, folder, lambda _: None
  )
  return [
    np.asarray(Image.open(folder / name), np.float32) / 255 for name in names
  ]


def _light(image: np.ndarray) -> np.ndarray:
  """Linear light of sRGB values in BT.2020's primaries, white being 1."""
  low = image <= 0.04045
  light = np.where(low, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)
  return light @ _TO_2020.T


def _pq(image: np.ndarray) -> np.ndarray:
  """SMPTE ST 2084."""
  power = (_light(image) * _WHITE / 10000) ** (2610 / 16384)
  ratio = (3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)
  return ratio ** (2523 / 32)


def _hlg(image: np.ndarray) -> np.ndarray:
  """ITU-R BT.2100, of a display of 1,000 cd/m2."""
  light = np.maximum(_light(image) * _WHITE / 1000, 1e-9)
  luminance = light @ [0.2627, 0.6780, 0.0593]
  scene = light * luminance[..., None] ** ((1 - 1.2) / 1.2)
  high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9))
  return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high + 0.55991073)


_HEVC = (
  *("-c:v", "libx265", "-preset", "fast", "-crf", "8", "-tag:v", "hvc1"),
  *("-x265-params", "log-level=error:pools=1"),
)
_KINDS = {
  "SDR": ("bt709", "bt709", "bt709", ("-c:v", "libx264", "-crf", "8")),
  "HLG": ("bt2020", "bt2020", "arib-std-b67", _HEVC),
  "PQ": ("bt2020", "bt2020", "smpte2084", _HEVC),
}
_CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
  "SDR": lambda image: image,
  "HLG": _hlg,
  "PQ": _pq,
}
