/** The compose files that are shipped, read as YAML, and the variables they are filled from. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export interface Service {
  readonly image?: string
  readonly ports?: readonly string[]
  readonly expose?: readonly string[]
  readonly environment?: Readonly<Record<string, string | null>>
  readonly volumes?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string, readonly restart?: boolean }>>
  readonly stop_grace_period?: string
  readonly logging?: { readonly driver: string, readonly options: Readonly<Record<string, string>> }
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes?: Readonly<Record<string, unknown>>
}

export interface ExampleVariable {
  readonly name: string
  readonly value: string
  /** Left to self-hosted's own .env. */
  readonly commentedOut: boolean
  /** The comment above it, which a group of variables shares. */
  readonly explanation: string
}

const ROOT = new URL('../../', import.meta.url)

/** Absolute path of a file of the repository. */
export function pathOf (file: string): string {
  return fileURLToPath(new URL(file, ROOT))
}

export function textOf (file: string): string {
  return readFileSync(pathOf(file), 'utf8')
}

export function composeFile (file: string): ComposeFile {
  return parse(textOf(file)) as ComposeFile
}

/** Names of the variables that a compose file or a router.yaml is filled from, those without a value included. */
export function variablesOf (text: string): ReadonlySet<string> {
  const code = text.replaceAll(/^ *#.*$/gm, '')
  const filledIn = [...code.matchAll(/\$\{?([A-Z][A-Z0-9_]*)/g)].map(([, name]) => name ?? '')
  const passedOn = [...code.matchAll(/^ +([A-Z][A-Z0-9_]*): *$/gm)].map(([, name]) => name ?? '')
  return new Set([...filledIn, ...passedOn])
}

/** The variables of .env.example, in its order. */
export function exampleVariables (): readonly ExampleVariable[] {
  const variables: ExampleVariable[] = []
  let explanation = ''
  for (const line of textOf('config/.env.example').split('\n')) {
    const [, hash, name, value] = /^(# )?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? []
    if (name !== undefined) variables.push({ name, value: value ?? '', commentedOut: hash !== undefined, explanation })
    else if (line.startsWith('# ---') || line === '') explanation = ''
    else explanation += line.replace(/^# ?/, ' ')
  }
  return variables
}
