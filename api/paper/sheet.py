"""A4 sheets of 24 plates in their true size, three by eight, with lines to cut along; and one plate on a page of its own.

Refuses to scale: a code that was made smaller by a printer is a code that nobody reads.
"""

from collections.abc import Sequence
from io import BytesIO

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from api.paper.label import HEIGHT_MM, WIDTH_MM, Label, Line, Span, draw, draw_line, page

_PAGE_MM = (210.0, 297.0)
_COLUMNS, _ROWS = 3, 8
_PER_PAGE = _COLUMNS * _ROWS
_LEFT_MM, _TOP_MM = (_PAGE_MM[0] - _COLUMNS * WIDTH_MM) / 2, 15.0
_HEAD_MM = 10.5
_CUT_MM = 0.12


def sheets(labels: Sequence[Label], *, demo: bool = False) -> bytes:
    """The plates as PDF, 24 to a page."""
    canvas, into = _canvas(_PAGE_MM, f"{labels[0].imprint.name} 铭牌")
    pages = [labels[first : first + _PER_PAGE] for first in range(0, len(labels), _PER_PAGE)]
    for number, shown in enumerate(pages, start=1):
        page(canvas, _PAGE_MM[1])
        for line in _head(shown, number, len(pages), demo=demo):
            draw_line(canvas, line)
        for place, label in enumerate(shown):
            row, column = divmod(place, _COLUMNS)
            draw(canvas, label, _LEFT_MM + column * WIDTH_MM, _TOP_MM + row * HEIGHT_MM)
        _cuts(canvas)
        canvas.showPage()
    canvas.save()
    return into.getvalue()


def single(label: Label) -> bytes:
    """One plate as PDF on a page of its size."""
    canvas, into = _canvas((WIDTH_MM, HEIGHT_MM), label.plate)
    page(canvas, HEIGHT_MM)
    draw(canvas, label, 0, 0)
    canvas.showPage()
    canvas.save()
    return into.getvalue()


def _canvas(size_mm: tuple[float, float], title: str) -> tuple[Canvas, BytesIO]:
    into = BytesIO()
    # invariant: the same plates give the same bytes
    canvas = Canvas(into, pagesize=(size_mm[0] * mm, size_mm[1] * mm), pageCompression=1, invariant=1)
    canvas.setTitle(title)
    canvas.setViewerPreference("PrintScaling", "None")
    return canvas, into


def _head(shown: Sequence[Label], number: int, pages: int, *, demo: bool) -> list[Line]:
    advice = "演示牌，扫不到真机器" if demo else "按 100% 打印，沿虚线裁切，贴前核对尾号"
    count = f"第 {number} 页，共 {pages} 页 · {len(shown)} 块 · 每块 {WIDTH_MM:g}×{HEIGHT_MM:g} 毫米"
    name = Line((Span(f"{shown[0].imprint.name} 铭牌打印页", bold=True),), _LEFT_MM, _HEAD_MM, 3.4, most_mm=60)
    return [
        name,
        Line((Span(count),), _LEFT_MM + name.width_mm + 4, _HEAD_MM, 2.6, most_mm=66),
        Line((Span(advice),), _PAGE_MM[0] - _LEFT_MM, _HEAD_MM, 2.6, most_mm=58, anchor="end"),
    ]


def _cuts(canvas: Canvas) -> None:
    canvas.setLineWidth(_CUT_MM)
    canvas.setDash([1.0, 0.8])
    right, bottom = _PAGE_MM[0] - _LEFT_MM, _TOP_MM + _ROWS * HEIGHT_MM
    for column in range(_COLUMNS + 1):
        x = _LEFT_MM + column * WIDTH_MM
        canvas.line(x, -_TOP_MM, x, -bottom)
    for row in range(_ROWS + 1):
        y = _TOP_MM + row * HEIGHT_MM
        canvas.line(_LEFT_MM, -y, right, -y)
