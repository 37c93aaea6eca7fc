// From the live picture to what the map draws: spots, and circles, machines and pins as GeoJSON. Pure. Refuses places that
// nobody reported: a machine without one is counted, not drawn.
import type { Feature, FeatureCollection, Point } from 'geojson'
import { short } from '@shared/figures'
import type { Alert, LiveMachine, Look } from '../../stores/live'
import { classOf, type Cluster, type Spot } from './cluster'

export interface Spots {
  spots: Spot[]
  /** Machines whose place nobody knows. */
  unplaced: number
}

const NONE: readonly Alert[] = []

/** Every machine (of one look, if asked) and, always, every open alert of level 1 and 2. */
export function spotsOf(machines: ReadonlyMap<string, LiveMachine>, alerts: Iterable<Alert>, look: Look | null): Spots {
  const byPlate = new Map<string, Alert[]>()
  const spots: Spot[] = []
  for (const alert of alerts) {
    if (alert.level > 2) continue
    const machine = alert.plate === null ? undefined : machines.get(alert.plate)
    if (machine?.lat != null && (look === null || machine.look === look)) byPlate.set(alert.plate!, [...(byPlate.get(alert.plate!) ?? []), alert])
    else alone(spots, alert, machine)
  }
  let unplaced = 0
  for (const [plate, machine] of machines) {
    if (look !== null && machine.look !== look) continue
    if (machine.lat === null || machine.lon === null) unplaced += 1
    else spots.push({ ...at(machine.lon, machine.lat), plate, division: machine.division, look: machine.look, alerts: byPlate.get(plate) ?? NONE })
  }
  return { spots, unplaced }
}

function alone(spots: Spot[], alert: Alert, machine: LiveMachine | undefined): void {
  const [lon, lat] = [machine?.lon ?? alert.lon, machine?.lat ?? alert.lat]
  if (lon === null || lat === null) return
  spots.push({ ...at(lon, lat), plate: null, division: alert.division ?? '', look: null, alerts: [alert] })
}

/** Web-Mercator, 0 to 1. */
export function at(lon: number, lat: number): { x: number; y: number } {
  const sine = Math.sin((lat * Math.PI) / 180)
  return { x: (lon + 180) / 360, y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI) }
}

export function lonLat(x: number, y: number): [lon: number, lat: number] {
  return [x * 360 - 180, (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI]
}

/** What style.ts reads. `id` is the place in the list of clusters. */
export interface Drawn {
  id: number
  kind: 'circle' | 'pin'
  icon: string
  text: string
  class: number
  radius: number
  /** Level 1 is drawn above level 2. */
  level: number
  /** A level 2 beside a level 1 moves down. */
  below: boolean
}

/** Circles with their counts, single machines with their shape, and beside them the pins of level 1 and 2. */
export function drawn(found: readonly Cluster[]): FeatureCollection<Point, Drawn> {
  const features: Feature<Point, Drawn>[] = []
  found.forEach((cluster, id) => {
    const [lon, lat] = lonLat(cluster.x, cluster.y)
    const geometry: Point = { type: 'Point', coordinates: [round(lon), round(lat)] }
    const add = (words: Omit<Drawn, 'id' | 'radius'>) => features.push({ type: 'Feature', geometry, properties: { id, radius: cluster.radius, ...words } })
    if (cluster.machines > 0) add({ kind: 'circle', ...circle(cluster), level: 0, below: false })
    for (const [level, many] of [[2, cluster.level2], [1, cluster.level1]] as const) {
      if (many === 0) continue
      add({ kind: 'pin', icon: `pin-${level}`, text: many > 1 ? `×${many}` : '', class: 0, level, below: level === 2 && cluster.level1 > 0 })
    }
  })
  return { type: 'FeatureCollection', features }
}

function circle(cluster: Cluster): Pick<Drawn, 'icon' | 'text' | 'class'> {
  const only = cluster.machines === 1 ? cluster.spots.find((one) => one.look !== null) : undefined
  if (only) return { icon: `look-${only.look}`, text: '', class: 0 }
  const ratio = classOf(cluster)
  const text = short(cluster.machines)
  const fits = text.length <= 2 || cluster.radius >= (text.length === 3 ? 11.5 : 12.7)
  return { icon: `ratio-${ratio}-${Math.round(cluster.radius)}`, text: fits ? text : '', class: ratio }
}

const round = (degrees: number) => Math.round(degrees * 1e6) / 1e6
