// Times to the second as tables write them: the day only where it is not today.
import { clockS, day } from '@shared/figures'

export function exact(at: string, now: number = Date.now()): string {
  const on = day(at)
  return on === day(now) ? clockS(at) : `${on.slice(5)} ${clockS(at)}`
}
