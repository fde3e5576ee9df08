/**
 * Everything that goes wrong in a soak, one table per track. A track does one fault after
 * the other, with pauses; the tracks overlap as they like.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sumMetric } from '../../src/demo/router-process.ts'
import type { Random } from '../crash/random.ts'
import type { Clock } from '../helpers/clock.ts'
import { eventually } from '../helpers/router.ts'
import { keepBusy } from './disk.ts'
import type { Program } from './program.ts'
import { FAULTY_FILE, MAPS, type MapName } from './router-file.ts'
import type { Mood, StandIns } from './stand-ins.ts'
import type { Trouble } from './windows.ts'

export interface Fault {
  readonly name: string
  readonly troubles: readonly Trouble[]
  /** Ends a process: what leaks in it is gone, so these come early in a run. */
  readonly ends?: 'worker' | 'router'
  /** Does it, for `ms` if it is one that lasts; resolves when all is as before. @returns What it did beside. */
  readonly inflict: (ms: number) => Promise<string | null>
}

export interface Ground {
  readonly program: Program
  readonly standIns: StandIns
  readonly clock: Clock
  readonly random: Random
  /** Of the run. */
  readonly folder: string
  /** router.yaml. */
  readonly file: string
  readonly fileOf: (map: MapName) => string
  /** `null` while it changes. */
  readonly map: { current: MapName | null }
}

/** The clock never strays so far that a copy expires (`max_age: 24h`). */
const MOST_CLOCK_OFFSET_MS = 8 * 3_600_000
const SETTLE_TIMEOUT_MS = 60_000

export function endpointFaults ({ standIns: { endpoint, setMood } }: Pick<Ground, 'standIns'>): readonly Fault[] {
  const moody = (name: string, mood: Mood, troubles: readonly Trouble[]): Fault => ({
    name: `endpoint ${name}`,
    troubles,
    async inflict (ms) {
      setMood(mood)
      await sleep(ms)
      setMood('well')
      return null
    }
  })
  return [
    moody('answers 5xx and 403', 'failing', []),
    moody('answers 429 with Retry-After', 'limiting', []),
    moody('is slow', 'slow', ['endpoint']),
    moody('resets in mid-answer', 'resetting', ['endpoint']),
    moody('resets in mid-request', 'cutting', ['endpoint']),
    {
      name: 'endpoint refuses',
      troubles: ['endpoint', 'answers'],
      async inflict (ms) {
        await endpoint.refuse()
        await sleep(ms)
        await endpoint.accept()
        return null
      }
    },
    {
      name: 'endpoint hangs',
      troubles: ['endpoint'],
      async inflict (ms) {
        endpoint.hold()
        await sleep(ms)
        endpoint.release()
        return null
      }
    }
  ]
}

export function primaryFaults (ground: Ground): readonly Fault[] {
  const { program, standIns: { relay, web, webRum }, clock, random, file, fileOf, folder, map } = ground
  const reloads = async (result: string): Promise<number> => sumMetric(await program.metrics(), 'config_reloads_total', { result })

  /** Asks for a reload, and waits until it has had this result once more. */
  async function reload (text: string, result: 'success' | 'failure'): Promise<void> {
    const before = await reloads(result)
    await writeFile(file, text)
    program.signal('SIGHUP')
    await eventually(async () => await reloads(result) > before ? null : `no reload has ended with ${result}`, SETTLE_TIMEOUT_MS)
  }

  async function allWorkersServe (count: number): Promise<void> {
    await eventually(async () => (await program.workers()).length >= count ? null : 'a worker is missing', SETTLE_TIMEOUT_MS)
    // Forked is not ready: it is when it has something to say.
    await eventually(async () => sumMetric(await program.metrics(), 'mirror_spool_works') >= 1 ? null : 'a spool is not open', SETTLE_TIMEOUT_MS)
    await sleep(1_000)
  }

  return [
    {
      name: 'relay restarts',
      troubles: ['relay'],
      async inflict (ms) {
        await relay.refuse()
        await sleep(Math.min(ms, 5_000))
        await relay.accept()
        return null
      }
    },
    {
      name: 'relay hangs',
      troubles: ['relay'],
      async inflict (ms) {
        relay.hold()
        await sleep(ms)
        relay.release()
        return null
      }
    },
    {
      name: 'web restarts',
      troubles: ['ui'],
      async inflict (ms) {
        const gate = random.pick([web, webRum])
        await gate.refuse()
        await sleep(Math.min(ms, 5_000))
        await gate.accept()
        return null
      }
    },
    {
      name: 'reload with another map',
      troubles: [],
      async inflict () {
        const next = map.current === MAPS[0] ? MAPS[1] : MAPS[0]
        map.current = null
        await reload(fileOf(next), 'success')
        map.current = next
        return `map ${next}`
      }
    },
    {
      name: 'reload of a faulty file',
      troubles: [],
      async inflict () {
        const text = fileOf(map.current ?? MAPS[0])
        await reload(FAULTY_FILE, 'failure')
        await writeFile(file, text)
        // Before the next reload: it is known by its count.
        await eventually(async () => sumMetric(await program.metrics(), 'config_last_reload_successful') === 1 ? null : 'the file that was put back is not loaded', SETTLE_TIMEOUT_MS)
        return null
      }
    },
    {
      name: 'a worker is killed',
      troubles: ['process'],
      ends: 'worker',
      async inflict () {
        const workers = await program.workers()
        const [first = 0, ...others] = workers
        process.kill(random.pick([first, ...others]), 'SIGKILL')
        await allWorkersServe(workers.length)
        return null
      }
    },
    {
      name: 'the router is killed',
      troubles: ['process'],
      ends: 'router',
      async inflict (ms) {
        await program.kill()
        await sleep(Math.min(ms, 2_000))
        await program.start()
        return null
      }
    },
    {
      name: 'a worker is frozen',
      troubles: ['slow', 'answers'],
      async inflict (ms) {
        const [first = 0, ...others] = await program.workers()
        const pid = random.pick([first, ...others])
        process.kill(pid, 'SIGSTOP')
        // Below every silence that is configured towards Relay and the UI.
        await sleep(Math.min(ms, 3_000))
        process.kill(pid, 'SIGCONT')
        return null
      }
    },
    {
      name: 'the clock jumps',
      troubles: [],
      async inflict () {
        const most = random.pick([5_000, 120_000, 3_600_000, MOST_CLOCK_OFFSET_MS])
        const to = Math.max(-MOST_CLOCK_OFFSET_MS, Math.min(MOST_CLOCK_OFFSET_MS, clock.offsetMs() + random.between(-most, most)))
        const by = to - clock.offsetMs()
        await clock.jump(by)
        return `by ${Math.round(by / 1_000)} s, to ${Math.round(to / 1_000)} s off`
      }
    },
    {
      name: 'the disk is busy',
      troubles: ['slow'],
      async inflict (ms) {
        await keepBusy(join(folder, 'busy'), Math.min(ms, 6_000))
        return null
      }
    },
    {
      name: 'dead letters are replayed',
      // The command starts a process, which takes a core for a moment.
      troubles: ['slow'],
      async inflict () {
        const before = await program.metrics()
        const there = sumMetric(before, 'mirror_dead_letters')
        const { code, stdout, stderr } = await program.command('spool', 'replay', '--all')
        const replayed = Number(/Replayed (\d+)/.exec(stdout)?.[1] ?? 0)
        // Those that gave way to copies meanwhile, in a spool that is full.
        const purged = sumMetric(await program.metrics(), 'mirror_dead_letters_purged_total') - sumMetric(before, 'mirror_dead_letters_purged_total')
        if (code !== 0 || replayed + purged < there) ground.standIns.wrong(`replay of ${there} dead letters exited with ${code}: ${stdout.trim()} ${stderr.trim()}`)
        return `${replayed} of ${there}`
      }
    }
  ]
}
