/** Changes the file of a running router, and asks it to reload. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { ReloadAnswer } from '../../src/admin/reload-route.ts'
import type { StartedRouter } from './router.ts'

export type Sections = Record<string, Record<string, unknown>>

export function fileOf (router: StartedRouter): string {
  return join(router.folder, 'router.yaml')
}

/** The file's text with some of it changed. */
export async function edited (router: StartedRouter, edit: (config: Sections) => void): Promise<string> {
  const config = parse(await readFile(fileOf(router), 'utf8')) as Sections
  edit(config)
  return stringify(config)
}

/** Changes the file, in place. */
export async function editFile (router: StartedRouter, edit: (config: Sections) => void): Promise<void> {
  await writeFile(fileOf(router), await edited(router, edit))
}

export async function postReload (router: StartedRouter): Promise<{ status: number, answer: ReloadAnswer }> {
  const response = await fetch(`${router.adminUrl}/-/reload`, { method: 'POST' })
  return { status: response.status, answer: await response.json() as ReloadAnswer }
}

/** @throws When the reload fails, saying why. */
export async function reloadWith (router: StartedRouter, edit: (config: Sections) => void): Promise<void> {
  await editFile(router, edit)
  const { status, answer } = await postReload(router)
  if (status !== 200) throw new Error(JSON.stringify(answer))
}
