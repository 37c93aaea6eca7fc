// The checks of a start as seven rows in fixed places: the platform's ten, those of one subject together. Refuses to show what
// was not asked: a row without an answer says so.
import type { Shapes } from '@shared/client'

type Check = Shapes['Check']

export const ROWS = [
  { key: 'person', of: ['standing', 'age'] },
  { key: 'certificate', of: ['certificate'] },
  { key: 'review', of: ['review'] },
  { key: 'one_machine', of: ['one_machine'] },
  { key: 'machine', of: ['chipped', 'in_service', 'safe'] },
  { key: 'online', of: ['online'] },
  { key: 'free', of: ['free'] },
] as const

export type RowKey = (typeof ROWS)[number]['key']
export type RowState = 'none' | 'running' | 'passed' | 'failed' | 'skipped'

export interface Row {
  key: RowKey
  state: RowState
}

/** The rows as far as they are to be seen: `shown` of them answered, the next one running where something runs. */
export function rowsOf(checks: readonly Check[] | null, shown: number, running: boolean): Row[] {
  return ROWS.map((row, at) => {
    if (checks !== null && at < shown) return { key: row.key, state: answered(checks, row.of) }
    return { key: row.key, state: running && at === shown ? 'running' : 'none' }
  })
}

function answered(checks: readonly Check[], names: readonly string[]): RowState {
  const mine = checks.filter((check) => names.includes(check.name))
  if (mine.length === 0) return 'skipped'
  return mine.every((check) => check.passed) ? 'passed' : 'failed'
}
