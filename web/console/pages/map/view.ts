// The map as the page speaks to it: what is in scope, what is looked at, names in a language, counties as they come into
// view, circles. Refuses to know where circles come from.
import type { Feature, FeatureCollection, Geometry, Point } from 'geojson'
import type { GeoJSONSource, Map as GlMap } from 'maplibre-gl'
import { countiesIn, extend, CHINA, type Bounds, type Counties, type Country } from './base'
import type { Drawn } from './picture'
import { COUNTY_ZOOM } from './style'

/** A place's name in the language of the screen; null: as the map has it. */
export type Naming = (code: string) => string | null
type Outline = Feature<Geometry> | null

/** What lies under the circles. */
export interface Ground {
  country: Country
  counties: Map<string, Counties>
  /** The division that the officer answers for; '' is all. */
  scope: string
  scopeOutline: Outline
  /** The edge of the division that is looked at. */
  edge: Outline
  naming: Naming
}

/** Wider views stay below COUNTY_ZOOM. */
const COUNTY_VIEW_DEGREES = 5

/** How bounds are brought into view: clear of what lies over the map. */
export const fitting = () => ({ padding: { top: 56, bottom: 40, left: 40, right: 56 }, maxZoom: 11 })

export class MapView {
  private last = ''

  constructor(private readonly map: GlMap, private readonly ground: Ground) {
    map.on('moveend', () => void this.bringCounties())
    void this.bringCounties()
  }

  /** Circles, machines, pins; nothing is done when nothing changed. */
  show(drawn: FeatureCollection<Point, Drawn>): void {
    const text = JSON.stringify(drawn)
    if (text === this.last) return
    this.last = text
    this.source('live').setData(drawn)
  }

  edge(outline: Outline): void {
    this.ground.edge = outline
    this.source('base').setData(baseOf(this.ground))
  }

  fit(bounds: Bounds, moves = true, closest = fitting().maxZoom): void {
    this.map.fitBounds(bounds, { ...fitting(), maxZoom: closest, animate: moves })
  }

  /** The words changed: language, or the divisions came. */
  rename(): void {
    this.source('names').setData(namesOf(this.ground))
  }

  private source(id: string): GeoJSONSource {
    return this.map.getSource(id)!
  }

  private async bringCounties(): Promise<void> {
    if (this.map.getZoom() < COUNTY_ZOOM - 1) return
    const { country, counties } = this.ground
    const view = this.map.getBounds()
    const came = await countiesIn(country, [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()], counties)
    const fresh = [...came].filter(([code]) => !counties.has(code))
    if (fresh.length === 0) return
    for (const [code, one] of fresh) counties.set(code, one)
    this.source('base').setData(baseOf(this.ground))
    this.rename()
  }
}

/** The counties that a view of these bounds will show, so that the first picture need not be drawn twice. */
export async function countiesFor(country: Country, bounds: Bounds): Promise<Map<string, Counties>> {
  const [width, height] = [bounds[2] - bounds[0], bounds[3] - bounds[1]]
  if (Math.max(width, height) > COUNTY_VIEW_DEGREES) return new Map()
  const wider: Bounds = [bounds[0] - width / 2, bounds[1] - height / 2, bounds[2] + width / 2, bounds[3] + height / 2]
  return countiesIn(country, wider, new Map())
}

/** Land and borders in one source, by kind: each further source costs its own tiles at every zoom. */
export function baseOf({ country, counties, scopeOutline, edge }: Ground): FeatureCollection {
  const part = (kind: string, geometry: Geometry): Feature => ({ type: 'Feature', properties: { kind }, geometry })
  const land = scopeOutline ? [scopeOutline] : country.provinces.features
  const fine = [...counties.values()]
  return {
    type: 'FeatureCollection',
    features: [
      ...land.map((one) => part('land', one.geometry)),
      part('cities', country.cityLines), part('provinces', country.provinceLines),
      ...country.borders.features.map((one) => part('borders', one.geometry)),
      ...fine.flatMap((one) => [part('counties', one.lines), part('fine-cities', one.cityLines), part('fine-provinces', one.provinceLines)]),
      ...(edge ? [part('edge', edge.geometry)] : []),
    ],
  }
}

/** Names of provinces, cities, counties; what is both province and city is named once. Outside the scope only provinces are named. */
export function namesOf({ country, counties, scope, naming }: Ground): FeatureCollection {
  const all = [...country.labels.features.filter((one) => one.properties.kind === 'province' || !one.properties.code.endsWith('0000'))]
  for (const one of counties.values()) all.push(...one.labels.features)
  const features = all.map((one) => {
    const { code, kind, name } = one.properties
    const inside = code.startsWith(scope.slice(0, 6)) || scope.startsWith(trimmed(code))
    return { ...one, properties: { kind, inside, name: naming(trimmed(code)) ?? brief(name, kind) } }
  })
  return { type: 'FeatureCollection', features }
}

const trimmed = (code: string) => code.replace(/(00){1,2}$/, '')

// 安阳市 → 安阳, 河南省 → 河南; long names of autonomous places and counties stay whole.
const brief = (name: string, kind: string) => (kind === 'county' || name.length < 3 ? name : name.replace(/(省|市)$/u, ''))

/** The bounds of the places that are known; of China where none is. */
export function boundsOfPlaces(places: Iterable<{ lat: number | null; lon: number | null }>): Bounds {
  const box: Bounds = [180, 90, -180, -90]
  for (const { lat, lon } of places) if (lat !== null && lon !== null) extend(box, lon, lat)
  return box[0] > box[2] ? CHINA : box
}
