#!/usr/bin/env node
/** Process entry: the command line in, the exit code out. */
import { runCommandLine } from './cli/commands.ts'

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd()
})
