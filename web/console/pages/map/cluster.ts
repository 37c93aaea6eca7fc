// Circles of the map from spots, pure: own grid per zoom, cells at the mean of what they hold, overlapping circles merged, the
// share of machines with open level 1-2 alerts smoothed, so that a village with one alert does not shout. Refuses pixels of a
// screen: x and y are Web-Mercator from 0 to 1, sizes are CSS pixels of a world of 512 px at zoom 0.
import type { Alert, Look } from '../../stores/live'

/** A machine in its place, or alerts that stand where no machine is drawn. */
export interface Spot {
  x: number
  y: number
  /** null: only alerts. */
  plate: string | null
  division: string
  look: Look | null
  /** Its alerts of level 1 and 2 that are not closed. */
  alerts: readonly Alert[]
}

export interface Cluster {
  x: number
  y: number
  machines: number
  level1: number
  level2: number
  radius: number
  spots: Spot[]
}

export interface Box {
  west: number
  east: number
  north: number
  south: number
}

export const WORLD_PX = 512
const CELL_PX = 48
/** From here on a street fills the screen: single machines. */
export const STREET_ZOOM = 12
const STREET_CELL_PX = 16
const [LEAST_PX, MOST_PX] = [9, 30]
const SMOOTHED_BY = 500
/** Upper bounds of the classes r1, r2, r3. */
export const BOUNDS = [0.0005, 0.001, 0.003]

/** Circle sizes mean the same at every zoom: the scale is the fleet's. */
export function radiusOf(machines: number, fleet: number): number {
  const scale = Math.min(3, MOST_PX / Math.sqrt(Math.max(1, fleet / 8)))
  return Math.min(MOST_PX, Math.max(LEAST_PX, scale * Math.sqrt(machines)))
}

/** 0: no alert; 1 to 4: the smoothed ratio's class. */
export function classOf(cluster: Pick<Cluster, 'machines' | 'level1' | 'level2'>): number {
  const alerts = cluster.level1 + cluster.level2
  if (alerts === 0) return 0
  const ratio = alerts / (cluster.machines + SMOOTHED_BY)
  return 1 + BOUNDS.filter((bound) => ratio >= bound).length
}

/** The circles at a zoom, of the spots inside a box. */
export function clusters(spots: Iterable<Spot>, zoom: number, fleet: number, box: Box): Cluster[] {
  const world = WORLD_PX * 2 ** zoom
  const cells = gathered(spots, world / (zoom >= STREET_ZOOM ? STREET_CELL_PX : CELL_PX), box)
  for (const cell of cells) cell.radius = radiusOf(cell.machines, fleet)
  let found = cells.sort((a, b) => b.machines - a.machines || a.x - b.x || a.y - b.y)
  for (let before = Infinity; found.length < before; ) {
    before = found.length
    found = merged(found, world, fleet)
  }
  return found
}

function gathered(spots: Iterable<Spot>, cellsAcross: number, box: Box): Cluster[] {
  const cells = new Map<number, Cluster>()
  for (const spot of spots) {
    if (spot.x < box.west || spot.x > box.east || spot.y < box.north || spot.y > box.south) continue
    const key = Math.floor(spot.x * cellsAcross) * 2 ** 26 + Math.floor(spot.y * cellsAcross)
    const cell = cells.get(key)
    if (cell) absorb(cell, single(spot))
    else cells.set(key, single(spot))
  }
  return [...cells.values()]
}

function single(spot: Spot): Cluster {
  const level1 = spot.alerts.filter((one) => one.level === 1).length
  const { x, y } = spot
  return { x, y, machines: spot.plate === null ? 0 : 1, level1, level2: spot.alerts.length - level1, radius: LEAST_PX, spots: [spot] }
}

/** Takes the smaller into the larger, whose place is the mean of all. */
function absorb(into: Cluster, other: Cluster): void {
  const all = into.spots.length + other.spots.length
  into.x += ((other.x - into.x) * other.spots.length) / all
  into.y += ((other.y - into.y) * other.spots.length) / all
  into.machines += other.machines
  into.level1 += other.level1
  into.level2 += other.level2
  for (const spot of other.spots) into.spots.push(spot)
}

// The largest first, each asked only of those near it: no two circles can touch that are further apart than two radii.
function merged(circles: Cluster[], world: number, fleet: number): Cluster[] {
  const across = world / (2 * MOST_PX)
  const placed = new Map<number, Cluster[]>()
  const kept: Cluster[] = []
  for (const one of circles) {
    const [column, row] = [Math.floor(one.x * across), Math.floor(one.y * across)]
    const near = touched(one, placed, column, row, world)
    if (near) {
      absorb(near, one)
      near.radius = radiusOf(near.machines, fleet)
      continue
    }
    kept.push(one)
    const key = column * 2 ** 26 + row
    placed.set(key, [...(placed.get(key) ?? []), one])
  }
  return kept
}

function touched(one: Cluster, placed: Map<number, Cluster[]>, column: number, row: number, world: number): Cluster | undefined {
  for (let x = column - 1; x <= column + 1; x += 1) {
    for (let y = row - 1; y <= row + 1; y += 1) {
      const found = placed.get(x * 2 ** 26 + y)?.find((other) => Math.hypot(other.x - one.x, other.y - one.y) * world < other.radius + one.radius)
      if (found) return found
    }
  }
  return undefined
}
