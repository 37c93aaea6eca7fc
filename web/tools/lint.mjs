// What the compiler does not see: colours outside tokens.css, type below 12 px, addresses of other hosts in our own sources.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const web = fileURLToPath(new URL('..', import.meta.url))
const RULES = [
  [/#[0-9a-fA-F]{3,8}\b(?=[^\w-])/g, 'a colour outside tokens.css', /\.(vue|css|ts)$/],
  [/\b(?:rgb|hsl)a?\(/g, 'a colour outside tokens.css', /\.(vue|css|ts)$/],
  [/font-size:\s*(?:[0-9]|1[01])(?:\.\d+)?px/g, 'type below 12 px', /\.(vue|css)$/],
  [/https?:\/\/(?!127\.0\.0\.1|www\.w3\.org|wg\.example)[a-z0-9.-]+/g, 'another host', /\.(vue|css|ts|html)$/],
  [/\bv-html\b|\binnerHTML\b/g, 'HTML from data', /\.(vue|ts)$/],
]
let faults = 0
for (const folder of ['shared', 'phone', 'console']) {
  for (const file of files(join(web, folder))) {
    const name = relative(web, file)
    if (name === 'shared/tokens.css') continue
    readFileSync(file, 'utf8').split('\n').forEach((line, at) => {
      for (const [pattern, what, kinds] of RULES) {
        if (kinds.test(name) && (line.match(pattern) ?? []).length > 0) {
          console.error(`${name}:${at + 1}: ${what}: ${line.trim().slice(0, 100)}`)
          faults += 1
        }
      }
    })
  }
}
process.exit(faults > 0 ? 1 : 0)

function files(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
}
