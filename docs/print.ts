/** `npm run docs`: writes what is printed from tables in the code. */
import { writeFileSync } from 'node:fs'
import { PAGES } from './pages.ts'

for (const { path, print } of PAGES) writeFileSync(new URL(`../${path}`, import.meta.url), print())
