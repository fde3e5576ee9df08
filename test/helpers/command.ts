/** Runs a command of the program in this process, with all it writes kept. */
import type { Command, Io } from '../../src/cli/command.ts'
import { CommandError, UsageError } from '../../src/cli/command.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A wrong command line ends with 2 and what keeps a command from its work with 1, the message on `err`, as in the program. */
export async function runCommand (command: Command, args: readonly string[], io: Partial<Pick<Io, 'env' | 'cwd'>> & { isTTY?: boolean } = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const code = await command.run(args, {
    stdout: { write: text => { out += text } },
    stderr: { isTTY: io.isTTY === true, write: text => { err += text } },
    env: io.env ?? {},
    cwd: io.cwd ?? '/'
  }).catch((error: unknown) => {
    if (error instanceof CommandError) {
      err += `${error.message}\n`
      return 1
    }
    if (!(error instanceof UsageError)) throw error
    err += error.message
    return 2
  })
  return { code, out, err }
}
