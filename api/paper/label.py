"""One plate of 64 x 34 mm, black on white: the code, the tail number in digits 7 mm high, and what tells a false plate.

The lines are laid out once, in millimetres from the top left corner, and drawn as SVG or into a PDF. Refuses colour, a picture
inside the code, and the owner: a machine is sold, its plate stays.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfgen.canvas import Canvas

from api.paper.code import QUIET, SIDE_MM, Code, make
from weld.core.plate import groups

WIDTH_MM, HEIGHT_MM = 64.0, 34.0

_LATIN, _LATIN_BOLD, _CHINESE = "Helvetica", "Helvetica-Bold", "STSong-Light"
_SVG_FONTS = "Helvetica, Arial, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
# Every viewer of PDF brings this font; it has one weight, so bold is drawn with an outline of this share of its size.
registerFont(UnicodeCIDFont(_CHINESE))
_OUTLINE = 0.03

_EDGE_MM = (HEIGHT_MM - SIDE_MM) / 2
_LEFT_MM, _RIGHT_MM = 34.2, 63.0
_COLUMN_MM = _RIGHT_MM - _LEFT_MM
_WORDS_MM, _BOTTOM_MM = 21.4, 32.2
_TAIL_MM = 7 / 0.71  # Helvetica's digits stand 0.71 of its size high


class Span(NamedTuple):
    """A piece of a line in one weight."""

    text: str
    bold: bool = False


@dataclass(frozen=True)
class Line:
    """A line of text by its baseline; `size_mm` is that of the font, and the line is no wider than `most_mm`."""

    spans: tuple[Span, ...]
    x_mm: float
    y_mm: float
    size_mm: float
    most_mm: float = _COLUMN_MM
    anchor: Literal["start", "end"] = "start"

    @property
    def fitted_mm(self) -> float:
        """The size of the font in which the line fits."""
        return min(self.size_mm, self.size_mm * self.most_mm / _width(self.spans, self.size_mm))

    @property
    def width_mm(self) -> float:
        """How wide it is."""
        return _width(self.spans, self.fitted_mm)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True)
class Imprint:
    """What stands on every plate of an installation."""

    public_url: str
    name: str
    hotline: str

    @property
    def host(self) -> str:
        """The only address that a plate of ours leads to."""
        return urlsplit(self.public_url).netloc


@dataclass(frozen=True)
class Label:
    """One plate with its code, which has been read back."""

    plate: str
    model: str
    imprint: Imprint
    code: Code

    @classmethod
    def make(cls, plate: str, model: str, imprint: Imprint, address: str) -> "Label":
        """The plate of this number whose code says this address."""
        return cls(plate, model, imprint, make(address))

    def lines(self) -> list[Line]:
        """The words, from top to bottom."""
        *before, tail = groups(self.plate)
        return [
            Line((Span(self.imprint.name, bold=True),), _LEFT_MM, 4.4, 3.0, most_mm=_COLUMN_MM - 7),
            Line((Span("尾号"),), _RIGHT_MM, 4.4, 2.7, anchor="end"),
            Line((Span(tail, bold=True),), _LEFT_MM - 0.4, 13.3, _TAIL_MM),
            Line((Span(" ".join(before) + " "), Span(tail, bold=True)), _LEFT_MM, 17.2, 2.5),
            *self._words(),
        ]

    def _words(self) -> list[Line]:
        """What to do, the domain in clear (the defence against a false plate), the model and whom to call."""
        hotline = f"热线 {self.imprint.hotline}" if self.imprint.hotline else ""
        rows = [
            *_in_one_or_two(2.7, (Span("尾号不符，请勿开机", bold=True),)),
            *_in_one_or_two(2.5, (Span("网址只认 "),), (Span(self.imprint.host, bold=True),)),
            *_in_one_or_two(2.2, (Span(f"{self.model}  "),), (Span(hotline),)),
        ]
        step_mm = (_BOTTOM_MM - _WORDS_MM) / (len(rows) - 1)
        return [
            Line(spans, _LEFT_MM, _WORDS_MM + place * step_mm, size_mm) for place, (size_mm, spans) in enumerate(rows)
        ]


def _in_one_or_two(size_mm: float, *parts: tuple[Span, ...]) -> list[tuple[float, tuple[Span, ...]]]:
    """One line where all parts fit at this size, otherwise a line each."""
    together = tuple(span for part in parts for span in part)
    if _width(together, size_mm) <= _COLUMN_MM:
        return [(size_mm, together)]
    return [(size_mm, part) for part in parts if part[0].text]


def svg(label: Label) -> str:
    """The plate as SVG in its true size. Attributes only: no style, no script, nothing to load."""
    texts = "".join(_svg_line(line) for line in label.lines())
    bars = "".join(f"M{x} {y}h{length}v1h-{length}z" for y, x, length in label.code.bars)
    start, module = _EDGE_MM + QUIET * label.code.module_mm, label.code.module_mm
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_MM:g}mm" height="{HEIGHT_MM:g}mm"'
        f' viewBox="0 0 {WIDTH_MM:g} {HEIGHT_MM:g}"><title>{escape(label.plate)}</title>'
        f'<rect width="{WIDTH_MM:g}" height="{HEIGHT_MM:g}" fill="#fff"/>'
        f'<path transform="translate({start:.4f} {start:.4f}) scale({module:.6f})" shape-rendering="crispEdges" d="{bars}"/>'
        f'<g font-family="{_SVG_FONTS}">{texts}</g></svg>'
    )


def _svg_line(line: Line) -> str:
    # The length is given, as nobody knows which font the viewer has.
    spans = "".join(f'<tspan font-weight="{700 if bold else 400}">{escape(text)}</tspan>' for text, bold in line.spans)
    return (
        f'<text x="{line.x_mm:g}" y="{line.y_mm:g}" font-size="{line.fitted_mm:.3f}" text-anchor="{line.anchor}"'
        f' textLength="{line.width_mm:.3f}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">{spans}</text>'
    )


def draw(canvas: Canvas, label: Label, left_mm: float, top_mm: float) -> None:
    """The plate on a page whose origin is its top left corner, in millimetres (y grows upwards: down is negative)."""
    canvas.saveState()
    canvas.translate(left_mm, -top_mm)
    for line in label.lines():
        draw_line(canvas, line)
    start, module = _EDGE_MM + QUIET * label.code.module_mm, label.code.module_mm
    canvas.translate(start, -start)
    canvas.scale(module, -module)
    path = canvas.beginPath()
    for y, x, length in label.code.bars:
        path.rect(x, y, length, 1)
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.restoreState()


def draw_line(canvas: Canvas, line: Line) -> None:
    """One line of text."""
    size, x = line.fitted_mm, line.x_mm - (line.width_mm if line.anchor == "end" else 0)
    for text, font, bold in _runs(line.spans):
        words = canvas.beginText(x, -line.y_mm)
        words.setFont(font, size)
        canvas.setLineWidth(size * _OUTLINE)
        words.setTextRenderMode(2 if bold and font == _CHINESE else 0)
        words.textOut(text)
        canvas.drawText(words)
        x += stringWidth(text, font, size)


def page(canvas: Canvas, height_mm: float) -> None:
    """Put the origin of a fresh page to its top left corner, in millimetres."""
    canvas.translate(0, height_mm * mm)
    canvas.scale(mm, mm)


def _width(spans: tuple[Span, ...], size: float) -> float:
    return sum(stringWidth(text, font, size) for text, font, _ in _runs(spans))


def _runs(spans: tuple[Span, ...]) -> list[tuple[str, str, bool]]:
    """The pieces by font: Chinese, and the Latin letters and digits between."""
    runs: list[tuple[str, str, bool]] = []
    for text, bold in spans:
        for character in text:
            font = _CHINESE if ord(character) > 0xFF else _LATIN_BOLD if bold else _LATIN
            if runs and runs[-1][1:] == (font, bold):
                runs[-1] = (runs[-1][0] + character, font, bold)
            else:
                runs.append((character, font, bold))
    return runs
