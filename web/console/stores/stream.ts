// The tab's one EventSource: opens where the snapshot ended, says when it went quiet, opens again where it stopped.
// Refuses to know what the events mean: that is live.ts.
import type { Shapes } from '@shared/client'

/** The events of GET /live and what they carry. */
export type LiveEvent = { [Name in keyof Required<Shapes['LiveEvents']>]: NonNullable<Shapes['LiveEvents'][Name]> }

export interface Listener {
  heard<Name extends keyof LiveEvent>(name: Name, data: LiveEvent[Name]): void
  /** Nothing is heard now; it tries again by itself. */
  quiet(): void
  /** It cannot go on from where it stopped (a new snapshot is needed, or nobody is signed in). */
  ended(): void
}

const NAMES: (keyof LiveEvent)[] = ['hello', 'beat', 'resync', 'machines', 'alerts', 'figures']
/** The server beats every 5 s; more than twice that is silence. */
const SILENCE_MS = 12_000
const WATCH_MS = 2_000

export class Stream {
  private source: EventSource | null = null
  private watch = 0
  private heardAt = 0
  private cursor = ''

  constructor(private readonly listener: Listener) {
    // the network is gone or back: known at once, long before silence says so
    window.addEventListener('offline', () => this.cut())
    window.addEventListener('online', () => this.source?.readyState === EventSource.CLOSED && this.open(this.cursor))
  }

  open(cursor: string): void {
    this.close()
    this.cursor = cursor
    this.heardAt = Date.now()
    this.source = new EventSource(`/api/v1/live?since=${encodeURIComponent(cursor)}`)
    for (const name of NAMES) this.source.addEventListener(name, (event) => this.heard(name, event as MessageEvent<string>))
    this.source.addEventListener('error', () => this.failed())
    this.watch = window.setInterval(() => this.look(), WATCH_MS)
  }

  close(): void {
    clearInterval(this.watch)
    this.source?.close()
    this.source = null
  }

  private heard(name: keyof LiveEvent, event: MessageEvent<string>): void {
    this.heardAt = Date.now()
    if (event.lastEventId) this.cursor = event.lastEventId
    this.listener.heard(name, JSON.parse(event.data) as never)
  }

  // A dropped connection is opened again by the browser; a refused one never is.
  private failed(): void {
    this.listener.quiet()
    if (this.source?.readyState !== EventSource.CLOSED) return
    this.close()
    this.listener.ended()
  }

  // The watch goes on: a server on this very computer answers without a network, too.
  private cut(): void {
    if (!this.source) return
    this.source.close()
    this.heardAt = Date.now()
    this.listener.quiet()
  }

  private look(): void {
    if (Date.now() - this.heardAt <= SILENCE_MS) return
    this.listener.quiet()
    this.open(this.cursor)
  }
}
