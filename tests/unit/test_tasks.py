"""Data: what is refused and why, what files must be, and that streams are what they say."""

import gzip
import hashlib
import struct
import zipfile
import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mesocosm.tasks import DataError, DataSet, files, images, load, sets
from mesocosm.tasks.drawn import draw_blobs, draw_strokes
from mesocosm.tasks.procedural import draw_clouds
from mesocosm.tasks.streams import Pool
from mesocosm.tasks.variety import Variety

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 4)), np.arange(12) % 3
NAN = X.copy()
NAN[5, 1] = np.nan


# -- one's own arrays --------------------------------------------------------------------------------------------------


def test_ones_own_arrays_in_three_lines():
    data = DataSet.of(X.reshape(12, 2, 2), np.array(["a", "c", "b"])[Y], name="mine")
    assert data.inputs.shape == (12, 4) and data.side == 2 and data.n_classes == 3
    assert data.labels.tolist()[:3] == [0, 2, 1]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (NAN, Y, "1 of 12 examples hold NaN or infinity, the first is number 5"),
        (X[:0], Y[:0], "has shape"),
        (X[:, 0], Y, "has shape"),
        (X.astype(str), Y, "numbers are needed"),
        (X, Y[:-1], "one for each of 12"),
        (X, Y[:, None], "one for each of 12"),
        (X, np.where(Y == 0, np.nan, Y), "is missing"),
        (X, np.zeros(12, int), "all labels are 0"),
        (np.ones((12, 4)), Y, "all inputs are the same"),
    ],
)
def test_data_that_cannot_be_learnt_from_say_why(x, y, message):
    with pytest.raises(DataError, match=message):
        DataSet.of(x, y)


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of data that stands for the published ones, and a home without a cache."""
    monkeypatch.setenv(files.VARIABLE, str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(files, "SHA256", dict(files.SHA256))
    sets.load.cache_clear()
    return tmp_path


def publish(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    files.SHA256[name] = hashlib.sha256(content).hexdigest()
    return path


def idx(array):
    head = struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape)
    return gzip.compress(head + array.tobytes())


def png(bits, kind=0):
    """A PNG of one bit a pixel whose rows are filtered by the row above (2) or not (0)."""
    rows = np.packbits(bits, axis=1).astype(int)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]]) if kind == 2 else 0
    data = b"".join(bytes([kind]) + row.astype(np.uint8).tobytes() for row in (rows - above) % 256)

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", bits.shape[1], bits.shape[0], 1, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_mnist_is_read_as_published(folder):
    pictures = RNG.integers(0, 256, (20, 28, 28)).astype(np.uint8)
    publish(folder, "mnist/train-images-idx3-ubyte.gz", idx(pictures))
    publish(folder, "mnist/train-labels-idx1-ubyte.gz", idx((np.arange(20) % 10).astype(np.uint8)))
    data = load("mnist")
    assert np.allclose(data.inputs, pictures.reshape(20, -1) / 255) and data.side == 28
    sets.load.cache_clear()
    small = load("mnist", 14).inputs.reshape(20, 14, 14)
    assert np.allclose(small[3, 2, 5], pictures[3, 4:6, 10:12].mean() / 255, atol=1e-6)


def test_omniglot_is_split_by_alphabet_and_ink_is_one(folder):
    ink = RNG.random((105, 105)) < 0.1
    for number, kind in ((1, 0), (2, 2)):
        path = folder / f"omniglot-small/images_background_small{number}.zip"
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for alphabet in ("Greek", "Latin", "Balinese"):
                for character in range(2):
                    for drawer in range(3):
                        name = f"set/{alphabet}/character{character + 2 * number}/{drawer}.png"
                        archive.writestr(name, png(~ink, kind))
        files.SHA256[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    both = files.read_omniglot(folder / "omniglot-small/images_background_small2.zip")
    assert all(np.array_equal(drawing, ink) for drawings in both.values() for drawing in drawings)
    with pytest.raises(DataError, match="all inputs are the same"):
        load("omniglot", 105, "test")  # here every drawing is the same one: found out, and files were read


def test_missing_changed_and_truncated_files_say_so(folder):
    with pytest.raises(DataError, match=r"(?s)mnist/train.*sha256 440fcabf.*MESOCOSM_DATA=.*Nothing is downloaded"):
        load("mnist")
    name = "mnist/train-images-idx3-ubyte.gz"
    whole = idx(np.zeros((3, 28, 28), np.uint8))
    path = publish(folder, name, whole)
    path.write_bytes(whole[:-9])
    with pytest.raises(DataError, match="is not the published file"):
        files.find(name)
    for content, message in [
        (whole[:-9], "truncated or not gzip"),
        (gzip.compress(b"\0\0\x08\x03\0\0"), "ends within its header"),
        (gzip.compress(gzip.decompress(whole)[:-1]), "was announced"),
        (gzip.compress(b"something else"), "no IDX file"),
    ]:
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            files.read_idx(path)
    (folder / "a.zip").write_bytes(b"PK no archive")
    with pytest.raises(DataError, match="no archive of drawings"):
        files.read_omniglot(folder / "a.zip")


def test_unknown_names_and_parts_are_refused():
    with pytest.raises(DataError, match="there are digits8, mnist"):
        load("cifar")
    with pytest.raises(DataError, match="has no part 'validate'"):
        load("mnist", part="validate")


# -- images and streams ------------------------------------------------------------------------------------------------


def test_what_is_done_to_images():
    pictures = RNG.random((5, 6, 6)).astype(np.float32)
    assert np.allclose(images.resized(pictures, 4).mean(axis=(1, 2)), pictures.mean(axis=(1, 2)), atol=1e-6)
    flat = images.standardised(np.vstack([pictures.reshape(5, -1), np.ones((1, 36), np.float32)]))
    assert np.allclose(flat[:5].mean(1), 0, atol=1e-6) and np.allclose(flat[:5].std(1), 1, atol=1e-5)
    assert np.all(flat[5] == 0)
    assert np.array_equal(images.turned(images.turned(pictures, 1), 3), pictures)
    shuffled = images.shuffled_pixels(flat, np.random.default_rng(1))
    assert np.array_equal(np.sort(shuffled, axis=1), np.sort(flat, axis=1)) and not np.array_equal(shuffled, flat)
    wide = RNG.normal(size=(4, 300)).astype(np.float32)
    lengths = np.linalg.norm(images.projected(wide, 200, np.random.default_rng(0)), axis=1) / np.linalg.norm(
        wide, axis=1
    )
    assert np.all((lengths > 0.7) & (lengths < 1.3))
    renamed = images.shuffled_labels(Y, np.random.default_rng(3))
    assert len({(a, b) for a, b in zip(Y.tolist(), renamed.tolist(), strict=True)}) == 3
    assert np.allclose(images.blurred(np.ones((1, 6, 6), np.float32), 1.0), 1)


def pool(classes=5, each=8):
    """Every example is known by its numbers, of which standardising keeps the order."""
    inputs = RNG.permuted(np.tile(np.arange(7.0), (classes * each, 1)), axis=1) + 0.01 * RNG.random((classes * each, 7))
    return Pool.of(DataSet.of(inputs, np.repeat(np.arange(classes), each)))


def origin(pool, row):
    return tuple(np.argwhere(np.all(np.asarray(pool.inputs) == row, axis=2))[0])


@pytest.mark.parametrize("balanced", [False, True])
def test_a_stream_meets_each_example_once_and_keeps_classes_together(balanced):
    source = pool()
    stream = source.draw(jax.random.key(1), 24, 3, balanced)
    seen = [origin(source, row) for row in np.asarray(stream.inputs)]
    assert len(set(seen)) == 24
    pairs = {(c, int(label)) for (c, _), label in zip(seen, stream.labels, strict=True)}
    assert len(pairs) == 3, "one new name for each of three classes"
    blocks = np.asarray(stream.labels).reshape(8, 3)
    assert all(len(set(block)) == 3 for block in blocks.tolist()) == balanced


def test_merged_classes_share_a_name():
    source = pool(6)
    stream = source.draw(jax.random.key(2), 48, 3, merged=2)
    pairs = {(origin(source, row)[0], int(k)) for row, k in zip(np.asarray(stream.inputs), stream.labels, strict=True)}
    assert len(pairs) == 6 and {k for _, k in pairs} == {0, 1, 2}


def test_streams_differ_by_key_and_are_refused_beyond_the_pool():
    source = pool()
    a, b = (source.draw(jax.random.key(k), 10, 5) for k in (0, 1))
    assert not np.array_equal(a.labels, b.labels)
    for n, classes in ((41, 5), (10, 6)):
        with pytest.raises(DataError, match="the pool has 5 x 8"):
            source.draw(jax.random.key(0), n, classes)
    with pytest.raises(DataError, match="9 were asked for"):
        Pool.of(DataSet.of(X, Y), each=9)


def test_clouds_are_standardised_and_can_be_learnt():
    stream = jax.vmap(lambda k: draw_clouds(k, 80, 4, 30))(jax.random.split(jax.random.key(0), 12))
    x, y = np.asarray(stream.inputs), np.asarray(stream.labels)
    assert np.all(np.isfinite(x)) and np.allclose(x.mean(axis=2), 0, atol=1e-4)
    right = []
    for xs, ys in zip(x, y, strict=True):
        means = np.stack([xs[:60][ys[:60] == c].mean(0) for c in range(4)])
        right.append(np.mean((xs[60:] @ means.T).argmax(1) == ys[60:]))
    assert 0.4 < np.mean(right) < 0.98 and np.ptp(right) > 0.1, "neither hopeless nor trivial, and of many kinds"


def test_the_embedded_digits():
    data = load("digits8")
    assert data.inputs.shape == (1797, 64) and data.n_classes == 10 and data.inputs.max() == 1


def test_variety_takes_drawings_apart_and_leaves_the_class():
    """Nothing asked for: the drawing, half as large. One thing asked for: what it is called."""
    line = np.arange(28) - 13.5
    y, x = np.meshgrid(line, line, indexing="ij")
    drawing = jnp.asarray(np.exp(-0.5 * ((x / 2) ** 2 + (y / 6) ** 2)), jnp.float32)
    many = jnp.broadcast_to(drawing[None], (40, 28, 28))
    nothing: dict[str, Any] = dict(slant=0.0, turn=0.0, scale=0.0, stretch=0.0, shift=0.0, thick=False)
    plain = np.asarray(Variety(**nothing)(jax.random.key(0), many))
    halved = np.asarray(drawing).reshape(14, 2, 14, 2).mean((1, 3)).ravel()
    assert np.allclose(plain, ((halved - halved.mean()) / halved.std())[None], atol=1e-3)

    def moments(**how):
        out = np.asarray(Variety(**{**nothing, **how})(jax.random.key(1), many)).reshape(40, 14, 14)
        ink, g = out - out.min(axis=(1, 2), keepdims=True), np.arange(14) - 6.5
        whole = ink.sum(axis=(1, 2))
        mean = (ink.sum(2) @ g / whole, ink.sum(1) @ g / whole)
        second = [np.einsum("nyx,y,x->n", ink, g**a, g**b) / whole for a, b in ((2, 0), (0, 2), (1, 1))]
        return np.std(mean), np.std(second[0] / second[1]), np.std(second[0] + second[1]), np.std(second[2])

    still = moments()
    assert max(still) < 1e-4
    assert moments(shift=0.07)[0] > 0.5 and moments(stretch=0.2)[1] > 1 and moments(scale=0.3)[2] > 1
    assert moments(slant=0.3)[3] > 0.5 and moments(turn=0.3)[3] > 0.5
    assert (
        len(
            {
                round(float(v.mean(where=v > 0)), 3)
                for v in np.asarray(Variety(**{**nothing, "thick": True})(jax.random.key(2), many))
            }
        )
        > 10
    )


@pytest.mark.parametrize("law", [draw_strokes, draw_blobs])
def test_drawn_classes_are_classes(law):
    """Standardised, named by a number, and nearer to their own class than to others."""
    stream = jax.jit(law, static_argnums=(1, 2, 3))(jax.random.key(3), 120, 5, 14)
    x, y = np.asarray(stream.inputs), np.asarray(stream.labels)
    assert x.shape == (120, 196) and set(y) == set(range(5)) and np.isfinite(x).all()
    assert np.allclose(x.mean(1), 0, atol=1e-4) and np.allclose(x.std(1), 1, atol=0.05)
    means = np.stack([x[:80][y[:80] == c].mean(0) for c in range(5)])
    assert np.mean((x[80:] @ means.T / np.linalg.norm(means, axis=1)).argmax(1) == y[80:]) > 0.4
