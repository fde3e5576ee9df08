/** In a process of its own: what the runner has loaded is not to be measured. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'

const MODULE = fileURLToPath(new URL('../../../src/process/garbage-collection.ts', import.meta.url))
const GARBAGE_MIB = 64

test('what loading left behind is given back to the machine at once, and nobody else gets the collector', t => {
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', `
    import { giveBackMemory } from ${JSON.stringify(MODULE)}
    let kept = Array.from({ length: ${GARBAGE_MIB * 1024} }, (_, i) => new Array(128).fill(i))
    kept = null
    const before = process.memoryUsage().heapTotal
    giveBackMemory()
    console.log(JSON.stringify({ freedMiB: (before - process.memoryUsage().heapTotal) / 1024 ** 2, exposed: typeof gc }))
  `], { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  const { freedMiB, exposed } = JSON.parse(stdout)

  t.ok(freedMiB > GARBAGE_MIB / 2, `${freedMiB} MiB were given back`)
  t.equal(exposed, 'undefined')
  t.end()
})
