// J and K go through the rows of a page's table: the focus moves, Enter is the row's own link. Refuses to open by itself.
import { useKeys } from '../../keys'

export function useRowKeys(): void {
  useKeys({ j: () => step(1), k: () => step(-1) })
}

function step(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main .row-link')]
  const at = rows.indexOf(document.activeElement as HTMLElement)
  const next = at < 0 ? (by === 1 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))
  rows[next]?.focus()
  rows[next]?.scrollIntoView({ block: 'nearest' })
}
