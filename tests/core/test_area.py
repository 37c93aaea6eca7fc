"""In which area a point lies: holes, several pieces, borders, and that a country cut into areas leaves nobody out."""

from itertools import pairwise
from math import cos, nan, sin, tau
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weld.core.area import Box, area, locate


def square(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


RING = area("410500", "Polygon", [square(0, 0, 10, 10), square(4, 4, 6, 6)])
ISLANDS = area("410900", "MultiPolygon", [[square(20, 0, 22, 2)], [square(30, 5, 31, 6)]])
ENCLAVE = area("410503", "Polygon", [square(4, 4, 6, 6)])


@pytest.mark.parametrize(
    ("lon", "lat", "inside"),
    [
        (1, 1, True),
        (5, 5, False),  # in the hole
        (11, 5, False),
        (-0.001, 5, False),
        (0, 5, True),  # on the border, each side and corner
        (10, 5, True),
        (5, 0, True),
        (5, 10, True),
        (0, 0, True),
        (10, 10, True),
        (4, 5, True),  # on the border of the hole
        (4, 4, True),
        (4.001, 5, False),
        (3, 4, True),  # level with a corner of the hole
        (-1, 0, False),  # level with a corner, outside
        (-1, 10, False),
        (11, 10, False),
        (nan, 5, False),
    ],
)
def test_a_point_is_inside_on_the_border_or_out(lon: float, lat: float, inside: bool) -> None:
    assert RING.has(lon, lat) == inside


@pytest.mark.parametrize(("lon", "lat", "inside"), [(21, 1, True), (30.5, 5.5, True), (25, 3, False), (30.5, 1, False)])
def test_a_division_may_lie_in_pieces(lon: float, lat: float, inside: bool) -> None:
    assert ISLANDS.has(lon, lat) == inside
    assert ISLANDS.box == Box(20, 0, 31, 6)


def test_a_point_has_one_division_on_a_border_too() -> None:
    areas = (ISLANDS, RING, ENCLAVE)
    assert locate(areas, 5, 5) == "410503"
    assert locate(areas, 4, 5) == "410500"  # the border of both: the smaller code
    assert locate(reversed(areas), 4, 5) == "410500"
    assert locate(areas, 21, 1) == "410900"
    assert locate(areas, 50, 50) is None
    assert locate((), 5, 5) is None


def test_a_bay_is_outside_and_its_spit_inside() -> None:
    bay = area("370600", "Polygon", [[[0, 0], [8, 0], [8, 6], [6, 6], [6, 2], [2, 2], [2, 6], [0, 6], [0, 0]]])
    assert [bay.has(lon, 4) for lon in (1, 2, 4, 6, 7)] == [True, True, False, True, True]
    assert not bay.has(4, 6)
    assert bay.has(4, 2)


@pytest.mark.parametrize(
    ("kind", "coordinates"),
    [
        ("LineString", [[0, 0], [1, 1]]),
        ("Polygon", []),
        ("Polygon", [[[0, 0], [1, 0], [0, 0]]]),
        ("Polygon", [[[0, 0], [1, 0], [1, 1], [0, 1]]]),  # does not end where it began
        ("Polygon", [square(0, 0, 200, 1)]),
        ("Polygon", [[[0, 0], [1, 0], [nan, 1], [0, 0]]]),
        ("MultiPolygon", []),
    ],
)
def test_a_broken_shape_is_refused_with_its_code(kind: str, coordinates: Any) -> None:
    with pytest.raises(ValueError, match="410502: "):
        area("410502", kind, coordinates)


def test_a_height_beside_a_corner_is_passed_over() -> None:
    assert area("1", "Polygon", [[[0, 0, 7], [1, 0, 7], [1, 1, 7], [0, 0, 7]]]).has(0.9, 0.5)


places = st.floats(0, 12, allow_nan=False) | st.integers(0, 12).map(float)


@given(places, places, st.lists(st.integers(1, 11), min_size=1, max_size=6, unique=True))
def test_a_country_cut_into_strips_and_rows_leaves_nobody_out(lon: float, lat: float, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), 12]
    tiles = [
        area(f"{row:02}{column:02}", "Polygon", [square(edges[column], edges[row], edges[column + 1], edges[row + 1])])
        for row in range(len(edges) - 1)
        for column in range(len(edges) - 1)
    ]
    having = [tile.code for tile in tiles if tile.has(lon, lat)]
    assert locate(tiles, lon, lat) == min(having)
    assert len(having) == (2 if lon in edges[1:-1] else 1) * (2 if lat in edges[1:-1] else 1)


@given(places, places, st.integers(3, 40), st.floats(0, 1))
def test_ray_casting_agrees_with_the_half_planes_of_a_convex_shape(
    lon: float, lat: float, corners: int, turned: float
) -> None:
    ring = [
        [6 + 5 * cos((k + turned) * tau / corners), 6 + 5 * sin((k + turned) * tau / corners)] for k in range(corners)
    ]
    ring.append(ring[0])
    distances = [(b[0] - a[0]) * (lat - a[1]) - (lon - a[0]) * (b[1] - a[1]) for a, b in pairwise(ring)]
    if min(map(abs, distances)) < 1e-9:  # too close to a border's line to tell
        return
    assert area("1", "Polygon", [ring]).has(lon, lat) == all(distance > 0 for distance in distances)
    assert area("1", "Polygon", [ring[::-1]]).has(lon, lat) == all(distance > 0 for distance in distances)


@given(st.floats(0.01, 9.99), st.floats(0.01, 9.99), st.floats(0, 1))
def test_a_slanted_border_between_two_neighbours_loses_nobody(bottom: float, top: float, along: float) -> None:
    west = area("1", "Polygon", [[[0, 0], [bottom, 0], [top, 10], [0, 10], [0, 0]]])
    east = area("2", "Polygon", [[[bottom, 0], [10, 0], [10, 10], [top, 10], [bottom, 0]]])
    lon, lat = bottom + along * (top - bottom), along * 10
    assert locate((west, east), lon, lat) is not None
