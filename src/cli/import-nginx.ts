/** `import-nginx`: an nginx.conf as router.yaml, or all that keeps it from becoming one. */
import { text as readStream } from 'node:stream/consumers'
import { dirname, resolve } from 'node:path'
import { formatFault } from '../config/fault.ts'
import { importNginx as importText } from '../config/nginx/import.ts'
import { includesFrom } from '../config/nginx/include-files.ts'
import { readArguments } from './command.ts'
import type { Command } from './command.ts'
import { readConfigText } from '../config/config-file.ts'

export const importNginx: Command = {
  name: 'import-nginx',
  summary: 'Turn an nginx.conf into a router.yaml.',
  usage: 'import-nginx FILE',
  details: 'Writes router.yaml to stdout: redirect it to a file, and keep that file private, since mapped paths are secrets. FILE may be - for stdin.',
  examples: [
    { line: 'import-nginx nginx.conf > router.yaml', does: 'Turn a file into a router.yaml.' },
    { line: 'import-nginx - < nginx.conf', does: 'The same from stdin.' }
  ],
  exitCodes: {
    0: 'All of it could be carried over.',
    1: 'Something could not: each directive is named as file:line:column, and nothing is written to stdout.'
  },
  completes: 'files',

  async run (args, io) {
    const { positionals } = readArguments(args, {}, ['FILE'])
    const file = positionals[0] ?? '-'
    const path = resolve(io.cwd, file)
    const name = file === '-' ? 'stdin' : file
    const text = file === '-' ? await readStream(process.stdin) : readConfigText(path)
    if (typeof text !== 'string') {
      io.stderr.write(`${formatFault({ ...text, file: name, message: text.message.replace(' after --config', '') })}\n`)
      return 1
    }

    const result = importText(text, { file: name, readInclude: includesFrom(file === '-' ? io.cwd : dirname(path)) })
    for (const fault of result.faults) io.stderr.write(`${formatFault(fault)}\n`)
    if (result.faults.length > 0) return 1

    for (const note of result.notes) io.stderr.write(`${name}: note: ${note}\n`)
    io.stdout.write(result.yaml)
    return 0
  }
}
