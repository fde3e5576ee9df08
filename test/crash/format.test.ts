/** A spool that a newer version wrote is left alone. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { open } from 'lmdb'
import t, { test } from 'tap'
import { createProgram } from './program.ts'

t.setTimeout(60_000)

for (const workers of [1, 2]) {
  test(`a spool of a newer format ends the start with 1 and a sentence that names both versions (${workers} worker(s))`, async t => {
    const program = await createProgram(t, { relayPort: 1, endpointPort: 1, workers })
    await writeFormat(program.spool, 99)
    const before = await readFile(join(program.spool, 'data.mdb'))

    const run = program.launch()
    const code = await run.ended()

    t.equal(code, 1)
    t.match(run.output(), /\b99\b/)
    t.match(run.output(), /\b2\b/)
    t.match(run.output(), /format/i)
    t.notMatch(run.output(), /\n\s+at /, 'it is a sentence, not a stack')
    t.ok(before.equals(await readFile(join(program.spool, 'data.mdb'))), 'the spool is as it was')
  })
}

async function writeFormat (spool: string, version: number): Promise<void> {
  await mkdir(spool, { recursive: true })
  const environment = open({ path: spool, noSubdir: false, encoding: 'binary', keyEncoding: 'binary', maxDbs: 16 })
  const meta = environment.openDB<Buffer, Buffer>({ name: 'meta', encoding: 'binary', keyEncoding: 'binary' })
  await meta.put(Buffer.from('format'), Buffer.from(String(version)))
  await environment.close()
}
