/** What the import makes of a text of nginx.conf, and what the loader makes of that. */
import { readFileSync } from 'node:fs'
import type { Config } from '../../src/config/config.ts'
import { importNginx, type ImportResult } from '../../src/config/nginx/import.ts'
import type { IncludedFile } from '../../src/config/nginx/include.ts'
import { loadConfig } from '../../src/config/load.ts'

/** Text of a file in test/fixtures/nginx. */
export function fixture (name: string): string {
  return readFileSync(new URL(`../fixtures/nginx/${name}`, import.meta.url), 'utf8')
}

/** The document's file with its placeholders filled in. */
export function filledDocument (): string {
  return fixture('document.conf')
    .replaceAll('<endpoint>', 'rum.example.test')
    .replaceAll('<workspace_name>', 'workspace')
    .replaceAll('<rum_service_id>', 'service')
}

/** Imports text as `nginx.conf`, with these files beside it. */
export function importText (text: string, files: Readonly<Record<string, string>> = {}): ImportResult {
  const readInclude = (pattern: string): IncludedFile[] => {
    const prefix = pattern.replace(/\*.*$/s, '')
    return Object.entries(files).filter(([path]) => path === pattern || (prefix !== pattern && path.startsWith(prefix))).map(([path, text]) => ({ path, text }))
  }
  return importNginx(text, { file: 'nginx.conf', readInclude })
}

/** The configuration in force after an import. @throws where the import or the loader names a fault. */
export function importConfig (text: string, files: Readonly<Record<string, string>> = {}): Config {
  const imported = importText(text, files)
  if (imported.faults.length > 0) throw new Error(`not imported: ${JSON.stringify(imported.faults)}`)
  const loaded = loadConfig(imported.yaml, { file: 'router.yaml', env: {}, cpus: 2, readFile: path => { throw new Error(`read ${path}`) } })
  if (loaded.faults !== undefined) throw new Error(`not loaded: ${JSON.stringify(loaded.faults)}\n${imported.yaml}`)
  return loaded.config
}
