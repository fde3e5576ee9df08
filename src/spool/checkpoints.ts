/**
 * Transactions that bring the environment up to date: what it lacks, as of one moment,
 * and the number of the first frame of the log that is not in it.
 */
import type { Entry } from './entry.ts'
import { encodeTime as encodeNumber } from './keys.ts'
import type { Ledger } from './ledger.ts'
import type { Environment, Write } from './store.ts'
import { checkpointBytes, writeCheckpoint, type Checkpoint, type Unsaved } from './unsaved.ts'
import { commit } from './wal/commit.ts'
import type { WriteAheadLog } from './wal/log.ts'

export interface Checkpoints {
  begin (): BegunCheckpoint
  /**
   * Never rejects: what fails is told, and begun anew by the next.
   *
   * @param isDirect - What is in it may be in no frame.
   * @returns Whether it was committed.
   */
  commit (open: Environment, begun: BegunCheckpoint, isDirect: boolean): Promise<boolean>
  /** Together with `work`, at once. @throws What the environment says; then nothing is written. */
  commitWith<T> (open: Environment, begun: BegunCheckpoint, work: (write: Write) => T): T
}

export interface BegunCheckpoint {
  readonly checkpoint: Checkpoint
  /** Of the first frame that is not in it. */
  readonly number: Buffer
}

export interface CheckpointOptions {
  readonly log: Pick<WriteAheadLog, 'key' | 'next' | 'isOpen'>
  readonly unsaved: Unsaved
  readonly ledger: Pick<Ledger, 'takeDirty'>
  /** A checkpoint takes them. */
  readonly onSaving: (entries: readonly Entry[]) => void
  /** The environment has the entry where it is to be. */
  readonly onSaved: (entry: Entry) => void
  readonly onFault: (error: unknown) => void
  readonly onSuccess: () => void
}

export function createCheckpoints ({ log, unsaved, ledger, onSaving, onSaved, onFault, onSuccess }: CheckpointOptions): Checkpoints {
  function write ({ checkpoint, number }: BegunCheckpoint, put: Write): void {
    writeCheckpoint(checkpoint, put)
    put('meta', log.key, number)
  }

  function succeed ({ checkpoint }: BegunCheckpoint, isDirect: boolean): void {
    const isLogged = log.isOpen && !isDirect
    for (const entry of isLogged ? [] : checkpoint.entries) {
      entry.logged = entry.going
      entry.loggedDueAt = entry.goingDueAt
    }
    unsaved.succeed(checkpoint, onSaved)
    onSuccess()
  }

  function fail ({ checkpoint }: BegunCheckpoint, error: unknown): void {
    unsaved.fail(checkpoint)
    onFault(error)
  }

  return {
    begin () {
      // What changed in the ledger alone is in no frame.
      unsaved.add([], ledger.takeDirty(), [])
      const checkpoint = unsaved.begin()
      onSaving(checkpoint.entries)
      return { checkpoint, number: encodeNumber(log.next) }
    },

    async commit (open, begun, isDirect) {
      try {
        await commit(open, checkpointBytes(begun.checkpoint), put => { write(begun, put) })
      } catch (error) {
        fail(begun, error)
        return false
      }
      succeed(begun, isDirect)
      return true
    },

    commitWith (open, begun, work) {
      let result
      try {
        result = open.transaction(put => {
          write(begun, put)
          return work(put)
        })
      } catch (error) {
        fail(begun, error)
        throw error
      }
      succeed(begun, true)
      return result
    }
  }
}
