// The map's style from the tokens: land, borders, names, circles, pins on top. Built again for the other theme; only paints
// differ. Refuses glyphs, sprites and tiles: fonts are the system's, pictures are drawn by icons.ts.
import type { FeatureCollection } from 'geojson'
import type { LayerSpecification, StyleSpecification } from 'maplibre-gl'
import { theme, token } from '@shared/theme'

/** Counties are shown from here on, and with them the finer borders of cities and provinces. */
export const COUNTY_ZOOM = 7.5

export function style(base: FeatureCollection, names: FeatureCollection): StyleSpecification {
  return {
    version: 8,
    sources: {
      base: { type: 'geojson', data: base, maxzoom: 12 },
      names: { type: 'geojson', data: names, maxzoom: 12 },
      live: { type: 'geojson', data: { type: 'FeatureCollection', features: [] }, maxzoom: 17, buffer: 64, tolerance: 0 },
    },
    layers: layers(),
  }
}

/** Bottom to top. */
export function layers(): LayerSpecification[] {
  return [
    { id: 'out', type: 'background', paint: { 'background-color': token('--wg-map-out') } },
    { id: 'land', type: 'fill', source: 'base', filter: kind('land'), paint: { 'fill-color': token('--wg-map-land'), 'fill-antialias': false } },
    line('counties', '--wg-map-line', 0.7, COUNTY_ZOOM),
    line('cities', '--wg-map-line', 1, 4.5, COUNTY_ZOOM),
    line('provinces', '--wg-map-line-2', 1.2, 0, COUNTY_ZOOM),
    line('fine-cities', '--wg-map-line-2', 1, COUNTY_ZOOM),
    line('fine-provinces', '--wg-map-line-2', 1.4, COUNTY_ZOOM),
    line('borders', '--wg-map-line-2', 1.6),
    line('edge', '--wg-ink-3', 1.8),
    names('county', 8.5, 12), names('city', 5.2, 13), names('province', 0, 14),
    circles(),
    pins(),
  ]
}

const kind = (name: string): ['==', ['get', string], string] => ['==', ['get', 'kind'], name]

const line = (id: string, colour: `--wg-${string}`, width: number, from = 0, to = 24): LayerSpecification => ({
  id, type: 'line', source: 'base', minzoom: from, maxzoom: to, filter: kind(id), layout: { 'line-join': 'round' },
  paint: { 'line-color': token(colour), 'line-width': width },
})

const fonts = (): string[] => token('--wg-font').split(',').map((one) => one.trim().replaceAll('"', ''))
/** Inside the scope names of provinces give way to those of their cities. */
const PROVINCE_NAMES_TO = 5.6

// A name stands clear of the circles: it moves around its point, and goes where nothing is free.
function names(which: 'province' | 'city' | 'county', from: number, px: number): LayerSpecification {
  const inside = ['get', 'inside']
  const shown = which === 'province' ? ['any', ['!', inside], ['<', ['zoom'], PROVINCE_NAMES_TO]] : inside
  return {
    id: `names-${which}`, type: 'symbol', source: 'names', minzoom: from,
    filter: ['all', kind(which), shown] as never,
    layout: {
      'text-field': ['get', 'name'], 'text-font': fonts(), 'text-size': px, 'text-padding': 1, 'text-max-width': 12,
      'text-variable-anchor': ['center', 'top', 'bottom', 'left', 'right', 'top-left', 'top-right', 'bottom-left', 'bottom-right'],
      'text-radial-offset': 1.1,
    },
    paint: { 'text-color': token('--wg-map-text'), 'text-halo-color': token('--wg-map-land'), 'text-halo-width': 1.2 },
  }
}

function circles(): LayerSpecification {
  const dark = theme.value === 'dark'
  return {
    id: 'circles', type: 'symbol', source: 'live', filter: kind('circle'),
    layout: {
      'icon-image': ['get', 'icon'], 'icon-allow-overlap': true, 'icon-padding': 0, 'symbol-sort-key': ['get', 'radius'],
      'text-field': ['get', 'text'], 'text-font': fonts(), 'text-size': 12, 'text-allow-overlap': true, 'text-padding': 0,
    },
    paint: {
      'text-color': ['step', ['get', 'class'], token('--wg-ink'), dark ? 3 : 4, token(dark ? '--wg-on-act' : '--wg-on-l1')],
    },
  }
}

// Outside the circle's upper right edge; a level 2 beside a level 1 at the lower right. Offsets grow with the radius.
function pins(): LayerSpecification {
  const corner = (radius: number) => Math.round(radius * 0.72 + 5)
  const icon = (radius: number, way: 1 | -1) => ['literal', [corner(radius), way * corner(radius)]]
  const text = (radius: number, way: 1 | -1) => ['literal', [(corner(radius) + 10) / 12, (way * corner(radius)) / 12]]
  const grown = (part: typeof icon, way: 1 | -1) => ['interpolate', ['linear'], ['get', 'radius'], 9, part(9, way), 30, part(30, way)]
  const placed = (part: typeof icon) => ['case', ['get', 'below'], grown(part, 1), grown(part, -1)]
  return {
    id: 'pins', type: 'symbol', source: 'live', filter: kind('pin'),
    layout: {
      'icon-image': ['get', 'icon'], 'icon-allow-overlap': true, 'icon-offset': placed(icon) as never, 'symbol-sort-key': ['-', 3, ['get', 'level']],
      'text-field': ['get', 'text'], 'text-font': fonts(), 'text-size': 12, 'text-anchor': 'left', 'text-allow-overlap': true, 'text-offset': placed(text) as never,
    },
    paint: { 'text-color': token('--wg-ink'), 'text-halo-color': token('--wg-panel'), 'text-halo-width': 1.5 },
  }
}
