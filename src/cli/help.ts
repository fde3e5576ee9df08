/** Help, as text of 80 columns. Pure. */
import type { Command, CommandOption, Example } from './command.ts'

export const PROGRAM = 'mirror-router'
const COLUMNS = 80
/** A first column wider than this has its words on the line below. */
const MAX_LEFT = 28

type Row = readonly [left: string, right: string]

/** Where the configuration is looked for; the same for every command. */
export const CONFIG_PLACES = [
  '--config FILE; a FILE that ends in .conf is read as nginx.conf',
  '$MIRROR_ROUTER_CONFIG',
  '/etc/mirror-router/router.yaml',
  '/etc/nginx/nginx.conf',
  'the one shipped with the program, config/router.yaml'
] as const

export const ENVIRONMENT: readonly Row[] = [
  ['MIRROR_ROUTER_CONFIG', 'The configuration, where --config is not given.'],
  ['MIRROR_ROUTER_ADMIN_HOST', 'admin.host, where the configuration does not say it.'],
  ['MIRROR_ROUTER_ADMIN_TOKEN', 'admin.token, where the configuration does not say it.'],
  ['RUM_ENDPOINT, RUM_DEFAULT_PATH', 'Named by the configuration that is shipped. Your own may name any variable: ${NAME}. Every command that reads it needs them, as the router does.'],
  ['TZ', 'Time zone of the access log and of times that are printed.'],
  ['NO_COLOR', 'Anything in it: no colours on a terminal.']
]

export const EXIT_CODES: readonly Row[] = [
  ['0', 'It did what was asked, and what was asked about is in order.'],
  ['1', 'It did not, or it is not; what is wrong and what to do stands on stderr.'],
  ['2', 'The command line makes no sense.']
]

export function overview (commands: readonly { readonly name: string, readonly summary: string }[]): string {
  return sections([
    ['', wrap(`usage: ${PROGRAM} COMMAND [OPTIONS]`)],
    ['', wrap("Takes nginx's place in front of self-hosted Sentry and mirrors envelopes to Alibaba Cloud RUM.")],
    ['Commands', table(commands.map(({ name, summary }) => [name, summary]))],
    ['Examples', examples([
      { line: 'demo', does: 'See it work on this machine, without any Sentry.' },
      { line: 'check', does: 'Check the configuration before it is used.' },
      { line: 'status --watch', does: 'See how a running router is.' },
      { line: 'help spool', does: 'Read more about one command.' }
    ])],
    ['The configuration is the first of', CONFIG_PLACES.map(place => `  ${place}`)],
    ['Environment', table(ENVIRONMENT)],
    ['Exit codes', table(EXIT_CODES)],
    ['', wrap(`${PROGRAM} help COMMAND tells more about one; ${PROGRAM} --version names the version.`)]
  ])
}

export function helpOf (command: Command): string {
  const options = Object.entries(command.options ?? {}).map(([name, option]): Row => [spell(name, option), option.description])
  return sections([
    ['', wrap(`usage: ${PROGRAM} ${command.usage}`, ' '.repeat(`usage: ${PROGRAM} `.length))],
    ['', wrap(command.summary)],
    ['', table([...options, ['-h, --help', 'Print this.']])],
    ['', command.details === undefined ? [] : paragraphs(command.details)],
    ['Examples', examples(command.examples)],
    ['Exit codes', table([...Object.entries(command.exitCodes), ['2', 'The command line makes no sense.']])]
  ])
}

/** `-c, --config FILE`. */
export function spell (name: string, { short, type, value }: CommandOption): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${type === 'string' ? ` ${value ?? 'VALUE'}` : ''}`
}

/** Lines of `columns` at most, the spaces before the first word kept; a longer word stands alone. @param hang - Begins every line but the first. */
export function wrap (text: string, hang = '', columns = COLUMNS): string[] {
  const [first = '', ...words] = text.trimStart().split(' ')
  const lines: string[] = []
  let line = ' '.repeat(text.length - text.trimStart().length) + first
  for (const word of words) {
    if (line.length + 1 + word.length > columns) {
      lines.push(line)
      line = hang + word
    } else line += ` ${word}`
  }
  return [...lines, line]
}

/** Text that is indented stays as it is. */
function paragraphs (text: string): string[] {
  const lines: string[] = []
  for (const paragraph of text.trim().split('\n\n')) {
    if (lines.length > 0) lines.push('')
    lines.push(...paragraph.startsWith('  ') ? paragraph.split('\n') : wrap(paragraph.replaceAll('\n', ' ')))
  }
  return lines
}

function table (rows: readonly Row[]): string[] {
  const width = Math.min(Math.max(...rows.map(([left]) => left.length)), MAX_LEFT)
  const indent = ' '.repeat(width + 4)
  return rows.flatMap(([left, right]) => {
    const [first = '', ...more] = wrap(indent + right, indent)
    return left.length > width ? [`  ${left}`, first, ...more] : [`  ${left.padEnd(width)}  ${first.slice(indent.length)}`, ...more]
  })
}

function examples (list: readonly Example[]): string[] {
  return list.flatMap(({ line, does }) => [`  ${PROGRAM} ${line}`, ...wrap(`      ${does}`, ' '.repeat(6))])
}

function sections (parts: readonly (readonly [heading: string, lines: readonly string[]])[]): string {
  return parts
    .filter(([, lines]) => lines.length > 0)
    .map(([heading, lines]) => `${heading === '' ? '' : `${heading}:\n`}${lines.map(line => `${line.trimEnd()}\n`).join('')}`)
    .join('\n')
}
