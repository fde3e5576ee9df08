/** A configuration file to the configuration in force, or to all that is wrong with it. */
import { X509Certificate } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import type { Document } from 'yaml'
import type { Config } from './config.ts'
import { MAX_CONFIG_BYTES, parseYaml, positionsIn } from './document.ts'
import type { Environment } from './environment.ts'
import { fewer } from './fault.ts'
import type { Fault } from './fault.ts'
import { freeze } from './freeze.ts'
import { BROKEN } from './nodes.ts'
import type { Reader } from './nodes.ts'
import { readValue } from './read.ts'
import { resolveConfig } from './resolve.ts'
import type { RouterValues } from './resolve.ts'
import { router } from './schema.ts'
import { didYouMean } from './suggest.ts'

export interface LoadOptions {
  /** Path of the file, for messages; relative paths in it start at its folder. */
  readonly file: string
  readonly env: Environment
  /** What `workers: auto` becomes, at least 1. */
  readonly cpus: number
  /** Reads the file of `mirror.ca`; its exceptions become faults. */
  readonly readFile: (path: string) => string
}

/** More than any configuration has, the defaults included; aliases can stand for far more than a file could hold. */
const MAX_VALUES = 100_000

export type Loaded =
  | { readonly config: Config, readonly faults?: undefined }
  | { readonly config?: undefined, readonly faults: readonly Fault[] }

/** Never throws. The configuration is frozen; faults are in the order of the file. */
export function loadConfig (text: string, options: LoadOptions): Loaded {
  const { file } = options
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) return { faults: [{ file, line: 0, column: 0, message: 'larger than 1 MiB; this is no configuration file' }] }
  const parsed = parseYaml(text, file)
  if ('faults' in parsed) return { faults: fewer(parsed.faults) }

  const faults: Fault[] = []
  const position = positionsIn(text)
  let read = 0
  const reader: Reader = {
    ...parsed,
    environment: options.env,
    root: router.options,
    places: new Map(),
    references: [],
    declared: new Set(),
    report: (path, offset, message) => {
      faults.push({ file, ...position(offset), message: path === '' ? message : `${path}: ${message}` })
    },
    tooMany () {
      if (++read === MAX_VALUES) faults.push({ file, line: 0, column: 0, message: `more than ${MAX_VALUES} values; this is no configuration file` })
      return read >= MAX_VALUES
    }
  }
  const values = readRouter(reader, parsed.document)
  checkReferences(reader)
  if (values !== null) checkAdminPort(reader, values)
  const ca = values === null ? null : readAuthorities(reader, values, options)

  if (values !== null && faults.length === 0) return { config: freeze(resolveConfig(values, { file, cpus: options.cpus, ca, isWritten: path => reader.places.has(path) })) }
  return { faults: fewer(faults.sort((a, b) => a.line - b.line || a.column - b.column)) }
}

function readRouter (reader: Reader, document: Document): RouterValues | null {
  const node = document.contents ?? document.createNode({})
  const values = readValue(reader, router, { node, path: '', offset: node.range?.[0] ?? 0 })
  return values === BROKEN ? null : values as RouterValues
}

/** Judged by the names alone, so that a fault inside an upstream does not make its name unknown. */
function checkReferences ({ references, declared: known, places, report }: Reader): void {
  for (const { path, name } of references) {
    if (known.has(name)) continue
    report(path, places.get(path) ?? 0, `no upstream is called ${name}${didYouMean(name, known) || `; known are ${[...known].join(', ')}`}`)
  }
}

function checkAdminPort ({ places, report }: Reader, { admin, listeners }: RouterValues): void {
  const taken = listeners.findIndex(({ port, host }) => port !== 0 && port === admin.port && overlap(host, admin.host))
  if (taken !== -1) report('admin.port', places.get('admin.port') ?? 0, `${admin.port} is the port of listeners[${taken}]; choose another`)
}

function overlap (a: string, b: string): boolean {
  const everywhere = ['::', '0.0.0.0']
  return a === b || everywhere.includes(a) || everywhere.includes(b)
}

function readAuthorities ({ places, report }: Reader, { mirror }: RouterValues, { file, readFile }: LoadOptions): string | null {
  if (mirror === null || mirror.ca === null) return null
  const offset = places.get('mirror.ca') ?? 0
  try {
    const pem = readFile(resolve(dirname(file), mirror.ca))
    if (isCertificate(pem)) return pem
    report('mirror.ca', offset, 'the file holds no certificate; write the path of a PEM file')
  } catch (error) {
    report('mirror.ca', offset, `the file cannot be read (${reasonOf(error)})`)
  }
  return null
}

function isCertificate (pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    // It says in OpenSSL's words what the caller says in ours.
    return false
  }
}

function reasonOf (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
