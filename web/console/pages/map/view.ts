// The map as the page speaks to it: what is in scope, what is looked at, names in a language, counties as they come into
// view, circles. Refuses to know where circles come from.
import type { FeatureCollection, MultiLineString, Point } from 'geojson'
import type { GeoJSONSource, Map as GlMap } from 'maplibre-gl'
import { boundsOf, extend, loadCounties, outline, overlap, CHINA, type Bounds, type Counties, type Country } from './base'
import type { Drawn } from './picture'
import { COUNTY_ZOOM } from './style'

/** A place's name in the language of the screen; null: as the map has it. */
export type Naming = (code: string) => string | null
const AT_ONCE = 8

/** How bounds are brought into view: clear of what lies over the map. */
export const fitting = () => ({ padding: { top: 56, bottom: 40, left: 40, right: 56 }, maxZoom: 11 })

export class MapView {
  private readonly provinceBoxes: [code: string, box: Bounds][]
  private readonly counties = new Map<string, Counties>()
  private naming: Naming = () => null
  private scoped = ''
  private last = ''

  constructor(private readonly map: GlMap, private readonly country: Country) {
    this.provinceBoxes = country.provinces.features.map((one) => [one.properties.code.slice(0, 2), boundsOf(one.geometry)])
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

  /** Land is what the officer answers for; all of it without a division. */
  async scope(division: string | null): Promise<void> {
    const found = division ? await outline(division) : null
    this.source('scope').setData({ type: 'FeatureCollection', features: found ? [found] : [] })
    this.map.setLayoutProperty('land', 'visibility', division && found ? 'none' : 'visible')
    this.scoped = division ?? ''
    this.rename(this.naming)
  }

  /** Draws the edge of a division. */
  async edge(division: string | null): Promise<void> {
    const found = division ? await outline(division) : null
    this.source('focus').setData({ type: 'FeatureCollection', features: found ? [found] : [] })
  }

  fit(bounds: Bounds, moves = true): void {
    this.map.fitBounds(bounds, { ...fitting(), animate: moves })
  }

  rename(naming: Naming): void {
    this.naming = naming
    this.source('names').setData(namesOf(this.country, this.counties.values(), naming, this.scoped))
  }

  private source(id: string): GeoJSONSource {
    return this.map.getSource(id)!
  }

  private lines(id: string, of: (one: Counties) => MultiLineString): void {
    this.source(id).setData({ type: 'MultiLineString', coordinates: [...this.counties.values()].flatMap((one) => of(one).coordinates) })
  }

  private async bringCounties(): Promise<void> {
    if (this.map.getZoom() < COUNTY_ZOOM - 1) return
    const view = this.map.getBounds()
    const box: Bounds = [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()]
    const wanted = this.provinceBoxes.filter(([code, one]) => !this.counties.has(code) && overlap(one, box)).slice(0, AT_ONCE)
    const came = await Promise.all(wanted.map(async ([code]) => [code, await loadCounties(code).catch(() => null)] as const))
    const fresh = came.filter(([code, one]) => one !== null && !this.counties.has(code))
    for (const [code, one] of fresh) this.counties.set(code, one!)
    if (fresh.length === 0) return
    this.lines('counties', (one) => one.lines)
    this.lines('fine-cities', (one) => one.cityLines)
    this.lines('fine-provinces', (one) => one.provinceLines)
    this.rename(this.naming)
  }
}

/** Names of provinces, cities, counties; what is both province and city is named once. `inside` the scope there are cities, outside only provinces. */
export function namesOf(country: Country, counties: Iterable<Counties>, naming: Naming, scope = ''): FeatureCollection {
  const all = [...country.labels.features.filter((one) => one.properties.kind === 'province' || !one.properties.code.endsWith('0000'))]
  for (const one of counties) all.push(...one.labels.features)
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

/** The bounds of a division, null where the map does not know it. */
export async function boundsOfDivision(code: string): Promise<Bounds | null> {
  const found = await outline(code)
  return found && boundsOf(found.geometry)
}
