// After both builds: the base map and the divisions' codes and areas beside them, everything that compresses compressed once (.br, .gz), and the promises held:
// the phone's script below its limit, nothing in what we serve that asks another host.
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const web = fileURLToPath(new URL('..', import.meta.url))
const pages = join(web, '../api/pages')
const PHONE_SCRIPT_LIMIT = 120 * 1024
const TEXT = /\.(js|mjs|css|html|json|svg|wasm)$/

rmSync(join(pages, 'map'), { recursive: true, force: true })
cpSync(join(web, 'build/map'), join(pages, 'map'), { recursive: true, filter: (path) => !path.endsWith('made-from') })
cpSync(join(web, 'build/names.json'), join(pages, 'map/divisions.json'))
// Only compressed, so the api serves it to nobody: `weldgate divisions import` reads it.
cpSync(join(web, 'build/divisions.json.gz'), join(pages, 'divisions.json.gz'))

for (const file of files(pages)) {
  if (!TEXT.test(file)) continue
  const raw = readFileSync(file)
  if (raw.length < 1024) continue
  writeFileSync(`${file}.gz`, gzipSync(raw, { level: 9 }))
  writeFileSync(`${file}.br`, brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }))
}

const sizes = { phone: script('phone'), console: script('console') }
for (const [name, bytes] of Object.entries(sizes)) console.log(`${name}: first load ${(bytes / 1024).toFixed(1)} KB of script (gzip)`)
if (sizes.phone > PHONE_SCRIPT_LIMIT) fail(`the phone's script is over ${PHONE_SCRIPT_LIMIT / 1024} KB`)

// What the first page asks for: scripts named in index.html and what they import statically.
function script(name) {
  const folder = join(pages, name)
  const html = readFileSync(join(folder, 'index.html'), 'utf8')
  const wanted = [...html.matchAll(/(?:src|href)="[^"]*\/(assets\/[^"]+\.js)"/g)].map((found) => found[1])
  const seen = new Set()
  while (wanted.length > 0) {
    const one = wanted.pop()
    if (seen.has(one) || !existsSync(join(folder, one))) continue
    seen.add(one)
    const text = readFileSync(join(folder, one), 'utf8')
    for (const found of text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) wanted.push(`assets/${found[1]}`)
  }
  return [...seen].reduce((sum, one) => sum + gzipSync(readFileSync(join(folder, one)), { level: 9 }).length, 0)
}

function files(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((one) => one.isFile() && !/\.(br|gz)$/.test(one.name))
    .map((one) => join(one.parentPath, one.name))
}

function fail(why) {
  console.error(`${relative(process.cwd(), pages)}: ${why}`)
  process.exit(1)
}
