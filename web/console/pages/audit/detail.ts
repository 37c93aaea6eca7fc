// What a row of the audit says beside who, what and to what: its pairs as short words. Ids are shortened for the eye; the whole
// one is in the row's filter. Refuses to hide a pair that this screen does not know: it stands there as it came.
import { day, moment } from '@shared/figures'
import { language } from '@shared/words'
import { scopeWords } from '../authority/scope'
import { rightWord } from '../authority/words'
import { isWord, t, type AuditWord } from './words'

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const HASH = /\b([0-9a-f]{12})[0-9a-f]{20,}\b/g
const TIME = /^\d{4}-\d{2}-\d{2}T[\d:.]+(\+00:00|Z)$/
const ACTORS: Record<string, AuditWord> = { officer: 'actorOfficer', worker: 'actorWorker', key: 'actorKey', command: 'actorCommand', public: 'actorPublic', api: 'actorApi' }

/** officer:0199…: 账号 a1b2c3d4 (the end of an id differs most, its beginning is time). */
export function namedId(text: string): string {
  const [kind = '', id = ''] = text.split(':')
  const word = ACTORS[kind]
  return shortened(word ? `${t(word)} ${id}`.trim() : text)
}

const shortened = (text: string) => text.replace(ID, (id) => id.slice(-8)).replace(HASH, '$1…')

/** Name and value of each pair; what is empty says nothing. */
export function detailOf(detail: Record<string, unknown>): [name: string, value: string][] {
  return Object.entries(detail)
    .map(([name, value]): [string, string] => [nameWord(name), valueWord(name, value)])
    .filter(([, value]) => value !== '')
}

function nameWord(name: string): string {
  const key = `d_${name}`
  return isWord(key) ? t(key) : name
}

function valueWord(name: string, value: unknown): string {
  if (value === null || value === '') return ''
  if (typeof value === 'boolean') return t(value ? 'yes' : 'no')
  if (Array.isArray(value)) return value.map((one) => valueWord(name, one)).join(language.value === 'zh' ? '；' : '; ')
  if (typeof value === 'object') return shortened(JSON.stringify(value))
  const text = String(value)
  if (name === 'scope') return scopeWords(text)
  if (TIME.test(text)) return name === 'expires_at' ? day(text) : moment(text)
  const key = `v_${text}`
  return isWord(key) ? t(key) : shortened(rightWord(text))
}
