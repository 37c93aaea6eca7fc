// The outline of a division as a path for SVG: equal scale in both directions at its own latitude. Refuses tiles: one shape is one path.
import type { Geometry, Position } from 'geojson'
import { boundsOf, type Bounds } from '../map/base'

export interface Drawn {
  box: string
  path: string
}

const WIDE = 1000

/** `around` is what the picture shows; shapes in the same picture are given the same. */
export function drawn(geometry: Geometry, around: Bounds = boundsOf(geometry)): Drawn {
  const [west, south, east, north] = around
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180)
  const scale = WIDE / Math.max((east - west) * squeeze, north - south, 1e-6)
  const place = ([lon = 0, lat = 0]: Position) => `${((lon - west) * squeeze * scale).toFixed(1)} ${((north - lat) * scale).toFixed(1)}`
  const ring = (points: Position[]) => `M${points.map(place).join('L')}Z`
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.type === 'MultiPolygon' ? geometry.coordinates : []
  const margin = WIDE * 0.03
  const [w, h] = [(east - west) * squeeze * scale, (north - south) * scale]
  return { box: [-margin, -margin, w + 2 * margin, h + 2 * margin].map((one) => one.toFixed(1)).join(' '), path: polygons.map((one) => one.map(ring).join('')).join('') }
}
