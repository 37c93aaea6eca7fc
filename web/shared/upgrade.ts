// After an upgrade a page of before asks for files that are gone. Then it is loaded anew, once; without a link nothing is gone.
// Refuses to do it twice in a minute: a page that fails for another reason must not turn in circles.
const KEPT = 'weldgate.loaded-anew'
const APART_MS = 60_000

export function loadAnew(address: string): void {
  if (!navigator.onLine) return
  try {
    if (Date.now() - Number(sessionStorage.getItem(KEPT) ?? 0) < APART_MS) return
    sessionStorage.setItem(KEPT, String(Date.now()))
  } catch {
    return // without a memory there is no guard against circles
  }
  location.assign(address)
}
