// Whether an answer means that there is no such thing for this officer: unknown, outside the scope, or no name of anything.
import type { Problem } from '@shared/client'

export const isLost = (problem: Problem | null): boolean => problem?.error === 'not_found' || problem?.error === 'bad_request'
