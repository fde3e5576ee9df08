/** `spool`: dead letters and the backlog, of a running router or, when none runs, of the spool it left. */
import { createDeadLetterDesk, type DeadLetterDesk } from '../admin/dead-letter-desk.ts'
import type { Config } from '../config/config.ts'
import type { DeadLetters, ListPending } from '../spool/types.ts'
import { loadConfig, type Command, type Io } from './command.ts'
import { reachSpool } from './reach-spool.ts'
import { readSpoolArguments, SPOOL_OPTIONS, SPOOL_VERBS, type SpoolArguments } from './spool-arguments.ts'
import { createRemoteDesk } from './spool-remote.ts'
import { act, listBacklog, listDeadLetters, showDeadLetters, type Stage } from './spool-verbs.ts'

/** A spool that is read without its router. */
export interface SpoolReader {
  readonly deadLetters: DeadLetters
  readonly pending: ListPending
  close (): void | Promise<void>
}

export interface SpoolCommandOptions {
  /** @param path - `spool.path`. */
  readonly openReader: (path: string) => Promise<SpoolReader>
}

export function createSpoolCommand ({ openReader }: SpoolCommandOptions): Command {
  return {
    name: 'spool',
    summary: 'List, show, replay or purge dead letters.',
    usage: 'spool ls|show|replay|purge [ID…] [--project ID] [--reason R] [--older-than AGE] [--all] [--pending] [--limit N] [--json] [--config FILE]',
    options: SPOOL_OPTIONS,
    details: `A dead letter is a copy that was given up: the endpoint refused it, or it grew older than mirror.retry.max_age.

  spool ls                  lists dead letters, the oldest first;
                            --pending: the backlog
  spool show ID…            tells all about some: event, items, SDK, attempts,
                            the endpoint's answer
  spool replay ID… | --all  puts them back among the copies, as if they were
                            new; or --project, --reason, --older-than
  spool purge ID… | --all   removes them for good; or --project, --reason,
                            --older-than

Asks the running router that --config belongs to. When none runs, the spool itself is opened.`,
    examples: [
      { line: 'spool ls', does: 'Which copies were given up, and why?' },
      { line: 'spool show 0123456789abcdef0123456789abcdef', does: 'What is in one, and what did the endpoint answer?' },
      { line: 'spool replay --reason 403', does: 'Send those again that were refused with 403.' },
      { line: 'spool purge --older-than 30d', does: 'Remove old ones for good.' },
      { line: 'spool ls --pending', does: 'Which copies wait?' }
    ],
    exitCodes: {
      0: 'It is done.',
      1: 'The configuration has faults, the router or the spool cannot be reached, or an ID does not exist.'
    },
    completes: SPOOL_VERBS,

    async run (args, io) {
      const asked = readSpoolArguments(args)
      return await reachAndRun(asked, await loadConfig(asked.config, io), openReader, io)
    }
  }
}

async function reachAndRun (asked: SpoolArguments, config: Config, openReader: SpoolCommandOptions['openReader'], io: Io): Promise<number> {
  const now = Date.now()
  const { running, source } = await reachSpool(config, openReader)
  try {
    return await runVerb(asked, { desk: running ? createRemoteDesk(config.admin) : deskOf(source, now), offline: !running, json: asked.json, io, now })
  } finally {
    await source?.close()
  }
}

async function runVerb ({ verb, ids, query, limit, pending }: SpoolArguments, stage: Stage): Promise<number> {
  switch (verb) {
    case 'ls': return await (pending ? listBacklog : listDeadLetters)(stage, query, limit)
    case 'show': return await showDeadLetters(stage, ids)
    case 'replay':
    case 'purge': return await act(verb, stage, ids.length > 0 ? ids : null, query)
  }
}

/** The counters that `onReplayed` is for are those of a running router. */
function deskOf ({ deadLetters, pending }: SpoolReader, now: number): DeadLetterDesk {
  return createDeadLetterDesk({ deadLetters, pending, onReplayed () {}, now: () => now })
}

export const spool = createSpoolCommand({
  openReader: async path => await (await import('./open-spool.ts')).openLeftSpool(path)
})
