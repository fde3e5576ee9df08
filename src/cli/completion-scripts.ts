/** Completion for each shell, from what the commands say of themselves. Pure. */
import type { CommandOption, CommandOptions } from './command.ts'
import { PROGRAM } from './help.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

/** A command as completion sees it. */
export interface Completed {
  readonly name: string
  /** Other words for it. */
  readonly aliases: readonly string[]
  readonly summary: string
  readonly options: CommandOptions
  /** What its first argument may be: one of these words, or a file. */
  readonly completes: readonly string[] | 'files'
}

export const SHELLS: Readonly<Record<Shell, (commands: readonly Completed[]) => string>> = { bash, zsh, fish }

const HELP: CommandOption = { type: 'boolean', short: 'h', description: 'Print the help of the command.' }

function optionsOf ({ options }: Completed): (readonly [name: string, option: CommandOption])[] {
  return [...Object.entries(options), ['help', HELP]]
}

function spellings (name: string, { short }: CommandOption): string[] {
  return [`--${name}`, ...short === undefined ? [] : [`-${short}`]]
}

const isFile = ({ value }: CommandOption): boolean => value === 'FILE'

function bash (commands: readonly Completed[]): string {
  return `# ${PROGRAM}: completion for bash. Load it with: source <(${PROGRAM} completion bash)
_mirror_router () {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command='' at=0 words='' files='' i
  # bash takes --config=FILE for three words.
  if [[ $word == = ]]; then word=''; elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} =~ ^(${['[^-].*', ...commands.flatMap(({ aliases }) => aliases)].join('|')})$ ]]; then command=\${COMP_WORDS[i]}; at=$i; break; fi
  done
  case $command in
    '') words='${[...commands.map(({ name }) => name), '--help', '--version'].join(' ')}' ;;
${commands.map(bashCase).join('\n')}
  esac
  COMPREPLY=()
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  elif [[ -n $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  fi
}
complete -F _mirror_router ${PROGRAM}
`
}

function bashCase (command: Completed): string {
  const options = optionsOf(command)
  const valued = options.filter(([, { type }]) => type === 'string')
  const [files, others] = [valued.filter(([, option]) => isFile(option)), valued.filter(([, option]) => !isFile(option))]
  const arm = (list: typeof valued, does: string): string => list.length === 0 ? '' : `        ${list.flatMap(([name, option]) => spellings(name, option)).join('|')}) ${does} ;;\n`
  const first = command.completes === 'files' ? '[[ $word == -* ]] || files=1' : command.completes.length === 0 ? '' : `if ((at + 1 == COMP_CWORD)) && [[ $word != -* ]]; then words='${command.completes.join(' ')}'; fi`
  return `    ${[command.name, ...command.aliases].join('|')})
      case $previous in
${arm(files, 'files=1')}${arm(others, ':')}        *)
          words='${options.flatMap(([name, option]) => spellings(name, option)).join(' ')}'
${first === '' ? '' : `          ${first}\n`}          ;;
      esac ;;`
}

function zsh (commands: readonly Completed[]): string {
  return `#compdef ${PROGRAM}
# ${PROGRAM}: completion for zsh. Load it with: source <(${PROGRAM} completion zsh)
_mirror_router () {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe 'command' commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${commands.map(zshCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _mirror_router ]]; then _mirror_router "$@"; else compdef _mirror_router ${PROGRAM}; fi
`
}

function zshCase (command: Completed): string {
  const specs = optionsOf(command).flatMap(([name, option]) => spellings(name, option).map(spelling => {
    const value = option.type === 'boolean' ? '' : `:${option.value ?? 'value'}:${isFile(option) ? '_files' : ' '}`
    return quoted(`${option.multiple === true ? '*' : ''}${spelling}[${option.description.replaceAll(/[[\]\\]/g, '\\$&')}]${value}`)
  }))
  const { completes } = command
  if (completes === 'files') specs.push(quoted('1:file:_files'))
  else if (completes.length > 0) specs.push(quoted(`1:argument:(${completes.join(' ')})`))
  return `    ${command.name})\n      _arguments \\\n${specs.map(spec => `        ${spec}`).join(' \\\n')} ;;`
}

function fish (commands: readonly Completed[]): string {
  const lines = [
    `# ${PROGRAM}: completion for fish. Load it with: ${PROGRAM} completion fish | source`,
    `complete -c ${PROGRAM} -f`,
    `complete -c ${PROGRAM} -n __fish_use_subcommand -l help -s h -d ${fishQuoted('Print the help.')}`,
    `complete -c ${PROGRAM} -n __fish_use_subcommand -l version -s v -d ${fishQuoted('Print the version.')}`
  ]
  for (const command of commands) {
    const here = `complete -c ${PROGRAM} -n '__fish_seen_subcommand_from ${command.name}'`
    lines.push(`complete -c ${PROGRAM} -n __fish_use_subcommand -a ${command.name} -d ${fishQuoted(command.summary)}`)
    for (const [name, option] of optionsOf(command)) {
      const value = option.type === 'boolean' ? '' : isFile(option) ? ' -r -F' : ' -x'
      lines.push(`${here} -l ${name}${option.short === undefined ? '' : ` -s ${option.short}`}${value} -d ${fishQuoted(option.description)}`)
    }
    if (command.completes === 'files') lines.push(`${here} -F`)
    else if (command.completes.length > 0) lines.push(`${here} -a ${fishQuoted(command.completes.join(' '))}`)
  }
  return `${lines.join('\n')}\n`
}

/** For zsh: what stands in single quotes is taken as it is. */
function quoted (text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function fishQuoted (text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`
}
