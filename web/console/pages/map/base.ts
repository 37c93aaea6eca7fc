// The base map's data: TopoJSON of our own server, decoded once. Land and borders of the country, counties a province at a
// time, names, and the bounds of a division. Refuses tiles, glyphs and other hosts.
import type { Feature, FeatureCollection, Geometry, MultiLineString, Point } from 'geojson'
import { feature, mesh } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'

interface Named {
  code: string
  name: string
}
interface Label extends Named {
  kind: 'province' | 'city' | 'county'
}
type Areas = FeatureCollection<Geometry, Named>
type Labels = FeatureCollection<Point, Label>
export type Bounds = [west: number, south: number, east: number, north: number]

export interface Country {
  provinces: Areas
  cities: Areas
  provinceLines: MultiLineString
  cityLines: MultiLineString
  /** 境界线: on the map at every zoom, whoever looks. */
  borders: FeatureCollection
  labels: Labels
}

export interface Counties {
  areas: Areas
  lines: MultiLineString
  labels: Labels
}

export const CHINA: Bounds = [73.4, 3.4, 135.2, 53.6]

async function topology<Objects extends string>(path: string): Promise<Topology<Record<Objects, GeometryCollection>>> {
  const answer = await fetch(path)
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return (await answer.json()) as Topology<Record<Objects, GeometryCollection>>
}

let country: Promise<Country> | null = null

/** Asked once; a failure is asked again by the next who wants it. */
export function loadCountry(): Promise<Country> {
  country ??= decoded().catch((fault: unknown) => {
    country = null
    throw fault
  })
  return country
}

async function decoded(): Promise<Country> {
  const told = await topology<'provinces' | 'cities' | 'lines' | 'labels'>('/map/china.json')
  const { provinces, cities, lines, labels } = told.objects
  return {
    provinces: feature(told, provinces) as Areas,
    cities: feature(told, cities) as Areas,
    provinceLines: mesh(told, provinces),
    cityLines: mesh(told, cities),
    borders: feature(told, lines),
    labels: feature(told, labels) as Labels,
  }
}

const counties = new Map<string, Promise<Counties>>()

/** The counties of a province by its two digits. */
export function loadCounties(province: string): Promise<Counties> {
  const known = counties.get(province)
  if (known) return known
  const asked = topology<'counties' | 'labels'>(`/map/county/${province}.json`).then((told) => ({
    areas: feature(told, told.objects.counties) as Areas,
    lines: mesh(told, told.objects.counties),
    labels: feature(told, told.objects.labels) as Labels,
  }))
  counties.set(province, asked)
  asked.catch(() => counties.delete(province))
  return asked
}

/** The outline of a division; of the one above it where the map does not hold it (development zones, streets). */
export async function outline(code: string): Promise<Feature<Geometry, Named> | null> {
  const { provinces, cities } = await loadCountry()
  const six = code.slice(0, 6).padEnd(6, '0')
  const named = (areas: Areas, wanted: string) => areas.features.find((one) => one.properties.code === wanted)
  if (code.length > 4) {
    const inside = await loadCounties(code.slice(0, 2)).catch(() => null)
    const found = inside && named(inside.areas, six)
    if (found) return found
  }
  return (code.length > 2 ? named(cities, `${six.slice(0, 4)}00`) : undefined) ?? named(provinces, `${six.slice(0, 2)}0000`) ?? null
}

export function boundsOf(geometry: Geometry): Bounds {
  const box: Bounds = [180, 90, -180, -90]
  const walk = (part: unknown): void => {
    if (!Array.isArray(part)) return
    if (typeof part[0] === 'number') extend(box, part[0], part[1] as number)
    else part.forEach(walk)
  }
  if (geometry.type !== 'GeometryCollection') walk(geometry.coordinates)
  return box
}

export function extend(box: Bounds, lon: number, lat: number): void {
  box[0] = Math.min(box[0], lon)
  box[1] = Math.min(box[1], lat)
  box[2] = Math.max(box[2], lon)
  box[3] = Math.max(box[3], lat)
}

export const overlap = (a: Bounds, b: Bounds): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
