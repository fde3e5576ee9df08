/** Compares what nginx did with what the subject did. */
import { failedChecks } from './checks.ts'
import { DEFAULT_FIELDS, FIELDS, type PortNames } from './fields.ts'
import type { ConnectionSeen, Observation, ParityCase, ResponseSeen } from './types.ts'

const SHOWN_CHARACTERS = 700

export interface Verdict {
  /** What makes the case fail; empty when it passes. */
  readonly differences: readonly string[]
  /** Differences that are allowed. */
  readonly remarks: readonly string[]
}

/** What this nginx does differently from the one the case was written for. */
export function faultsOfNginx (parityCase: ParityCase, nginx: Observation): string[] {
  return [parityCase.checks, parityCase.nginxChecks, parityCase.flaw?.nginx].flatMap(checks => failedChecks(checks, nginx))
}

/** `subjectIsNginx`: where nginx is flawed, the flaw is expected instead of the better way. */
export function judge (parityCase: ParityCase, nginx: Observation, subject: Observation, ports: PortNames, subjectIsNginx: boolean): Verdict {
  if (parityCase.alt400 === true && isPlain400(subject)) return { differences: [], remarks: ['stricter than nginx: 400'] }

  const [left, right] = withoutOwnPages(nginx, subject)
  const fields = parityCase.flaw?.fields ?? parityCase.fields ?? DEFAULT_FIELDS
  const diff = (names: readonly string[]) => names.flatMap(name => fieldDifference(name, parityCase, left, right, ports))
  const soft = parityCase.soft ?? []
  const differences = [
    ...(subject.crashed === true ? ['the process ended'] : []),
    ...diff(fields.filter(name => !soft.includes(name))),
    ...failedChecks(parityCase.checks, subject)
  ]
  const remarks = diff(soft)

  const { flaw } = parityCase
  if (flaw === undefined) return { differences, remarks }
  const shortfall = failedChecks(subjectIsNginx ? flaw.nginx : flaw.better, subject).map(text => `wanted better: ${text} (${flaw.why})`)
  return flaw.optional === true && !subjectIsNginx
    ? { differences, remarks: [...remarks, ...shortfall] }
    : { differences: [...differences, ...shortfall], remarks }
}

function isPlain400 ({ conns, backends }: Observation): boolean {
  return conns.every(({ responses }) => responses.length === 1 && responses[0]?.status === 400) &&
    Object.values(backends).every(requests => requests.length === 0)
}

/** Error pages that nginx makes itself are compared by status only. */
function withoutOwnPages (nginx: Observation, subject: Observation): [Observation, Observation] {
  const own = nginx.conns.map(({ responses }) => responses.map(response => response.status >= 300 && response.bodyHead.includes('<center>nginx')))
  const mask = (observation: Observation): Observation => ({
    ...observation,
    conns: observation.conns.map((connection: ConnectionSeen, i) => ({
      ...connection,
      responses: connection.responses.map((response, j) => own[i]?.[j] === true ? masked(response) : response)
    }))
  })
  return [mask(nginx), mask(subject)]
}

function masked (response: ResponseSeen): ResponseSeen {
  return {
    ...response,
    bodyLen: -1,
    bodySha: '<own page>',
    framing: 'none',
    headers: response.headers.filter(([name]) => !['content-type', 'content-length', 'transfer-encoding', 'date'].includes(name.toLowerCase()))
  }
}

function fieldDifference (name: string, parityCase: ParityCase, nginx: Observation, subject: Observation, ports: PortNames): string[] {
  const field = FIELDS.get(name)
  if (field === undefined) throw new Error(`${parityCase.id}: unknown field ${name}`)
  const difference = firstDifference(field(nginx, parityCase, ports), field(subject, parityCase, ports), name)
  return difference === null ? [] : [difference]
}

function firstDifference (nginx: unknown, subject: unknown, path: string): string | null {
  if (JSON.stringify(nginx) === JSON.stringify(subject)) return null
  if (isTexts(nginx) && isTexts(subject) && Math.max(nginx.length, subject.length) > 2) {
    const [lost, added] = [without(nginx, subject), without(subject, nginx)]
    if (lost.length > 0 || added.length > 0) return `${path}: nginx only ${show(lost)}, subject only ${show(added)}`
  }
  if (isObject(nginx) && isObject(subject) && Array.isArray(nginx) === Array.isArray(subject) && (!Array.isArray(nginx) || Object.keys(nginx).length === Object.keys(subject).length)) {
    for (const key of new Set([...Object.keys(nginx), ...Object.keys(subject)])) {
      const difference = firstDifference(Reflect.get(nginx, key), Reflect.get(subject, key), `${path}.${key}`)
      if (difference !== null) return difference
    }
  }
  return `${path}: nginx ${show(nginx)}, subject ${show(subject)}`
}

/** The texts of `left` that `right` lacks, each counted as often as it occurs. */
function without (left: readonly string[], right: readonly string[]): string[] {
  const rest = [...right]
  return left.filter(text => {
    const at = rest.indexOf(text)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
}

function isObject (value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isTexts (value: unknown): value is string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}

function show (value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
}
