"""Where a point lies: areas of divisions as polygons with holes, asked by ray casting after their bounding boxes.

Points are WGS-84 degrees, longitude first as in GeoJSON; between two corners a border runs straight in degrees. A border belongs
to its area, and so does the border of a hole: a point exactly on the border of two neighbours lies in both, and `locate` takes
the smaller code; on the border of the whole country nobody is lost. Refuses broken rings, and areas across the 180th meridian.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple

Point = tuple[float, float]
Ring = tuple[Point, ...]
_Side = Literal["inside", "border", "outside"]


class Box(NamedTuple):
    """The smallest rectangle around something; its border belongs to it."""

    west: float
    south: float
    east: float
    north: float

    def has(self, lon: float, lat: float) -> bool:
        return self.west <= lon <= self.east and self.south <= lat <= self.north


@dataclass(frozen=True, slots=True)
class Polygon:
    """One piece of land: a ring around it, rings around what is cut out."""

    outer: Ring
    holes: tuple[Ring, ...]
    box: Box

    def has(self, lon: float, lat: float) -> bool:
        return (
            self.box.has(lon, lat)
            and _side(self.outer, lon, lat) != "outside"
            and all(_side(hole, lon, lat) != "inside" for hole in self.holes)
        )


@dataclass(frozen=True, slots=True)
class Area:
    """All pieces of one division."""

    code: str
    polygons: tuple[Polygon, ...]
    box: Box

    def has(self, lon: float, lat: float) -> bool:
        return self.box.has(lon, lat) and any(polygon.has(lon, lat) for polygon in self.polygons)


def area(code: str, kind: str, coordinates: Sequence[Any]) -> Area:
    """From a GeoJSON geometry: its type (Polygon or MultiPolygon) and its coordinates; ValueError where it is broken."""
    if kind not in {"Polygon", "MultiPolygon"}:
        raise ValueError(f"{code}: a {kind} has no inside")
    polygons = tuple(_polygon(code, rings) for rings in (coordinates if kind == "MultiPolygon" else [coordinates]))
    if not polygons:
        raise ValueError(f"{code}: no polygon")
    return Area(code, polygons, _around(corner for polygon in polygons for corner in _corners(polygon.box)))


def locate(areas: Iterable[Area], lon: float, lat: float) -> str | None:
    """The code of the area that has this point, the smallest of several; None where none has. Hand in areas of one level."""
    return min((each.code for each in areas if each.has(lon, lat)), default=None)


def _polygon(code: str, rings: Sequence[Sequence[Sequence[float]]]) -> Polygon:
    outer, *holes = [_ring(code, ring) for ring in rings or [()]]
    return Polygon(outer, tuple(holes), _around(outer))


def _ring(code: str, corners: Sequence[Sequence[float]]) -> Ring:
    ring = tuple((float(corner[0]), float(corner[1])) for corner in corners)
    if len(ring) < 4 or ring[0] != ring[-1]:
        raise ValueError(f"{code}: a ring has 4 corners or more and ends where it began")
    if not all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in ring):
        raise ValueError(f"{code}: a corner is no place on earth")
    return ring


def _around(corners: Iterable[Point]) -> Box:
    lons, lats = zip(*corners, strict=True)
    return Box(min(lons), min(lats), max(lons), max(lats))


def _corners(box: Box) -> tuple[Point, Point]:
    return (box.west, box.south), (box.east, box.north)


def _side(ring: Ring, lon: float, lat: float) -> _Side:
    """Ray casting to the east: an odd number of edges is crossed from inside. An edge counts with its lower end and without its
    upper one, so that a corner is crossed once."""
    inside = False
    for first, second in pairwise(ring):
        # from the lower end up, whichever way the ring runs: neighbours must reckon alike, or one of them loses the point
        (lon_a, lat_a), (lon_b, lat_b) = (first, second) if first[1] <= second[1] else (second, first)
        # above 0: the point is left of the edge; 0: on its line
        left = (lon_b - lon_a) * (lat - lat_a) - (lon - lon_a) * (lat_b - lat_a)
        if left == 0 and _between(lon_a, lon, lon_b) and lat_a <= lat <= lat_b:
            return "border"
        if lat_a <= lat < lat_b and left > 0:
            inside = not inside
    return "inside" if inside else "outside"


def _between(one: float, value: float, other: float) -> bool:
    return min(one, other) <= value <= max(one, other)
