/** docs/configuration.md, printed from the table of options. */
import { stringify } from 'yaml'
import { router } from './schema.ts'
import type { AnySection, FileValue, Option, ValueType } from './schema/types.ts'

const INTRODUCTION = `# Configuration

<!-- Printed from src/config/schema.ts by \`npm run docs\`. Edit there. -->

One YAML file. Everything in it has a default, which is the nginx.conf of the document; an empty file is valid, and copies nothing.
The smallest useful one:

\`\`\`yaml
# yaml-language-server: $schema=./router.schema.json
mirror:
  endpoint: https://<endpoint>
  default: /rum/sentry/<workspace>/<service>   # or: off
  projects:
    1: /rum/sentry/<workspace>/<service-1>
    7: off
\`\`\`

- **Which file**: \`--config FILE\`, else \`$MIRROR_ROUTER_CONFIG\`, else \`/etc/mirror-router/router.yaml\`, else \`/etc/nginx/nginx.conf\`, else the \`config/router.yaml\` that is shipped. A name ending in \`.conf\` is read as nginx.conf.
- **Check it**: \`mirror-router check --config FILE\` names every fault with its line and what to write instead. A running router that is told to reload a faulty file keeps the configuration it has.
- **Times** carry a unit: \`500ms\`, \`5s\`, \`1h30m\`, \`7d\`. So do **sizes**, in powers of 1024: \`64KiB\`, \`100MiB\`, \`2GiB\`. A bare number is a fault.
- **\`off\` and \`false\`** mean the same, as do \`on\` and \`true\`.
- **Environment**: \`\${VAR}\`, \`\${VAR:-default}\` and \`\${VAR:?message}\` are filled in, in any value. \`\${VAR}\` must be set; \`:-\` and \`:?\` take an empty variable for an unset one. \`$$\` is a dollar sign. Within \`{ … }\` or \`[ … ]\` they need quotes.
- **Names** that are not known are faults, as are names written twice. An option that is named and left empty has its default.
- **Placeholders** such as \`<endpoint>\` that are left in the file are faults.
- **Relative paths** start at the folder of the file.
- **Anchors, aliases and \`<<\`** work.
- **Mapped paths are secrets**: who has one can write to its service. They are in no log line and no message of \`check\`.
`

export function printManual (): string {
  const options = Object.entries(router.options)
  const chapters = options.map(([name, option]) => chapter(name, option, '##')).filter(part => part !== '')
  const others = options.filter(([, { type }]) => sectionOf(type) === null)
  return `${[INTRODUCTION.trim(), ...chapters, '## Other options', optionTable(others)].join('\n\n')}\n`
}

/** An option that has options of its own. */
function chapter (path: string, option: Option, level: string): string {
  const inner = sectionOf(option.type)
  if (inner === null) return ''
  const nested = Object.entries(inner.section.options).map(([name, option]) => chapter(`${path}${inner.suffix}.${name}`, option, `${level}#`))
  const parts = [`${level} ${path}`, option.description]
  const shown = baseOf(option)
  if (shown !== null) parts.push(`Default:\n\n\`\`\`yaml\n${yaml(path, shown)}\`\`\``)
  if (inner.what !== '') parts.push(inner.what)
  parts.push(optionTable(Object.entries(inner.section.options)), ...nested.filter(part => part !== ''))
  return parts.join('\n\n')
}

function sectionOf (type: ValueType): { section: AnySection, suffix: string, what: string } | null {
  if (type.kind === 'section') return { section: type, suffix: '', what: '' }
  if (type.kind === 'list' && type.items.kind === 'section') return { section: type.items, suffix: '[]', what: 'Each entry:' }
  if (type.kind === 'map' && type.values.kind === 'section') return { section: type.values, suffix: `.${type.keyName}`, what: `Each entry, under its ${type.keyName.replaceAll(/[<>]/g, '')}:` }
  return null
}

/** A default that is worth showing whole. */
function baseOf ({ type, default: fallback }: Option): FileValue | null {
  if (type.kind === 'map' && type.base !== undefined) return type.base
  return type.kind === 'list' && fallback !== undefined ? fallback : null
}

function optionTable (options: readonly (readonly [string, Option])[]): string {
  const rows = options.map(([name, option]) => `| \`${name}\` | ${typeName(option.type)} | ${defaultOf(option)} | ${option.description} |`)
  return ['| option | value | default | what it does |', '|---|---|---|---|', ...rows].join('\n')
}

function typeName (type: ValueType): string {
  switch (type.kind) {
    case 'scalar': return type.name
    case 'list': return `list of: ${typeName(type.items)}${type.word === null ? '' : `; or ${type.word}`}`
    case 'map': return `\`${type.keyName}\`: ${typeName(type.values)}`
    case 'section': return 'options, below'
    default: return type satisfies never
  }
}

function defaultOf (option: Option): string {
  if (option.required === true) return '**required**'
  if (option.default === undefined) return option.otherwise ?? 'none'
  if (option.type.kind === 'section') return 'see below'
  const text = flow(option.default)
  return text === '{}' || text === '[]' ? 'none' : `\`${text}\``
}

function flow (value: FileValue): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trim()
}

/** One entry a line. */
function yaml (name: string, value: FileValue): string {
  const entries = Array.isArray(value)
    ? value.map((item: FileValue) => `  - ${flow(item)}\n`)
    : Object.entries(value).map(([key, item]: [string, FileValue]) => `  ${key}: ${flow(item)}\n`)
  return `${name}:\n${entries.join('')}`
}
