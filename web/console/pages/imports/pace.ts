// How fast rows come and how long the rest takes, from what was seen on this page. Refuses a guess before there is a span to judge by.
const LOOK_BACK_MS = 60_000
const ENOUGH_MS = 4_000

export interface Pace {
  perS: number
  leftMs: number
}

export class Pacer {
  private seen: [at: number, rows: number][] = []

  /** What was seen at a time; going backwards starts anew. */
  saw(at: number, rows: number): void {
    const last = this.seen.at(-1)
    if (last && rows < last[1]) this.seen = []
    this.seen.push([at, rows])
    while (this.seen.length > 2 && at - this.seen[0]![0] > LOOK_BACK_MS) this.seen.shift()
  }

  pace(all: number): Pace | null {
    const [first, last] = [this.seen[0], this.seen.at(-1)]
    if (!first || !last || last[0] - first[0] < ENOUGH_MS || last[1] <= first[1]) return null
    const perS = ((last[1] - first[1]) * 1000) / (last[0] - first[0])
    return { perS, leftMs: (Math.max(0, all - last[1]) / perS) * 1000 }
  }
}
