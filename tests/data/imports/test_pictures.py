from __future__ import annotations

import io
import os
import struct
import threading
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from bench.data.imports.pictures import UnreadableError, prepare, read, squares


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def one(content: bytes, px: int = 16, square="centre") -> np.ndarray:
    return np.asarray(squares(content, [px], square)[px]).astype(int)


def halves(mode: str, left, right, size=(32, 32)) -> Image.Image:
    image = Image.new(mode, size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


def assert_near(found, expected, tolerance=3):
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=tolerance)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP", "TIFF", "JPEG", "PPM"])
def test_every_format_shows_the_same(kind):
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    found = one(encoded(halves("RGB", (200, 30, 40), (20, 60, 220)), kind, **options))
    assert_near(found[:, :6], (200, 30, 40), 8)
    assert_near(found[:, 10:], (20, 60, 220), 8)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_become_white(mode):
    image = halves("RGBA", (0, 0, 0, 255), (0, 0, 0, 0))
    image = image.convert(mode) if mode != "P" else image.quantize(2, method=Image.Quantize.FASTOCTREE)
    found = one(encoded(image, "PNG"))
    assert_near(found[:, :6], 0)
    assert_near(found[:, 10:], 255)


def test_16_bits_keep_their_range():
    values = np.full((20, 20), 0x8000, np.uint16)
    values[:, 10:] = 0xFFFF
    found = one(encoded(Image.fromarray(values), "PNG"))
    assert_near(found[:, :6], 128)
    assert_near(found[:, 10:], 255)


def test_cmyk_palette_and_black_and_white():
    assert_near(one(encoded(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG")), (255, 0, 0), 4)
    assert_near(one(encoded(Image.new("RGB", (20, 20), (10, 200, 30)).quantize(4), "GIF")), (10, 200, 30), 4)
    assert_near(one(encoded(halves("1", 0, 1), "PNG"))[:, 10:], 255)


@pytest.mark.parametrize("square", ["centre", "letterbox"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_is_applied_as_pillow_does(blocks, orientation, square):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(blocks(orientation, 60, 40), "PNG", exif=exif.tobytes())
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    assert_near(one(content, square=square), one(encoded(upright, "PNG"), square=square), 2)


def test_a_damaged_exif_does_no_harm(blocks):
    content = encoded(blocks(1), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert_near(one(content), one(encoded(blocks(1), "JPEG")), 0)


@pytest.mark.parametrize("size", [(90, 30), (30, 90), (31, 90)])
def test_centre_is_the_middle(size):
    width, height = size
    image = Image.new("RGB", size, (255, 0, 0))
    side = min(size)
    left, top = (width - side) // 2, (height - side) // 2
    image.paste((0, 0, 255), (left, top, left + side, top + side))
    assert_near(one(encoded(image, "PNG"), 12)[1:-1, 1:-1], (0, 0, 255), 4)


def test_letterbox_keeps_everything_between_black_bars():
    found = one(encoded(Image.new("RGB", (80, 40), (0, 255, 0)), "PNG"), 16, "letterbox")
    assert_near(found[:4], 0)
    assert_near(found[4:12], (0, 255, 0))
    assert_near(found[12:], 0)


def test_a_line_of_pixels_is_a_picture():
    assert one(encoded(Image.new("RGB", (1000, 1), (9, 9, 9)), "PNG"), 8, "letterbox").shape == (8, 8, 3)
    assert_near(one(encoded(Image.new("RGB", (1000, 1), (9, 9, 9)), "PNG"), 8), 9)


def test_large_jpegs_shrink_like_the_plain_way(blocks):
    content = encoded(blocks(3, 1200, 900), "JPEG", quality=95)
    plain = ImageOps.fit(Image.open(io.BytesIO(content)), (64, 64), Image.Resampling.LANCZOS)
    both = squares(content, [24, 64], "centre")
    assert_near(np.asarray(both[64]).astype(int), np.asarray(plain).astype(int), 4)
    smaller = np.asarray(plain.resize((24, 24), Image.Resampling.LANCZOS)).astype(int)
    assert_near(np.asarray(both[24]).astype(int), smaller, 5)


def png_head(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [60_000, 12_000])
def test_a_bomb_is_not_decoded(tmp_path, side):
    (tmp_path / "bomb.png").write_bytes(png_head(side, side))
    prepared = prepare(str(tmp_path / "bomb.png"), [16], "centre")
    assert prepared.jpegs is None
    assert "pixels" in prepared.fault


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"some text", "not a picture of a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture of a known format"),
        (encoded(Image.new("F", (9, 9)), "TIFF"), "floating-point pixels, whose range is not known"),
    ],
)
def test_unreadable_files_have_a_reason(tmp_path, content, reason):
    (tmp_path / "x.jpg").write_bytes(content)
    assert prepare(str(tmp_path / "x.jpg"), [16], "centre").fault == reason


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_half_a_file_is_a_fault(tmp_path, blocks, kind):
    content = encoded(blocks(1, 300, 200), kind)
    (tmp_path / "half").write_bytes(content[: len(content) // 2])
    assert prepare(str(tmp_path / "half"), [16], "centre").fault


def test_missing_and_special_files(tmp_path):
    assert prepare(str(tmp_path / "none.png"), [16], "centre").fault == "No such file or directory"
    os.mkfifo(tmp_path / "pipe.png")
    assert prepare(str(tmp_path / "pipe.png"), [16], "centre").fault == "not a regular file"


def test_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    path.write_bytes(b"first")
    whole, status = read(str(path))
    assert (whole, status.st_size) == (b"first", 5)
    from bench.data.imports import pictures

    real = os.fstat

    def meddling(descriptor):
        found = real(descriptor)
        thread = threading.Thread(target=path.write_bytes, args=(b"second, longer",))
        thread.start()
        thread.join()
        return found

    monkeypatch.setattr(pictures.os, "fstat", meddling)
    with pytest.raises(UnreadableError, match="changed while it was read"):
        read(str(path))
