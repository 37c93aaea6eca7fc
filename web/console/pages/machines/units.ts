// Figures with their units as the machines' pages write them. Refuses a unit without a number: that is `—`.
export const amps = (a: number | null | undefined): string => (a === null || a === undefined ? '—' : `${Math.round(a)} A`)
