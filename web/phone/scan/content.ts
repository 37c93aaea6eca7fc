// What a code says: the address of a machine's page here, the page of another host, a bare number, or nothing of ours.
// Refuses to open another host: it is shown, and the person decides.
import { normalPlate, plateFault } from './plate'

export type Content =
  | { kind: 'plate'; plate: string; k: string | null }
  | { kind: 'foreign'; host: string }
  | { kind: 'other' }

const OURS = /^\/m\/([^/]+)\/?$/

export function contentOf(text: string, hosts: readonly string[]): Content {
  const address = addressIn(text.trim())
  if (address === null) return bare(text)
  if (!hosts.includes(address.host)) return { kind: 'foreign', host: address.host }
  const found = OURS.exec(address.pathname)
  if (!found?.[1]) return { kind: 'other' }
  return { kind: 'plate', plate: normalPlate(decoded(found[1])), k: address.searchParams.get('k') }
}

function addressIn(text: string): URL | null {
  if (!/^https?:\/\//i.test(text)) return null
  try {
    return new URL(text)
  } catch {
    return null
  }
}

function bare(text: string): Content {
  const plate = normalPlate(text)
  return plateFault(plate) === null ? { kind: 'plate', plate, k: null } : { kind: 'other' }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
