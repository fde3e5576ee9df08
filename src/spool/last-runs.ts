/**
 * How the processes ended that had the environment open. Each leaves a note while it
 * has; a note without its process is a death. A damaged page can be one (LMDB maps its
 * file into memory and ends the process with an assertion, or a signal), and would be
 * again at every start. So once two have died, whatever of, the environment is read
 * through in a process of its own, before anybody needs it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { DAMAGED, DATA_FILE, isDamaged, moveAside } from './damage.ts'
import { isAlive, ownerName } from './wal/owner.ts'

const FOLDER = 'open'
const SUSPICIOUS_DEATHS = 2
/** The start waits for it: what takes longer is taken for sound. */
const MOST_MS = 10_000
/** What LMDB ends in; not what others end a process with. */
const DEADLY: ReadonlySet<string> = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE'])
const READ_THROUGH = fileURLToPath(new URL('./read-through.ts', import.meta.url))

/** This process opens the environment. What fails is of no account: then its death is not counted. */
export function noteOpening (path: string): void {
  try {
    mkdirSync(join(path, FOLDER), { recursive: true, mode: 0o700 })
    writeFileSync(noteOf(path), '', { mode: 0o600 })
  } catch {
    // A disk that takes nothing; others say so.
  }
}

/** It has closed it, or ends as it should. */
export function noteClosed (path: string): void {
  try {
    rmSync(noteOf(path), { force: true })
  } catch {
    // As above.
  }
}

/**
 * Moves an environment aside that cannot be opened, or that ends who reads it. Before
 * this process opens it: takes up to 10 s if two have died.
 *
 * @param now - Milliseconds since the epoch.
 * @throws What the file system says.
 */
export function setAsideIfDamaged (path: string, log: Pick<Logger, 'error'>, now: number): void {
  if (isDamaged(path) || isDeadly(path)) setAside(path, log, now)
}

/** @throws What the file system says. */
export function setAside (path: string, log: Pick<Logger, 'error'>, now: number): void {
  const name = moveAside(path, now)
  log.error({ file: join(path, name) }, 'The spool on disk is damaged and was moved aside; what it held is not delivered. A new one was begun. Check the disk; the file can be removed when nobody wants to look into it.')
}

function isDeadly (path: string): boolean {
  const dead = notesOf(path).filter(owner => !isAlive(owner))
  if (dead.length < SUSPICIOUS_DEATHS || !existsSync(join(path, DATA_FILE))) return false
  // First: who is killed while it takes long must not begin with it for ever.
  for (const owner of dead) rmSync(join(path, FOLDER, owner), { force: true })
  const { signal, status } = spawnSync(process.execPath, [READ_THROUGH, path], { stdio: 'ignore', timeout: MOST_MS, killSignal: 'SIGKILL' })
  return saysDamaged(status, signal)
}

/** Reads it through; takes up to 10 s. Never rejects. */
export function findDamage (path: string): Promise<boolean> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [READ_THROUGH, path], { stdio: 'ignore', timeout: MOST_MS, killSignal: 'SIGKILL' })
    child.on('error', () => { resolve(false) })
    child.on('exit', (status, signal) => { resolve(saysDamaged(status, signal)) })
  })
}

function saysDamaged (status: number | null, signal: string | null): boolean {
  return status === DAMAGED || DEADLY.has(signal ?? '')
}

function notesOf (path: string): readonly string[] {
  try {
    return readdirSync(join(path, FOLDER))
  } catch {
    return []
  }
}

function noteOf (path: string): string {
  return join(path, FOLDER, ownerName(process.pid))
}
