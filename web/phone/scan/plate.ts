// The number on a plate, tested before it is sent: shape and check character as in weld/core/plate.py (ISO 7064 MOD 37,36 over
// digits and letters). Refuses to know which plates exist: the platform does.
// Examples: 410502A000000001H and 410502B000000002R are right; 410502A0000000013 has a wrong last character.

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const SHAPE = /^\d{6}[A-Z]\d{9}[0-9A-Z]$/

/** As it is compared: full-width forms folded, capitals, no spaces and no hyphens. */
export function normalPlate(typed: string): string {
  return typed.normalize('NFKC').toUpperCase().replace(/[\s\u2010-\u2015-]/g, '')
}

export type PlateFault = 'empty' | 'short' | 'long' | 'shape' | 'check'

/** What is wrong with a normal number, or null. */
export function plateFault(plate: string): PlateFault | null {
  if (plate === '') return 'empty'
  if (plate.length < 17) return 'short'
  if (plate.length > 17) return 'long'
  if (!SHAPE.test(plate)) return 'shape'
  return checkCharacter(plate.slice(0, -1)) === plate.slice(-1) ? null : 'check'
}

export function checkCharacter(body: string): string {
  let state = 36
  for (const character of body) {
    state = (((state + ALPHABET.indexOf(character)) % 36 || 36) * 2) % 37
  }
  return ALPHABET.charAt((37 - state) % 36)
}
