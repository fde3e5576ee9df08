/** The folder of the spool: is it there, can it be written, is it large enough, and will it last? */
import { existsSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { lookAround, nearestFolder, surroundingsWarnings, type Surroundings } from '../process/surroundings.ts'
import { DATA_FILE } from '../spool/data-file.ts'
import { openEnvironment, SpoolFormatError } from '../spool/store.ts'
import { bytesWords } from '../status/words.ts'
import { fault, ok, skipped, warning, type Finding } from './finding.ts'

const LOCK_FILE = 'lock.mdb'

export interface SpoolFacts {
  readonly path: string
  /** Whether the folder is there; if not it will be made. */
  readonly exists: boolean
  /** Why no file can be written to it (to the folder above it, when it is not there): a code such as EROFS. */
  readonly writeFailure: string | null
  /** Who looks, and who owns the folder and the data in it; `null`: there is none, or it cannot be told. */
  readonly uid: number | null
  readonly folderUid: number | null
  readonly dataUid: number | null
  /** Of the file system, for this user. */
  readonly freeBytes: number | null
  /** Of the data that is there. */
  readonly usedBytes: number
  /** Why the data cannot be opened; `null`: they can, or there are none, or nobody looked. */
  readonly openFailure: string | null
  readonly surroundings: Surroundings
}

/** @param routerRuns - The running router has the spool open: it knows best. */
export async function examineSpool (config: Config, routerRuns: boolean): Promise<Finding[]> {
  if (config.mirror === null) return [skipped('spool', 'the configuration has no mirror, so there is none')]
  return judgeSpool(config, await gatherFacts(config, routerRuns))
}

async function gatherFacts (config: Config, routerRuns: boolean): Promise<SpoolFacts> {
  const { path } = config.spool
  const folder = attempt(() => nearestFolder(path))
  const data = attempt(() => statSync(join(path, DATA_FILE)))
  const volume = folder === null ? null : attempt(() => statfsSync(folder))
  return {
    path,
    exists: folder === path,
    writeFailure: folder === null ? 'EACCES' : writeFailure(folder),
    uid: process.getuid?.() ?? null,
    folderUid: folder === path ? attempt(() => statSync(path))?.uid ?? null : null,
    dataUid: data?.uid ?? null,
    freeBytes: volume === null ? null : volume.bavail * volume.bsize,
    usedBytes: data === null ? 0 : data.blocks * 512,
    // What LMDB makes when it opens would belong to whoever looks, and not to the router.
    openFailure: data === null || routerRuns || (data.uid !== process.getuid?.() && !existsSync(join(path, LOCK_FILE))) ? null : await openFailure(path),
    surroundings: lookAround(config)
  }
}

function attempt<T> (work: () => T): T | null {
  try {
    return work()
  } catch {
    // Not there, or not ours to see: a fact as well.
    return null
  }
}

/** Rights alone do not tell: root has them all, and a disk may be read-only or full. */
function writeFailure (folder: string): string | null {
  const file = join(folder, `.doctor-${process.pid}`)
  try {
    writeFileSync(file, 'mirror-router doctor\n', { flag: 'wx', mode: 0o600 })
    rmSync(file)
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

async function openFailure (path: string): Promise<string | null> {
  try {
    await openEnvironment(path).close()
    return null
  } catch (error) {
    if (error instanceof SpoolFormatError) return error.message
    return `it cannot be opened: ${error instanceof Error ? error.message : String(error)}`
  }
}

export function judgeSpool ({ mirror, spool }: Pick<Config, 'mirror' | 'spool'>, facts: SpoolFacts): Finding[] {
  return [judgeWriting(facts), ...judgeOwner(facts), ...judgeFormat(facts), ...judgePlace({ mirror, spool }, facts), judgeSpace(spool, facts)]
}

function judgeWriting ({ path, exists, writeFailure, uid }: SpoolFacts): Finding {
  const what = exists ? path : `${path} is not there yet, and the folder it would be made in`
  switch (writeFailure) {
    case null: return ok('spool folder', exists ? `${path} can be written` : `${path} is not there yet, and can be made`)
    case 'EACCES':
    case 'EPERM': return fault('spool folder', `${what} cannot be written by this user (uid ${uid ?? 'unknown'})`, `Make that user its owner: chown -R ${uid ?? 'UID'} ${path}.`)
    case 'EROFS': return fault('spool folder', `${what} is read-only`, `Mount a volume at ${path}; a container whose root is read-only needs one.`)
    case 'ENOSPC':
    case 'EDQUOT': return fault('spool folder', `${what} is on a disk that is full`, 'Make room: copies are kept in memory meanwhile, and are lost if the router stops.')
    case 'ENOTDIR': return fault('spool folder', `${what} is a file`, 'Name a folder in spool.path.')
    default: return fault('spool folder', `${what} cannot be written (${writeFailure})`, 'Is the disk gone, or spool.path wrong?')
  }
}

/** Root may write everything, but the router need not run as root. */
function judgeOwner ({ path, uid, folderUid, dataUid }: SpoolFacts): Finding[] {
  if (folderUid === null) return []
  const owner = `the folder belongs to uid ${folderUid}`
  if (dataUid !== null && dataUid !== folderUid) return [fault('spool owner', `${owner}, the data in it to uid ${dataUid}`, `It was used by two users: chown -R it to the one that the router runs as, such as chown -R ${folderUid} ${path}.`)]
  if (uid !== null && uid !== 0 && folderUid !== uid) return [warning('spool owner', `${owner}, and this is uid ${uid}`, `If the router runs as ${uid}: chown -R ${uid} ${path}.`)]
  return [ok('spool owner', `${owner}${dataUid === null ? '' : ', and so does what is in it'}`)]
}

function judgeFormat ({ openFailure, dataUid }: SpoolFacts): Finding[] {
  if (openFailure === null) return dataUid === null ? [] : [ok('spool format', 'this program knows it')]
  const [words = '', advice] = openFailure.split(': start the newer')
  return [fault('spool format', words, advice === undefined ? 'A spool that is damaged is moved aside when the router starts; other causes are the disk or its rights.' : `Start the newer${advice}.`)]
}

function judgePlace (config: Pick<Config, 'mirror' | 'spool'>, { surroundings }: SpoolFacts): Finding[] {
  const warnings = surroundingsWarnings(config, surroundings)
  if (warnings.length === 0) return surroundings.inContainer && surroundings.spoolOnMount === true ? [ok('spool volume', 'it outlives the container')] : []
  return warnings.map(sentence => {
    const [words = '', remedy = ''] = sentence.split('; ')
    return warning('spool volume', words, `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`)
  })
}

/** Dead letters have a bound of their own. */
function judgeSpace ({ maxBytes, deadLetters }: Config['spool'], { freeBytes, usedBytes }: SpoolFacts): Finding {
  const most = maxBytes + deadLetters.maxBytes
  const wanted = `up to ${bytesWords(most)} (spool.max_bytes and spool.dead_letters.max_bytes)`
  if (freeBytes === null) return skipped('spool space', 'how much is free cannot be told')
  if (freeBytes + usedBytes >= most) return ok('spool space', `${bytesWords(freeBytes)} free; it grows to ${wanted}`)
  return warning('spool space', `${bytesWords(freeBytes)} free, and it may grow to ${wanted}`, 'Make room, or lower spool.max_bytes: on a full disk copies are kept in memory, and are lost if the router stops.')
}
