import { join } from 'node:path'
import { test } from 'tap'
import { lookAround, nearestFolder, surroundingsWarnings } from '../../../src/process/surroundings.ts'
import { configOf } from '../../helpers/configuration.ts'

const MIRRORING = configOf('mirror: { endpoint: https://rum.example.test, default: /a }\nspool: { path: /var/lib/mirror-router }')

function warn (inContainer: boolean, spoolOnMount: boolean | null, config = MIRRORING): string[] {
  return surroundingsWarnings(config, { inContainer, spoolOnMount, spoolOnUnnamedVolume: false })
}

test('a spool that would go with its container is warned of, and no other', async t => {
  t.match(warn(true, false), [/^spool\.path \/var\/lib\/mirror-router is inside the container, so the backlog is lost when the container is recreated; mount a volume there/])
  t.strictSame(warn(true, true), [])
  t.strictSame(warn(true, null), [], 'what cannot be told is not claimed')
  t.strictSame(warn(false, false), [], 'on a machine of its own it stays')
  t.strictSame(warn(true, false, configOf('')), [], 'without a mirror there is no backlog')
})

test('a folder is on the mount of the first folder above it that is there', async t => {
  const folder = t.testdir({ there: {} })

  t.equal(nearestFolder(join(folder, 'there', 'not', 'yet')), join(folder, 'there'))
  t.equal(nearestFolder('/'), '/')
  t.equal(lookAround(configOf('spool: { path: /proc/self }')).spoolOnMount, true)
  t.equal(lookAround(configOf('spool: { path: / }')).spoolOnMount, false)
})
