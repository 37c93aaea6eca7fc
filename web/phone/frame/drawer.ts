// What the page keeps over a reload, as JSON under one name each. Where the browser keeps nothing (private windows), it lasts
// as long as the page. Refuses personal data by agreement: ids, times and readings only.

export interface Drawer<T> {
  read(): T | null
  keep(value: T): void
  empty(): void
}

/** `session`: this tab until it is closed; `local`: this phone. */
export function drawer<T>(where: 'session' | 'local', name: string): Drawer<T> {
  const key = `weldgate.${name}`
  const store = () => (where === 'session' ? sessionStorage : localStorage)
  let memory: string | null = null
  return {
    read() {
      try {
        memory = store().getItem(key)
      } catch {
        // then what this page remembers
      }
      return parsed<T>(memory)
    },
    keep(value) {
      memory = JSON.stringify(value)
      try {
        store().setItem(key, memory)
      } catch {
        // full or refused: memory has it
      }
    },
    empty() {
      memory = null
      try {
        store().removeItem(key)
      } catch {
        // nothing was kept
      }
    },
  }
}

function parsed<T>(text: string | null): T | null {
  try {
    return text === null ? null : (JSON.parse(text) as T)
  } catch {
    return null
  }
}
