// MapLibre as this page uses it: the build for strict policies with its worker as a file of ours, flat, north up, system fonts.
// A chunk of its own. Refuses rotation, tilt, a second copy of the world, and fading: a circle is there or it is not.
import type { Map as GlMap } from 'maplibre-gl'
import maplibre from 'maplibre-gl/dist/maplibre-gl-csp'
import worker from 'maplibre-gl/dist/maplibre-gl-csp-worker?url'
import { token } from '@shared/theme'
import type { Bounds } from './base'
import { icon, PIXEL_RATIO } from './icons'
import { layers, style } from './style'
import { baseOf, fitting, namesOf, type Ground } from './view'

export type { GlMap }
maplibre.setWorkerUrl(worker)

export function makeMap(container: HTMLElement, ground: Ground, bounds: Bounds): GlMap {
  const map = new maplibre.Map({
    container,
    style: style(baseOf(ground), namesOf(ground)),
    bounds,
    fitBoundsOptions: fitting(),
    localIdeographFontFamily: token('--wg-font'),
    attributionControl: false,
    maplibreLogo: false,
    renderWorldCopies: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    minZoom: 2.2,
    maxZoom: 17,
  })
  map.touchZoomRotate.disableRotation()
  map.keyboard.disableRotation()
  map.on('styleimagemissing', ({ id }) => {
    const drawn = icon(id)
    if (drawn && !map.hasImage(id)) map.addImage(id, drawn, { pixelRatio: PIXEL_RATIO })
  })
  return map
}

/** The same map in the colours of the other theme. */
export function repaint(map: GlMap): void {
  for (const layer of layers()) {
    for (const [name, value] of Object.entries(layer.paint ?? {})) map.setPaintProperty(layer.id, name as never, value as never)
  }
  for (const id of map.listImages()) {
    const drawn = icon(id)
    if (drawn) map.updateImage(id, drawn)
  }
}
