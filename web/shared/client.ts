// The typed door to the api: shapes come from the committed OpenAPI document (tools/types.mjs), the sign-in is a cookie that
// no script can read. Refuses to throw for an answer that is a no: it comes as `error`, one shape for all.
import createClient from 'openapi-fetch'
import type { components, paths } from '@build/api/schema'
import { language } from './words'

export type Shapes = components['schemas']
export type Problem = Shapes['Problem']

/** Asks whoever sits there for a fresh proof; whether the call is to be made again. */
type Prove = () => Promise<boolean>
let prove: Prove | null = null

/** From now on a call that takes a fresh proof (403 `step_up_required`) asks by this, and is then made once more. */
export function proveBy(asks: Prove): void {
  prove = asks
}

async function fetchProven(request: Request): Promise<Response> {
  if (prove === null || request.method === 'GET') return fetch(request)
  const again = request.clone()
  const response = await fetch(request)
  if (response.status !== 403 || !(await wantsProof(response.clone()))) return response
  return (await prove()) ? fetch(again) : response
}

async function wantsProof(response: Response): Promise<boolean> {
  const body: unknown = await response.json().catch(() => null)
  return isProblem(body) && body.error === 'step_up_required'
}

export const api = createClient<paths>({ baseUrl: '/', fetch: fetchProven })

api.use({
  onRequest({ request }) {
    request.headers.set('Accept-Language', language.value === 'zh' ? 'zh-CN' : 'en')
    return request
  },
})

/** What became of a call: a body, a no with its reasons, or nobody there (`offline`). */
export type Outcome<T> =
  | { kind: 'ok'; data: T; status: number }
  | { kind: 'no'; problem: Problem; status: number }
  | { kind: 'offline' }

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** One call, settled: network errors and bodies that are not ours become outcomes, too. */
export async function settle<T>(call: Promise<Answer<T>>): Promise<Outcome<T>> {
  try {
    const { data, error, response } = await call
    if (response.ok) return { kind: 'ok', data: data as T, status: response.status }
    if (isProblem(error)) return { kind: 'no', problem: error, status: response.status }
    return { kind: 'offline' }
  } catch {
    return { kind: 'offline' }
  }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'error' in body && 'reasons' in body
}
