"""What is on a printed page: the rectangles of a PDF or an SVG of ours, in millimetres, and the codes that they make.

Reads the files themselves and needs no viewer on the machine. Knows as much of both formats as our pages use.
"""

import base64
import re
import zlib
from dataclasses import dataclass

import zxingcpp
from PIL import Image, ImageDraw

_PIXELS_A_MM = 12
_POINTS_A_MM = 72 / 25.4

Matrix = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Page:
    """A page and its dark rectangles: left, top, width, height from the top left corner."""

    width_mm: float
    height_mm: float
    bars: list[tuple[float, float, float, float]]

    def codes(self) -> list[str]:
        """What a scanner reads on it, row by row."""
        size = (round(self.width_mm * _PIXELS_A_MM), round(self.height_mm * _PIXELS_A_MM))
        picture = Image.new("L", size, 255)
        pen = ImageDraw.Draw(picture)
        for left, top, width, height in self.bars:
            edges = [round(edge * _PIXELS_A_MM) for edge in (left, top, left + width, top + height)]
            pen.rectangle((edges[0], edges[1], edges[2] - 1, edges[3] - 1), fill=0)
        found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
        return [
            one.text for one in sorted(found, key=lambda one: (one.position.top_left.y // 100, one.position.top_left.x))
        ]


def pdf_pages(file: bytes) -> list[Page]:
    """The pages of a PDF that reportlab made."""
    boxes = [tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox \[ ([\d. ]+) \]", file)]
    streams = re.findall(rb"stream\r?\n(.*?)endstream", file, re.DOTALL)
    contents = [_unpacked(stream) for stream in streams]
    drawn = [text for text in contents if " re" in text or " l" in text]
    assert len(boxes) == len(drawn)
    return [
        Page(box[2] / _POINTS_A_MM, box[3] / _POINTS_A_MM, _pdf_bars(text, box[3]))
        for box, text in zip(boxes, drawn, strict=True)
    ]


def _unpacked(stream: bytes) -> str:
    return zlib.decompress(base64.a85decode(b"<~" + stream.strip(), adobe=True)).decode("latin-1")


def _pdf_bars(text: str, height_pt: float) -> list[tuple[float, float, float, float]]:
    """Only what changes the place of a rectangle is looked at: q, Q, cm and re."""
    bars, kept, now = [], [], (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    for numbers, sign in re.findall(r"((?:-?[\d.]+\s+)*)\b(q|Q|cm|re)\b", re.sub(r"\((?:\\.|[^()\\])*\)", "", text)):
        values = [float(number) for number in numbers.split()]
        if sign == "q":
            kept.append(now)
        elif sign == "Q":
            now = kept.pop()
        elif sign == "cm":
            now = _after(values, now)
        else:
            x, y, width, height = values[-4:]
            (x0, y0), (x1, y1) = _at(now, x, y), _at(now, x + width, y + height)
            place = (min(x0, x1), height_pt - max(y0, y1), abs(x1 - x0), abs(y1 - y0))
            bars.append(
                (place[0] / _POINTS_A_MM, place[1] / _POINTS_A_MM, place[2] / _POINTS_A_MM, place[3] / _POINTS_A_MM)
            )
    return bars


def _after(new: list[float], now: Matrix) -> Matrix:
    a, b, c, d, e, f = new[-6:]
    (x, y) = _at(now, e, f)
    return (
        *(a * now[0] + b * now[2], a * now[1] + b * now[3]),
        *(c * now[0] + d * now[2], c * now[1] + d * now[3]),
        *(x, y),
    )


def _at(now: Matrix, x: float, y: float) -> tuple[float, float]:
    return now[0] * x + now[2] * y + now[4], now[1] * x + now[3] * y + now[5]


def svg_page(text: str) -> Page:
    """A plate as SVG; its size as it says it."""
    size = re.search(r'width="([\d.]+)mm" height="([\d.]+)mm" viewBox="0 0 \1 \2"', text)
    path = re.search(r'translate\(([\d.]+) ([\d.]+)\) scale\(([\d.]+)\)"[^>]* d="([^"]+)"', text)
    assert size is not None
    assert path is not None
    left, top, module = (float(path.group(number)) for number in (1, 2, 3))
    bars = [
        (left + int(x) * module, top + int(y) * module, int(length) * module, module)
        for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path.group(4))
    ]
    return Page(float(size.group(1)), float(size.group(2)), bars)
