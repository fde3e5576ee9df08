/**
 * The addition to Sentry's settings, run by Python under every environment there is:
 * each variable unset, right, wrong, or still a placeholder.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'

const SETTINGS = fileURLToPath(new URL('../../config/sentry.conf.rum.py', import.meta.url))
const DRIVER = fileURLToPath(new URL('sentry-settings.py', import.meta.url))

const PYTHON = spawnSync('python3', ['--version']).status === 0
const skip = PYTHON ? false : 'no python3 in PATH'

/** One value of a variable: what it means, or what must be said about it. */
interface Choice {
  readonly value: string | null
  readonly means?: string | number | boolean | null
  readonly says?: string
}

const SECRET = 'HQsEfSecretOfTheAccessKey0000'

const CHOICES = {
  ENABLE_SLS_NODESTORE: [
    { value: null, means: false },
    { value: 'true', means: true },
    { value: 'FALSE', means: false },
    { value: 'maybe', means: false, says: 'ENABLE_SLS_NODESTORE is neither true nor false (taken as false)' }
  ],
  USE_SLS_GROUP_STORAGE: [
    { value: null, means: false },
    { value: '1', means: true },
    { value: 'no', means: false },
    { value: 'treu', means: false, says: 'USE_SLS_GROUP_STORAGE is neither true nor false (taken as false)' }
  ],
  SLS_ENDPOINT: [
    { value: null, says: 'SLS_ENDPOINT is not set' },
    { value: 'cn-chengdu.log.aliyuncs.com', means: 'cn-chengdu.log.aliyuncs.com' },
    { value: '<endpoint>', says: 'SLS_ENDPOINT is still a placeholder' },
    { value: 'not a host', says: 'SLS_ENDPOINT is not valid' }
  ],
  SLS_ACCESS_KEY_ID: [
    { value: null, says: 'SLS_ACCESS_KEY_ID is not set' },
    { value: 'LTAI5tExample', means: 'LTAI5tExample' },
    { value: '<your_access_key_id>', says: 'SLS_ACCESS_KEY_ID is still a placeholder' }
  ],
  SLS_ACCESS_KEY_SECRET: [
    { value: '', says: 'SLS_ACCESS_KEY_SECRET is not set' },
    { value: SECRET, means: SECRET },
    { value: `${SECRET} and more`, says: 'SLS_ACCESS_KEY_SECRET is not valid' }
  ],
  SLS_PROJECT: [
    { value: null, says: 'SLS_PROJECT is not set' },
    { value: 'proj-xtrace-1-cn-hangzhou', means: 'proj-xtrace-1-cn-hangzhou' },
    { value: SECRET, says: 'SLS_PROJECT is not valid' }
  ],
  SLS_LOGSTORE: [
    { value: null, means: 'logstore-rum' },
    { value: 'logstore-other', means: 'logstore-other' },
    { value: 'Log Store', says: 'SLS_LOGSTORE is not valid' }
  ],
  SLS_TTL: [
    { value: null, means: 30 },
    { value: '7', means: 7 },
    { value: '0', means: null },
    { value: 'thirty', means: 30, says: 'SLS_TTL is not a number of days (30 is used)' }
  ]
} as const satisfies Record<string, readonly Choice[]>

type Name = keyof typeof CHOICES
type Combination = Readonly<Record<Name, Choice>>

const NAMES = Object.keys(CHOICES) as Name[]
const SWITCHES: readonly Name[] = ['ENABLE_SLS_NODESTORE', 'USE_SLS_GROUP_STORAGE']
const REQUIRED: readonly Name[] = ['SLS_ENDPOINT', 'SLS_ACCESS_KEY_ID', 'SLS_ACCESS_KEY_SECRET', 'SLS_PROJECT', 'SLS_LOGSTORE']

interface Outcome {
  readonly settings: Readonly<Record<string, unknown>>
  readonly stdout: string
  readonly stderr: string
}

test('Sentry starts under every combination of variables, with the stores they ask for', { skip }, async t => {
  const combinations = everyCombination()
  const outcomes = runAll()
  t.equal(outcomes.length, combinations.length)

  const wrong = combinations.flatMap((combination, index) => {
    const differs = JSON.stringify(sorted(outcomes[index]?.settings)) !== JSON.stringify(sorted(expectedSettings(combination)))
    return differs ? [{ environment: environmentOf(combination), got: outcomes[index]?.settings }] : []
  })

  t.strictSame(wrong.slice(0, 5), [], `${wrong.length} of ${combinations.length} differ`)
})

test('under every combination one line says which stores are used, and each thing that is wrong', { skip }, async t => {
  const combinations = everyCombination()
  const outcomes = runAll()

  const wrong = combinations.flatMap((combination, index) => {
    const { stdout, stderr } = outcomes[index] ?? { stdout: '', stderr: '' }
    const expected = expectedLine(combination)
    return stderr === expected && stdout === '' ? [] : [{ environment: environmentOf(combination), stdout, stderr, expected }]
  })

  t.strictSame(wrong.slice(0, 5), [], `${wrong.length} of ${combinations.length} differ`)
})

test('no value of a variable is printed, so that a secret in the wrong variable is not either', { skip }, async t => {
  const values = NAMES.flatMap(name => CHOICES[name].map(choice => choice.value ?? '')).filter(value => value.length > 4)

  const leaking = runAll().filter(({ stdout, stderr }) => values.some(value => `${stdout}${stderr}`.includes(value)))

  t.strictSame(leaking.slice(0, 5), [])
})

test('run as a program, with warnings as errors, the settings end well and leave stdout alone', { skip }, async t => {
  const env = { PATH: process.env['PATH'], ENABLE_SLS_NODESTORE: 'true', SLS_TTL: 'thirty', SLS_ACCESS_KEY_SECRET: SECRET }

  const { status, stdout, stderr } = spawnSync('python3', ['-I', '-W', 'error', SETTINGS], { env, encoding: 'utf8' })

  t.equal(status, 0)
  t.equal(stdout, '')
  t.equal(stderr, 'mirror-router: events from PostgreSQL, issues from Snuba; WARNING: SLS_ENDPOINT is not set, ' +
    'SLS_ACCESS_KEY_ID is not set, SLS_PROJECT is not set, SLS_TTL is not a number of days (30 is used)\n')
})

/** In the order of the driver: the last variable changes first. */
function everyCombination (): readonly Combination[] {
  return NAMES.reduce<readonly Partial<Combination>[]>(
    (combinations, name) => combinations.flatMap(known => CHOICES[name].map(choice => ({ ...known, [name]: choice }))),
    [{}]
  ) as readonly Combination[]
}

function runAll (): readonly Outcome[] {
  const input = JSON.stringify(Object.fromEntries(NAMES.map(name => [name, CHOICES[name].map(choice => choice.value)])))
  const { status, stdout, stderr } = spawnSync('python3', ['-I', '-W', 'error', DRIVER, SETTINGS], { input, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 })
  if (status !== 0) throw new Error(`python3 ended with ${status}: ${stderr}`)
  return stdout.trimEnd().split('\n').map(line => JSON.parse(line) as Outcome)
}

function asksForSls (combination: Combination): boolean {
  return SWITCHES.some(name => combination[name].means === true)
}

function isComplete (combination: Combination): boolean {
  return REQUIRED.every(name => combination[name].means !== undefined)
}

function expectedSettings (combination: Combination): Readonly<Record<string, unknown>> {
  const complete = isComplete(combination)
  const settings: Record<string, unknown> = { SENTRY_NODESTORE: 'django', SENTRY_SEARCH: 'snuba' }
  if (complete && combination.ENABLE_SLS_NODESTORE.means === true) {
    settings['SENTRY_NODESTORE'] = 'sentry_nodestore_sls.SLSNodeStorage'
    settings['SENTRY_NODESTORE_OPTIONS'] = {
      endpoint: combination.SLS_ENDPOINT.means,
      access_key_id: combination.SLS_ACCESS_KEY_ID.means,
      access_key_secret: combination.SLS_ACCESS_KEY_SECRET.means,
      project: combination.SLS_PROJECT.means,
      logstore: combination.SLS_LOGSTORE.means,
      compression: true,
      retry_attempts: 3,
      retry_delay: 0.5,
      default_ttl_days: combination.SLS_TTL.means
    }
  }
  if (complete && combination.USE_SLS_GROUP_STORAGE.means === true) {
    settings['SENTRY_SEARCH'] = 'sentry.search.sls.backend.SLSGroupSearchBackend'
  }
  return settings
}

function expectedLine (combination: Combination): string {
  const complete = isComplete(combination)
  const events = complete && combination.ENABLE_SLS_NODESTORE.means === true ? 'SLS' : 'PostgreSQL'
  const issues = complete && combination.USE_SLS_GROUP_STORAGE.means === true ? 'SLS' : 'Snuba'
  const relevant = asksForSls(combination) ? NAMES : SWITCHES
  const problems = relevant.flatMap(name => combination[name].says ?? [])
  return `mirror-router: events from ${events}, issues from ${issues}${problems.length > 0 ? `; WARNING: ${problems.join(', ')}` : ''}\n`
}

function environmentOf (combination: Combination): Readonly<Record<string, string | null>> {
  return Object.fromEntries(NAMES.map(name => [name, combination[name].value]))
}

function sorted (settings: Readonly<Record<string, unknown>> | undefined): readonly unknown[] {
  return Object.entries(settings ?? {}).toSorted(([a], [b]) => a < b ? -1 : 1)
}
