"""Weights files: round trips, published layouts, damage, attacks."""

import collections
import pickle
import zipfile

import numpy as np
import pytest
import safetensors.numpy

from stylized_nerf_jax.stylizer import (
  decoder,
  numpy_pickle,
  pretrained,
  state_dict,
  vgg,
  weights_file,
)

_DECODER_LAYERS = (1, 5, 8, 11, 14, 18, 21, 25, 28)
_ENCODER_LAYERS = (2, 5, 9, 12, 16, 19, 22, 25, 29)


def _published_decoder(seed=0):
  """A decoder with random weights as its authors' file lays it out."""
  generator = np.random.default_rng(seed)
  flat, inputs = {}, 512
  for index, (_, width, _) in zip(_DECODER_LAYERS, decoder.LAYERS):
    shape = (width, inputs, 3, 3)
    flat[f"{index}.weight"] = generator.random(shape, np.float32)
    flat[f"{index}.bias"] = generator.random(width, np.float32)
    inputs = width
  return flat


def _published_vgg19():
  generator = np.random.default_rng(1)
  widths = (64, 64, 128, 128, 256, 256, 256, 256, 512)
  flat = {
    "0.weight": generator.random((3, 3, 1, 1), np.float32),
    "0.bias": generator.random(3, np.float32),
  }
  inputs = 3
  for index, width in zip(_ENCODER_LAYERS, widths):
    flat[f"{index}.weight"] = generator.random(
      (width, inputs, 3, 3), np.float32
    )
    flat[f"{index}.bias"] = generator.random(width, np.float32)
    inputs = width
  flat["32.weight"] = np.zeros((512, 512, 3, 3), np.float32)
  return flat


def _write_torch_zip(path, content: bytes):
  with zipfile.ZipFile(path, "w") as archive:
    archive.writestr("archive/data.pkl", content)


def test_round_trip(tmp_path):
  tree = {"a": {"b": np.arange(6.0).reshape(2, 3)}, "c": np.ones(2)}
  path = tmp_path / "w.npz"
  weights_file.save_weights(path, tree, {"step": 3}, dtype="float16")
  found, metadata = weights_file.load_weights(path)
  assert metadata == {"step": 3}
  assert found["a"]["b"].dtype == np.float32
  np.testing.assert_array_equal(found["a"]["b"], tree["a"]["b"])
  np.testing.assert_array_equal(found["c"], tree["c"])


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_published_decoder_loads(tmp_path, suffix):
  flat = _published_decoder()
  path = tmp_path / f"decoder{suffix}"
  if suffix == ".npz":
    np.savez(path, **flat)
  else:
    safetensors.numpy.save_file(flat, path, {"format": "pt"})
  tree = pretrained.load_decoder(path)
  np.testing.assert_array_equal(
    tree["conv3_4"]["kernel"][1, 2, 7, 5], flat["5.weight"][5, 7, 1, 2]
  )
  np.testing.assert_array_equal(tree["conv1_1"]["bias"], flat["28.bias"])


def test_published_vgg19_loads(tmp_path):
  flat = _published_vgg19()
  path = tmp_path / "vgg_normalised.safetensors"
  safetensors.numpy.save_file(flat, path)
  encoder = pretrained.load_encoder(path)
  assert encoder.layout == "vgg19"
  assert set(encoder.params) == {"conv0", *vgg.convolution_names("vgg19")}
  np.testing.assert_array_equal(
    encoder.params["conv0"]["kernel"][2, 1], flat["0.weight"][1, 2, 0, 0]
  )
  assert encoder.sha256 == pretrained.load_encoder(path).sha256


@pytest.mark.oracle
def test_torch_files_load_without_torch(tmp_path):
  torch = pytest.importorskip("torch")
  flat = _published_decoder()
  tensors = collections.OrderedDict(
    (name, torch.from_numpy(value)) for name, value in flat.items()
  )
  tensors["1.bias"] = torch.nn.Parameter(tensors["1.bias"])
  tensors["turned"] = tensors["1.weight"].transpose(0, 1)
  path = tmp_path / "decoder.pth"
  torch.save(tensors, path)
  found = state_dict.read_state_dict(path)
  for name, value in flat.items():
    np.testing.assert_array_equal(found[name], value)
  np.testing.assert_array_equal(
    found["turned"], flat["1.weight"].transpose(1, 0, 2, 3)
  )
  assert pretrained.load_decoder(path)["conv4_1"]["bias"].shape == (256,)


def _torchvision_vgg16(seed=3):
  """What torchvision's file of VGG-16 holds, as a module of torch lays it out;
  its classifier, 500 MB, shrunk."""
  torch = pytest.importorskip("torch")
  torch.manual_seed(seed)
  layers, inputs = [], 3
  for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0):
    if not width:
      layers.append(torch.nn.MaxPool2d(2))
      continue
    layers += [torch.nn.Conv2d(inputs, width, 3, padding=1), torch.nn.ReLU()]
    inputs = width
  model = torch.nn.Module()
  model.features = torch.nn.Sequential(*layers)
  model.classifier = torch.nn.Sequential(torch.nn.Linear(8, 4))
  return torch, model


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["zip.pth", "pickles.pth", "x.safetensors"])
def test_torchvisions_vgg16_is_an_encoder(tmp_path, kind):
  """Features up to a positive factor a channel, as torch computes them."""
  torch, model = _torchvision_vgg16()
  path, tensors = tmp_path / kind, model.state_dict()
  if path.suffix == ".pth":
    # Its own file is of before PyTorch wrote zips.
    zipped = kind.startswith("zip")
    torch.save(tensors, path, _use_new_zipfile_serialization=zipped)
  else:
    flat = {name: tensor.numpy() for name, tensor in tensors.items()}
    safetensors.numpy.save_file(flat, path)
  found = state_dict.read_state_dict(path)
  assert found.keys() == tensors.keys()
  for name, tensor in tensors.items():
    np.testing.assert_array_equal(found[name], tensor.numpy())
  encoder = pretrained.load_encoder(path)
  assert encoder.layout == "vgg16"
  assert encoder.sha256 != pretrained.load_encoder().sha256
  picture = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
  mean, deviation = pretrained._PIXEL_MEAN, pretrained._PIXEL_STD
  pixels = torch.from_numpy((picture - mean) / deviation).permute(0, 3, 1, 2)
  with torch.no_grad():
    # The border is padded otherwise; 4 features inside none of it is seen.
    expected = model.features[:7](pixels).permute(0, 2, 3, 1).numpy()
  scales = pretrained.load_channel_scales()["conv2_1"]
  features = vgg.VggEncoder("vgg16").apply({"params": encoder.params}, picture)
  inside = np.s_[:, 4:-4, 4:-4]
  np.testing.assert_allclose(
    (features["relu2_1"] * scales)[inside],
    expected[inside],
    rtol=1e-3,
    atol=1e-4,
  )
  # Strokes are matched by the features as they are.
  params = pretrained.load_stroke_encoder(str(path)).params
  plain = vgg.VggEncoder("vgg16").apply({"params": params}, picture)
  np.testing.assert_allclose(
    plain["relu2_1"][inside], expected[inside], rtol=1e-3, atol=1e-4
  )


def test_the_packages_values_in_torchvisions_file_are_the_same(
  tmp_path,
):
  path = numpy_pickle.package_file(*pretrained._VGG16_PACKAGE)
  tree = numpy_pickle.load_numpy_pickle(path)["VGG16_0"]
  flat = {"classifier.0.weight": np.zeros((2, 2), np.float32)}
  indices = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
  for number, index in enumerate(indices):
    layer = tree[f"Conv_{number}"]
    kernel = np.ascontiguousarray(layer["kernel"].transpose(3, 2, 0, 1))
    flat[f"features.{index}.weight"] = kernel
    flat[f"features.{index}.bias"] = layer["bias"]
  file = tmp_path / "vgg16.safetensors"
  safetensors.numpy.save_file(flat, file)
  one, other = pretrained.load_encoder(), pretrained.load_encoder(file)
  assert one.sha256 == other.sha256
  assert pretrained.load_decoder(encoder=other)
  for name, layer in one.params.items():
    for part, values in layer.items():
      np.testing.assert_array_equal(other.params[name][part], values)
  # Another one, where a single value differs.
  flat["features.17.bias"] = flat["features.17.bias"] + np.float32(1e-3)
  safetensors.numpy.save_file(flat, file)
  other = pretrained.load_encoder(file)
  with pytest.raises(ValueError, match="trained with the encoder"):
    pretrained.load_decoder(encoder=other)


def test_what_is_skipped_is_not_read(tmp_path):
  np.savez(tmp_path / "w.npz", a=np.zeros(2), **{"b.c": np.ones(3)})
  found = state_dict.read_state_dict(tmp_path / "w.npz", skip="b.")
  assert list(found) == ["a"]


class _Attack:
  def __reduce__(self):
    return (__import__("os").system, ("false",))


@pytest.mark.parametrize(
  "content",
  [
    pickle.dumps(_Attack()),
    pickle.dumps({"1.weight": _Attack()}),
    pickle.dumps({"1.weight": "text"}),
    pickle.dumps([1, 2]),
    b"not a pickle",
  ],
)
def test_pickles_of_anything_else_are_refused(tmp_path, content, monkeypatch):
  called = []
  monkeypatch.setattr("os.system", called.append)
  path = tmp_path / "decoder.pth"
  _write_torch_zip(path, content)
  with pytest.raises(ValueError, match="decoder.pth.*expected named arrays"):
    pretrained.load_decoder(path)
  assert not called


def test_tensor_beyond_its_storage_is_refused(tmp_path):
  """A stride may point outside of the storage; numpy would read there."""
  storage = state_dict._Storage("<f4", 4, bytes)
  with pytest.raises(ValueError, match="beyond its storage"):
    state_dict._rebuild_tensor(storage, 0, (2, 2), (4, 1))
  with pytest.raises(ValueError, match="beyond its storage"):
    state_dict._rebuild_tensor(storage, -8, (2,), (1,))
  with pytest.raises(ValueError, match="beyond its storage"):
    state_dict._rebuild_tensor(storage, 3, (3,), (-4,))
  short = state_dict._Storage("<f4", 4, lambda: b"1234" * 3)
  with pytest.raises(ValueError, match="a storage of 3 values"):
    state_dict._rebuild_tensor(short, 0, (2,), (1,)).array()


@pytest.mark.parametrize(
  "content",
  [b"", b"\x80\x02", b"\x00" * 100, b"\xff" * 7 + b"\x7f" + b"{}"],
)
@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pth"])
def test_damage_is_one_clear_error(tmp_path, suffix, content):
  path = tmp_path / f"decoder{suffix}"
  path.write_bytes(content)
  with pytest.raises(ValueError, match="decoder.*expected named arrays") as e:
    state_dict.read_state_dict(path)
  assert "\n" not in str(e.value)


def test_object_arrays_are_refused(tmp_path):
  path = tmp_path / "decoder.npz"
  np.savez(path, **{"1.weight": np.array([_Attack()], dtype=object)})
  with pytest.raises(ValueError, match="decoder.npz"):
    pretrained.load_decoder(path)


def _damage(flat, kind):
  if kind == "shape":
    flat["5.weight"] = flat["5.weight"][:, :128]
  elif kind == "missing":
    del flat["28.bias"]
  return flat


@pytest.mark.parametrize("kind", ["shape", "missing"])
def test_another_layout_is_one_clear_error(tmp_path, kind):
  path = tmp_path / "decoder.safetensors"
  safetensors.numpy.save_file(_damage(_published_decoder(), kind), path)
  with pytest.raises(ValueError, match="decoder.safetensors.*another layout"):
    pretrained.load_decoder(path)


def test_vae_is_no_decoder(tmp_path):
  path = tmp_path / "w.npz"
  weights_file.save_weights(path, {"vae": {"a": np.zeros(1)}}, {})
  with pytest.raises(ValueError, match="expected a decoder"):
    pretrained.load_decoder(path)


def test_damaged_shipped_file_is_refused(tmp_path, monkeypatch):
  for source in (pretrained.PROVENANCE, pretrained.FOLDER / "x"):
    if source.exists():
      (tmp_path / source.name).write_bytes(source.read_bytes())
  name = pretrained.DECODER_FILE
  content = bytearray((pretrained.FOLDER / name).read_bytes())
  content[-1] ^= 1
  (tmp_path / name).write_bytes(content)
  monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
  with pytest.raises(ValueError, match="SHA-256 is .* expected"):
    pretrained.load_decoder()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"text"])
def test_damaged_npz_is_one_clear_error(tmp_path, content):
  path = tmp_path / "w.npz"
  path.write_bytes(content)
  with pytest.raises(ValueError, match="w.npz"):
    weights_file.load_weights(path)


def test_missing_file_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match="none.pth"):
    pretrained.load_decoder(tmp_path / "none.pth")


def test_unknown_ending_is_named(tmp_path):
  with pytest.raises(ValueError, match="ends in one of"):
    pretrained.load_encoder(tmp_path / "vgg.bin")


def test_shipped_weights_load_and_fit_together():
  encoder = pretrained.load_encoder()
  assert pretrained.load_decoder(encoder=encoder)
  assert pretrained.load_vae(encoder=encoder)
  size = sum(path.stat().st_size for path in pretrained.FOLDER.glob("*.npz"))
  assert size <= 16_000_000
