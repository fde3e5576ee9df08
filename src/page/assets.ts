/**
 * What the page loads: its own modules, stripped of their types, and uPlot. Read once;
 * the address holds a hash of all, so that a browser may keep them for ever and
 * modules may name each other as they do in this folder.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'

export interface Asset {
  readonly type: string
  readonly body: Buffer
}

export interface PageAssets {
  /** Where all of them are: `/assets/<hash>`. */
  readonly base: string
  /** By their path below `base`. */
  readonly files: ReadonlyMap<string, Asset>
}

/** Where modules are named from. */
const ROOT = new URL('../', import.meta.url)
/** Folders whose modules run in the browser, and the modules of others that they import. */
const MODULE_FOLDERS = ['page/view', 'page/browser']
const SHARED_MODULES = ['status/endpoint.ts', 'status/words.ts']
const SCRIPT = 'text/javascript; charset=utf-8'
const STYLE = 'text/css; charset=utf-8'

/** @throws When a file is missing: the installation is broken. */
export async function loadAssets (): Promise<PageAssets> {
  const files = new Map<string, Asset>()
  for (const path of await modulePaths()) {
    const source = await readFile(new URL(path, ROOT), 'utf8')
    files.set(path, { type: SCRIPT, body: Buffer.from(browserModule(source)) })
  }
  files.set('page.css', { type: STYLE, body: await readFile(new URL('page.css', import.meta.url)) })
  files.set('uplot.js', { type: SCRIPT, body: await readFile(uplotFile('uPlot.esm.js')) })
  files.set('uplot.css', { type: STYLE, body: await readFile(uplotFile('uPlot.min.css')) })

  const hash = createHash('sha256')
  for (const [name, { body }] of files) hash.update(name).update('\0').update(body)
  return { base: `/assets/${hash.digest('hex').slice(0, 16)}`, files }
}

async function modulePaths (): Promise<string[]> {
  const listed = await Promise.all(MODULE_FOLDERS.map(async folder => {
    const names = await readdir(new URL(folder, ROOT))
    return names.filter(name => name.endsWith('.ts')).map(name => `${folder}/${name}`)
  }))
  return [...listed.flat(), ...SHARED_MODULES].sort()
}

function uplotFile (name: string): string {
  return fileURLToPath(new URL(name, import.meta.resolve('uplot')))
}

/** As a browser can load it. uPlot is the one thing these modules import that is not of this folder. */
function browserModule (source: string): string {
  return quietly(() => stripTypeScriptTypes(source)).replace(/from 'uplot'/, "from '../../uplot.js'")
}

/** Node strips types from this very file without a word; of the function that does so it warns, and a log has no use for that. */
function quietly<Result> (work: () => Result): Result {
  const emitWarning = Object.getOwnPropertyDescriptor(process, 'emitWarning')
  process.emitWarning = () => {}
  try {
    return work()
  } finally {
    if (emitWarning !== undefined) Object.defineProperty(process, 'emitWarning', emitWarning)
  }
}
