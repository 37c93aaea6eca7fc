// The base map's data: TopoJSON of our own server, decoded once. Land and borders of the country, counties a province at a
// time, names, and the bounds of a division. Refuses tiles, glyphs and other hosts.
import type { Feature, FeatureCollection, Geometry, MultiLineString, Point } from 'geojson'
import { feature, merge, mesh } from 'topojson-client'
import type { GeometryCollection, MultiPolygon, Polygon, Topology } from 'topojson-specification'

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
  /** The box of every province, by its two digits. */
  boxes: [code: string, box: Bounds][]
  cities: Areas
  provinceLines: MultiLineString
  cityLines: MultiLineString
  /** 境界线: on the map at every zoom, whoever looks. */
  borders: FeatureCollection
  labels: Labels
}

/** Finer than the country's: where counties are drawn, so are the borders of their cities and their province. */
export interface Counties {
  lines: MultiLineString
  cityLines: MultiLineString
  provinceLines: MultiLineString
  labels: Labels
  /** The counties of a code in one piece. */
  joined(code: string): Feature<Geometry, Named> | null
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
  const { cities, lines, labels } = told.objects
  const provinces = feature(told, told.objects.provinces) as Areas
  return {
    provinces,
    boxes: provinces.features.map((one) => [one.properties.code.slice(0, 2), boundsOf(one.geometry)]),
    cities: feature(told, cities) as Areas,
    provinceLines: mesh(told, told.objects.provinces),
    cityLines: mesh(told, cities),
    borders: feature(told, lines),
    labels: feature(told, labels) as Labels,
  }
}

const AT_ONCE = 8
const counties = new Map<string, Promise<Counties>>()

/** The counties of a province by its two digits. */
export function loadCounties(province: string): Promise<Counties> {
  const known = counties.get(province)
  if (known) return known
  const asked = topology<'counties' | 'labels'>(`/map/county/${province}.json`).then(fine)
  counties.set(province, asked)
  asked.catch(() => counties.delete(province))
  return asked
}

/** The counties of every province that a box touches; of those that came. */
export async function countiesIn(country: Country, box: Bounds, known: ReadonlyMap<string, Counties>): Promise<Map<string, Counties>> {
  const wanted = country.boxes.filter(([code, one]) => !known.has(code) && overlap(one, box)).slice(0, AT_ONCE)
  const came = await Promise.all(wanted.map(async ([code]) => [code, await loadCounties(code).catch(() => null)] as const))
  return new Map(came.filter((one): one is [string, Counties] => one[1] !== null))
}

type Area = (Polygon | MultiPolygon) & { properties: Named }

function fine(told: Topology<Record<'counties' | 'labels', GeometryCollection>>): Counties {
  const { counties: all, labels } = told.objects
  const city = (one: unknown) => (one as Area).properties.code.slice(0, 4)
  return {
    lines: mesh(told, all, (a, b) => a !== b && city(a) === city(b)),
    cityLines: mesh(told, all, (a, b) => city(a) !== city(b)),
    provinceLines: mesh(told, all, (a, b) => a === b),
    labels: feature(told, labels) as Labels,
    joined(code) {
      const inside = (all.geometries as Area[]).filter((one) => one.properties.code.startsWith(code))
      if (inside.length === 0) return null
      return { type: 'Feature', properties: { code, name: '' }, geometry: merge(told, inside) }
    },
  }
}

/** The outline of a division; of the one above it where the map does not hold it (development zones, streets). */
export async function outline(code: string): Promise<Feature<Geometry, Named> | null> {
  const inside = await loadCounties(code.slice(0, 2)).catch(() => null)
  const found = inside?.joined(code.slice(0, 6)) ?? inside?.joined(code.slice(0, 4))
  if (found) return found
  const { provinces, cities } = await loadCountry()
  const named = (areas: Areas, digits: number) => areas.features.find((one) => one.properties.code === code.slice(0, digits).padEnd(6, '0'))
  return named(cities, 4) ?? named(provinces, 2) ?? null
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
