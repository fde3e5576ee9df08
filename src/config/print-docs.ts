/** `npm run docs`: writes config/router.schema.json and docs/configuration.md from the table of options. */
import { writeFileSync } from 'node:fs'
import { printJsonSchema } from './json-schema.ts'
import { printManual } from './manual.ts'

writeFileSync(new URL('../../config/router.schema.json', import.meta.url), printJsonSchema())
writeFileSync(new URL('../../docs/configuration.md', import.meta.url), printManual())
