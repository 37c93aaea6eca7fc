// A file on its way to the api with its progress, which fetch does not tell. Refuses file names: they name people, and the api takes none.
import type { Outcome, Problem, Shapes } from '@shared/client'
import { language } from '@shared/words'

const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

/** The media type by the ending; '' for what the api would refuse. */
export function kindOf(file: File): string {
  if (/\.csv$/i.test(file.name)) return 'text/csv'
  return /\.xlsx$/i.test(file.name) ? XLSX : ''
}

export interface Upload {
  outcome: Promise<Outcome<Shapes['Import']> | 'cancelled'>
  cancel(): void
}

/** `told` hears how many bytes have left, of how many. */
export function upload(file: File, told: (done: number, all: number) => void): Upload {
  const request = new XMLHttpRequest()
  const outcome = new Promise<Outcome<Shapes['Import']> | 'cancelled'>((done) => {
    request.upload.onprogress = (event) => told(event.loaded, event.total || file.size)
    request.onload = () => done(answered(request))
    request.onerror = () => done({ kind: 'offline' })
    request.onabort = () => done('cancelled')
    request.open('POST', '/api/v1/imports')
    request.setRequestHeader('Content-Type', kindOf(file))
    request.setRequestHeader('Accept-Language', language.value === 'zh' ? 'zh-CN' : 'en')
    request.send(file)
  })
  return { outcome, cancel: () => request.abort() }
}

function answered(request: XMLHttpRequest): Outcome<Shapes['Import']> {
  const { status } = request
  try {
    const body: unknown = JSON.parse(request.responseText)
    return status < 300 ? { kind: 'ok', data: body as Shapes['Import'], status } : { kind: 'no', problem: body as Problem, status }
  } catch {
    return { kind: 'offline' }
  }
}
