// The typed client's shapes, from the committed OpenAPI document: a page that disagrees with it does not build.
import { mkdirSync, writeFileSync } from 'node:fs'
import openapi, { astToString } from 'openapi-typescript'

const document = new URL('../../schemas/contracts/openapi.json', import.meta.url)
const target = new URL('../build/api/schema.d.ts', import.meta.url)
mkdirSync(new URL('.', target), { recursive: true })
writeFileSync(target, astToString(await openapi(document)))
