"""One picture, from a file of any format to square JPEGs. Runs in worker processes; imports no TensorFlow."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import ExifTags, Image, UnidentifiedImageError, features

Square = Literal["centre", "letterbox"]

# Goes up with every change of a pixel; pictures of an older version are prepared anew.
FORM = 1
MAX_PIXELS = 128_000_000  # the largest cameras have 100 million; a decoded picture takes 3 to 4 bytes a pixel
MAX_BYTES = 2**28
# Only formats of pictures, and none that Pillow hands to another program (EPS goes to Ghostscript).
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", *(["AVIF"] if features.check("avif") else []))

_QUALITY = 93
_PAPER = (255, 255, 255)  # behind transparent pixels
_BARS = (0, 0, 0)  # beside a letterboxed picture
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableError(Exception):
    """A file that is not a usable picture; its text is the reason."""


@dataclass(frozen=True)
class Prepared:
    """A prepared file.

    Attributes:
        path: of the file.
        size: in bytes, when it was read.
        mtime_ns: its modification time at that moment.
        digest: SHA-256 of its bytes.
        jpegs: px -> the square picture; None with a fault.
        fault: why the file cannot be used, or "".
    """

    path: str
    size: int = 0
    mtime_ns: int = 0
    digest: str = ""
    jpegs: Mapping[int, bytes] | None = None
    fault: str = ""


def prepare_all(paths: Sequence[str], resolutions: Sequence[int], square: Square) -> list[Prepared]:
    """`prepare` of several files, as one task of a worker."""
    return [prepare(path, resolutions, square) for path in paths]


def prepare(path: str, resolutions: Sequence[int], square: Square) -> Prepared:
    """Reads a file once and makes its square pictures. Any error becomes the fault."""
    try:
        content, status = read(path)
        jpegs = {px: _encoded(picture) for px, picture in squares(content, resolutions, square).items()}
    except UnreadableError as error:
        return Prepared(path, fault=str(error))
    # Decoders raise any exception: SyntaxError, struct.error, IndexError.
    except Exception as error:
        return Prepared(path, fault=_reason(error))
    return Prepared(path, status.st_size, status.st_mtime_ns, hashlib.sha256(content).hexdigest(), jpegs)


def load(path: str, resolutions: Sequence[int], square: Square) -> dict[int, Image.Image]:
    """The square pictures of a file before encoding.

    Raises:
        UnreadableError: any fault of the file.
    """
    try:
        return squares(read(path)[0], resolutions, square)
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(_reason(error)) from error


def read(path: str) -> tuple[bytes, os.stat_result]:
    """The bytes of a file at one moment, and its status.

    Raises:
        UnreadableError: not a regular file, empty, too large, or changed while it was read.
        OSError: unreadable.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        raise UnreadableError("not a regular file")
    if not 0 < status.st_size <= MAX_BYTES:
        raise UnreadableError("empty" if not status.st_size else f"larger than {MAX_BYTES // 2**20} MiB")
    with open(path, "rb") as file:
        before = os.fstat(file.fileno())
        content = file.read(before.st_size + 1)
    after = os.stat(path)
    if len(content) != before.st_size or _version(after) != _version(before):
        raise UnreadableError("changed while it was read")
    return content, after


def squares(content: bytes, resolutions: Sequence[int], square: Square) -> dict[int, Image.Image]:
    """RGB pictures of px x px, upright, for each px.

    Raises:
        UnreadableError: too many pixels, or pixels of an unknown range of values.
        Exception: any, from a decoder.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large pictures and damaged metadata
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise UnreadableError(f"{width} x {height} pixels, more than {MAX_PIXELS // 10**6} million")
        turn = _orientation(image)
        largest = max(resolutions)
        image.draft(None, (2 * largest, 2 * largest))  # a JPEG decodes faster, at twice the kept size or more
        image.load()
        source = _plain(image)
    large = _upright(_square(source, largest, square), turn)
    return {px: large if px == largest else _smaller(large, source, px, square, turn) for px in resolutions}


def _smaller(large: Image.Image, source: Image.Image, px: int, square: Square, turn: int) -> Image.Image:
    """From the large square unless that was enlarged: cheaper, and the same but for rounding."""
    if 2 * px <= large.width <= min(source.size):
        return large.resize((px, px), Image.Resampling.LANCZOS)
    return _upright(_square(source, px, square), turn)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # of damaged metadata; the picture may be sound
        return 1


def _plain(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be resized: L, RGB or RGBA."""
    if image.mode.startswith("I"):
        return _of_16_bits(image)
    if image.mode == "F":
        raise UnreadableError("floating-point pixels, whose range is not known")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


def _of_16_bits(image: Image.Image) -> Image.Image:
    import numpy as np

    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise UnreadableError("32-bit pixels, whose range is not known")
    return Image.fromarray((values / 257).round().astype(np.uint8))


def _square(image: Image.Image, px: int, square: Square) -> Image.Image:
    """px x px: the middle of the picture, or all of it between bars; RGB."""
    width, height = image.size
    if square == "centre":
        side = min(width, height)
        box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
        return _flat(image.resize((px, px), _filter(px, side), box, reducing_gap=3.0))
    side = max(width, height)
    size = _between_bars(px, width / side), _between_bars(px, height / side)
    fitted = _flat(image.resize(size, _filter(px, side), reducing_gap=3.0))
    canvas = Image.new("RGB", (px, px), _BARS)
    canvas.paste(fitted, ((px - size[0]) // 2, (px - size[1]) // 2))
    return canvas


def _filter(px: int, side: int) -> Image.Resampling:
    """Lanczos shrinks sharper; when it enlarges, it only rings and takes half as long again."""
    return Image.Resampling.LANCZOS if px <= side else Image.Resampling.BICUBIC


def _between_bars(px: int, share: float) -> int:
    """About this share of px, with equal bars on both sides, so that a rotation of the square moves no bar."""
    return px - 2 * min(round(px * (1 - share) / 2), (px - 1) // 2)


def _flat(image: Image.Image) -> Image.Image:
    """RGB, with paper behind transparent pixels."""
    if image.mode != "RGBA":
        return image if image.mode == "RGB" else image.convert("RGB")
    paper = Image.new("RGBA", image.size, (*_PAPER, 255))
    return Image.alpha_composite(paper, image).convert("RGB")


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not a picture of a known format"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
