// Fills in what changes, once a second, and sends what a button says. Everything arrives as text and is shown as text.
const english = document.documentElement.lang === 'en'
const state = `/state?lang=${english ? 'en' : 'zh'}`
const dark = matchMedia('(prefers-color-scheme: dark)')
const byId = (id) => document.getElementById(id)

function paint() {
  document.documentElement.dataset.theme = dark.matches ? 'dark' : 'light'
}

function cell(given) {
  const td = document.createElement('td')
  const { text, href, level, kind } = typeof given === 'string' ? { text: given } : given
  const inside = href ? document.createElement('a') : td
  if (href) {
    inside.href = href
    td.append(inside)
  }
  inside.textContent = text
  if (kind) td.className = kind
  if (level) {
    td.className = 'level'
    td.dataset.level = level
  }
  return td
}

function row(cells) {
  const tr = document.createElement('tr')
  tr.append(...cells.map(cell))
  return tr
}

function fill(told) {
  for (const [id, text] of Object.entries(told.texts)) {
    const place = byId(id)
    if (place && place.textContent !== text) place.textContent = text
  }
  for (const [plate, { state: name, text }] of Object.entries(told.machines)) {
    const place = byId(`state-${plate}`)
    if (!place) continue
    place.textContent = text
    place.dataset.state = name
  }
  for (const [id, rows] of Object.entries(told.tables)) {
    const body = byId(id)
    if (!body || body.dataset.shown === JSON.stringify(rows)) continue
    body.dataset.shown = JSON.stringify(rows)
    const empty = body.dataset.empty ? [row([{ text: body.dataset.empty, kind: 'quiet' }])] : []
    body.replaceChildren(...(rows.length ? rows.map(row) : empty))
  }
}

async function look() {
  try {
    const answer = await fetch(state)
    fill(await answer.json())
  } catch {
    byId('now').textContent = english ? 'the demo has ended' : '示范已结束'
  }
  setTimeout(look, 1000)
}

async function send(path) {
  const answer = await fetch(path, { method: 'POST', headers: { 'X-Weldgate-Demo': 'page' } })
  const told = await answer.json()
  byId('said').textContent = english ? told.en : told.zh
}

document.addEventListener('click', (event) => {
  const path = event.target instanceof HTMLElement ? event.target.dataset.post : undefined
  if (path) send(path)
})
dark.addEventListener('change', paint)
paint()
look()
