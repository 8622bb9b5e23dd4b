"""The TFDS dataset `style_images`: one configuration a style set.

A record holds `index` (place in the set's order), `name` of the style and
`image`: the picture as its file holds it where that is an upright opaque JPEG
or PNG, or else PNG. Pictures keep their own size. All names stand in the
dataset's metadata too, so that they can be listed without reading a record.
"""

import io
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from stylized_nerf_jax.scenes.pictures import picture_sources


class StyleImages:
  """One style set as a `preparing.Builder`.

  Args:
    pictures: by the names of their styles.
  """

  name = "style_images"
  version = "1.0.0"
  description = "Pictures that give a scene its style."

  def __init__(self, pictures: Mapping[str, picture_sources.Picture]):
    self._pictures = pictures

  def features(self) -> Mapping[str, Any]:
    """Returns TFDS's features by name."""
    return {
      "index": np.int64,
      "name": tfds.features.Text(),
      "image": tfds.features.Image(shape=(None, None, 3)),
    }

  def metadata(self) -> Mapping[str, Any]:
    """Returns the names, in order."""
    return {"kind": self.name, "names": list(self._pictures)}

  def splits(self) -> dict[str, Iterator[Mapping[str, Any]]]:
    """Returns the records of the one split."""
    return {"train": self._records()}

  def _records(self) -> Iterator[Mapping[str, Any]]:
    for index, (name, picture) in enumerate(self._pictures.items()):
      # Decoded in any case: what is damaged should not get into a dataset.
      pixels = picture.read()
      image = picture.encoded()
      if image is None:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format="PNG")
        image = stream.getvalue()
      yield {"index": index, "name": name, "image": image}
