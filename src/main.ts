#!/usr/bin/env node
/** Process entry: the command line in, the exit code out. */
import { runCommandLine } from './cli/commands.ts'

/** As a shell says it of a program that SIGPIPE ended. */
const READER_LEFT = 141

// Such as `report | head`: nobody wants the rest.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(READER_LEFT)
  throw error
})

// What is written holds requests of other people's users, and is for this user alone.
process.umask(0o077)

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd()
})
