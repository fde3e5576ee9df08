/**
 * The variables of the document's `.env`: is each set, is it still a placeholder, has it
 * the right form, and do they go together? No value is ever repeated. Pure.
 */
import type { EnvFile, Variable } from './env-file.ts'
import { fault, ok, skipped, warning, type Finding } from './finding.ts'

const PLACEHOLDER = /<[^<>]*>/
const TRUE = ['true', '1', 'yes', 'on']
const FALSE = ['false', '0', 'no', 'off', '']
/** What the second Sentry needs. Who only copies has none of them. */
const READING = ['SENTRY_RUM_IMAGE', 'SNUBA_RUM_IMAGE', 'SLS_ENDPOINT', 'SLS_ACCESS_KEY_ID', 'SLS_ACCESS_KEY_SECRET', 'SLS_PROJECT', 'SLS_LOGSTORE', 'SLS_TTL', 'ENABLE_SLS_NODESTORE', 'USE_SLS_GROUP_STORAGE'] as const
/** RUM keeps data that long, says the document. */
const KEPT_DAYS = 30

type Problem = readonly [state: 'warning' | 'fault', words: string, advice: string]

interface Rule {
  readonly name: string
  /** What it is without it, in words; `null`: it must be set. */
  readonly unset: string | null
  /** What to write. */
  readonly advice: string
  /** @param value - Not empty, and no placeholder. */
  readonly judge: (value: string) => Problem | null
}

const bad = (words: string, advice: string): Problem => ['fault', words, advice]
const odd = (words: string, advice: string): Problem => ['warning', words, advice]

function image (value: string): Problem | null {
  if (/\s/.test(value) || value.includes('://')) return bad('no name of an image', 'Write registry/name:tag, without https://.')
  if (tagOf(value) === null && !value.includes('@sha256:')) return odd('it has no tag, so it is whatever is newest', 'Write the tag of the document, such as :25.9.0-rum-251230.')
  return null
}

function host (value: string): Problem | null {
  if (/\s/.test(value)) return bad('it has blanks in it', 'Write the host alone, such as cn-chengdu.log.aliyuncs.com.')
  const bare = value.replace(/^https?:\/\//, '')
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?\/?$/.test(bare)) return bad('no host name', 'Write the host alone, such as cn-chengdu.log.aliyuncs.com: no path after it.')
  if (!bare.includes('.')) return bad('a region is no host name', 'Write it whole: cn-chengdu.log.aliyuncs.com, with your region.')
  return bare === value ? null : odd('it has a scheme', 'The document has the host alone, such as cn-chengdu.log.aliyuncs.com.')
}

function token (value: string): Problem | null {
  return /\s/.test(value) ? bad('it has blanks in it', 'Copy it once more, without blanks around it.') : null
}

function accessKey (value: string): Problem | null {
  return token(value) ?? (/^[A-Za-z0-9]+$/.test(value) ? null : odd('an access key has letters and digits only', 'Copy it once more from the RAM console.'))
}

function project (value: string): Problem | null {
  return /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(value) ? null : bad('no name of an SLS project', 'It has small letters, digits and "-", as in proj-xtrace-…-cn-hangzhou; the console of RUM names the one below its service.')
}

function logstore (value: string): Problem | null {
  return value === 'logstore-rum' ? null : odd('not logstore-rum, which is the only name the document knows', 'Write logstore-rum.')
}

function days (value: string): Problem | null {
  if (!/^[0-9]{1,5}$/.test(value)) return bad('not a number of days', 'Write digits alone: 30.')
  return Number(value) > KEPT_DAYS ? odd(`more than ${KEPT_DAYS} days, and RUM keeps data for ${KEPT_DAYS} unless you had that changed`, `Write ${KEPT_DAYS}, or have RUM keep data longer.`) : null
}

function toggle (value: string): Problem | null {
  if (TRUE.includes(value.toLowerCase()) || FALSE.includes(value.toLowerCase())) return null
  return bad('neither true nor false, and so taken as false', 'Write true or false.')
}

function bind (value: string): Problem | null {
  const port = /^(?:(?:\d{1,3}\.){3}\d{1,3}:|\[[0-9A-Fa-f:]+\]:)?(\d{1,5})$/.exec(value)?.[1]
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535 ? null : bad('neither a port nor IP:PORT', 'Write 9001, or 127.0.0.1:9001.')
}

function origin (value: string): Problem | null {
  if (value === 'off' || value === 'false') return odd('off, so nothing is copied', 'Write https:// and the host that the console of RUM shows.')
  if (!/^https?:\/\//.test(value)) return bad('it has no scheme', 'Write https:// in front of the host.')
  return URL.parse(value)?.pathname === '/' ? null : bad('not an origin', 'Write scheme and host alone; the path goes into RUM_DEFAULT_PATH or router.yaml.')
}

function path (value: string): Problem | null {
  if (value === 'off' || value === 'false' || value.startsWith('/')) return null
  return bad('it does not begin with /', 'Write /rum/sentry/, the workspace, / and the service; or off.')
}

const RULES: readonly Rule[] = [
  { name: 'RUM_ENDPOINT', unset: 'router.yaml says where copies go', advice: 'Write https:// and the host that the console of RUM shows; or off.', judge: origin },
  { name: 'RUM_DEFAULT_PATH', unset: 'router.yaml says which service takes what', advice: 'Write /rum/sentry/, the workspace, / and the service; or off.', judge: path },
  { name: 'SENTRY_RUM_IMAGE', unset: null, advice: 'Write the image of web that step 1 of the document names.', judge: image },
  { name: 'SNUBA_RUM_IMAGE', unset: null, advice: 'Write the image of Snuba that step 1 of the document names.', judge: image },
  { name: 'SENTRY_RUM_BIND', unset: 'port 9001', advice: 'Write 9001, or IP:PORT.', judge: bind },
  { name: 'SLS_ENDPOINT', unset: 'cn-chengdu.log.aliyuncs.com, the default of the document', advice: 'Write the host of SLS in your region, such as cn-chengdu.log.aliyuncs.com.', judge: host },
  { name: 'SLS_ACCESS_KEY_ID', unset: null, advice: 'Write the access key of a RAM user that has AliyunLogReadOnlyAccess; step 2 of the document.', judge: accessKey },
  { name: 'SLS_ACCESS_KEY_SECRET', unset: null, advice: 'Write the secret of that access key; a lost one cannot be read again, so make another key.', judge: token },
  { name: 'SLS_PROJECT', unset: null, advice: 'Write the SLS project below the RUM service; its console names it.', judge: project },
  { name: 'SLS_LOGSTORE', unset: 'logstore-rum', advice: 'Write logstore-rum.', judge: logstore },
  { name: 'SLS_TTL', unset: '30 days', advice: 'Write a number of days: 30.', judge: days },
  { name: 'ENABLE_SLS_NODESTORE', unset: 'true', advice: 'Write true.', judge: toggle },
  { name: 'USE_SLS_GROUP_STORAGE', unset: 'true', advice: 'Write true.', judge: toggle }
]

/** @param name - Of the file, for messages. */
export function judgeEnvFile (name: string, file: EnvFile): Finding[] {
  const { variables } = file
  const reads = READING.some(each => variables.has(each))
  const rules = RULES.filter(rule => reads || !(READING as readonly string[]).includes(rule.name) && (rule.name !== 'SENTRY_RUM_BIND' || variables.has(rule.name)))
  return [
    ...judgeForm(name, file),
    ...rules.map(rule => judgeVariable(rule, variables.get(rule.name))),
    ...reads ? judgeTogether(variables) : [skipped('SLS_* variables', `none in ${name}: copies are sent, and no second Sentry reads them`)]
  ]
}

function judgeForm (name: string, { repeated, unread }: EnvFile): Finding[] {
  const findings = [
    ...unread.map(line => fault('.env', `${name}:${line} is neither NAME=value nor a comment`, 'docker compose refuses the file: write NAME=value, or # in front.')),
    ...repeated.map(each => warning('.env', `${each} stands in ${name} twice, with different values`, 'The last one counts: remove the other.'))
  ]
  return findings.length === 0 ? [ok('.env', `${name} can be read`)] : findings
}

function judgeVariable ({ name, unset, advice, judge }: Rule, variable: Variable | undefined): Finding {
  const value = variable?.value ?? ''
  if (value === '') return unset === null ? fault(name, variable === undefined ? 'not set' : 'empty', advice) : ok(name, `not set: ${unset}`)
  if (PLACEHOLDER.test(value) || /^your_/i.test(value)) return fault(name, 'still a placeholder', advice)
  if (variable?.interpolates === true && name.startsWith('SLS_')) return fault(name, 'it has a $, which docker compose takes for a variable', "Put the value in single quotes: 'like this'.")
  const problem = judge(value)
  if (problem === null) return ok(name, 'set')
  const [state, words, what] = problem
  return { check: name, state, words, advice: what }
}

/** Each may be right alone. */
function judgeTogether (variables: EnvFile['variables']): Finding[] {
  const value = (name: string): string => variables.get(name)?.value ?? ''
  const isOn = (name: string): boolean => !variables.has(name) || TRUE.includes(value(name).toLowerCase())
  const findings: Finding[] = []

  const [id, secret] = [value('SLS_ACCESS_KEY_ID'), value('SLS_ACCESS_KEY_SECRET')]
  if ((id === '') !== (secret === '')) findings.push(fault('SLS credentials', `half set: SLS_ACCESS_KEY_${id === '' ? 'ID' : 'SECRET'} is missing`, 'Write both. With one alone web-rum goes on reading PostgreSQL, and its console shows what the other one does.'))

  const [store, search] = [isOn('ENABLE_SLS_NODESTORE'), isOn('USE_SLS_GROUP_STORAGE')]
  if (store !== search) findings.push(warning('SLS switches', `ENABLE_SLS_NODESTORE is ${String(store)}, USE_SLS_GROUP_STORAGE is ${String(search)}`, 'Reading from both is not supported: an issue that is listed may have no events. Write true for both.'))
  else if (!store) findings.push(warning('SLS switches', 'both are false, so the second Sentry reads nothing from SLS', 'Write true for both, or leave the second Sentry out: docker-compose.dual-write.override.yml.'))

  const [web, snuba, sentry] = [versionOf(value('SENTRY_RUM_IMAGE')), versionOf(value('SNUBA_RUM_IMAGE')), versionOf(value('SENTRY_IMAGE'))]
  if (web !== null && snuba !== null && web !== snuba) findings.push(fault('image versions', `SENTRY_RUM_IMAGE is ${web}, SNUBA_RUM_IMAGE is ${snuba}`, 'They must be of one version: take both from step 1 of the document.'))
  else if (web !== null && sentry !== null && web !== sentry) findings.push(fault('image versions', `SENTRY_RUM_IMAGE is ${web}, SENTRY_IMAGE is ${sentry}`, 'Both use one PostgreSQL, whose tables are those of one version: use the same version of self-hosted Sentry.'))

  const binds = [portOf(value('SENTRY_BIND') || '9000'), portOf(value('SENTRY_RUM_BIND') || '9001')]
  if (binds[0] === binds[1]) findings.push(fault('published ports', `SENTRY_BIND and SENTRY_RUM_BIND are both port ${binds[0] ?? ''}`, 'Give SENTRY_RUM_BIND another one: 9001.'))
  return findings
}

function tagOf (image: string): string | null {
  return /:([\w][\w.-]{0,127})(?:@sha256:.*)?$/.exec(image)?.[1] ?? null
}

/** `25.9.0` of `…/sentry:25.9.0-rum-251230`; `null` where a tag says no version. */
function versionOf (image: string): string | null {
  return /^\d+\.\d+\.\d+/.exec(tagOf(image) ?? '')?.[0] ?? null
}

function portOf (bind: string): string {
  return bind.slice(bind.lastIndexOf(':') + 1)
}
