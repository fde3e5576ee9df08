/**
 * The endpoint's state as all processes together see it, and in words. Down when any
 * of them says down: a request may have come to that one. Pure.
 */
import type { DeliveryStatus } from '../mirror/delivery.ts'
import type { EndpointState, EndpointStatus } from './status.ts'
import { backlogWords, causeWords, clockWords, durationWords } from './words.ts'

export interface Backlog {
  readonly pending: number
  readonly oldestTakenAt: number | null
}

/** What is said of the endpoint before its words are found. */
export type EndpointFacts = Omit<EndpointStatus, 'words'>

/** @param host - Of the configuration. */
export function describeEndpoint (host: string, deliveries: readonly DeliveryStatus[], backlog: Backlog, now: number): EndpointStatus {
  const facts = mergeDeliveries(host, deliveries)
  return { ...facts, words: endpointWords(facts, backlog, now) }
}

export function mergeDeliveries (host: string, deliveries: readonly DeliveryStatus[]): EndpointFacts {
  const down = deliveries.filter(({ downSince }) => downSince !== null)
  const closed = (down.length > 0 ? down : deliveries).map(({ closedUntil }) => closedUntil)
  const nextAttemptAt = earliest(closed)
  const lastSuccessAt = latest(deliveries.map(delivery => delivery.lastSuccessAt))
  const lastFailure = deliveries.map(delivery => delivery.lastFailure).filter(failure => failure !== null).sort((a, b) => b.at - a.at)[0] ?? null
  const failing = lastFailure !== null && lastFailure.at > (lastSuccessAt ?? 0)
  const state: EndpointState = down.length > 0 ? 'down' : nextAttemptAt !== null ? 'held' : failing ? 'failing' : lastSuccessAt === null ? 'unknown' : 'up'
  const since = state === 'down' ? earliest(down.map(({ downSince }) => downSince)) : state === 'failing' ? failingSince(deliveries, lastSuccessAt) : null
  return {
    host,
    state,
    since,
    nextAttemptAt,
    lastFailure,
    lastSuccessAt,
    width: deliveries.reduce((sum, { width }) => sum + width, 0),
    underWay: deliveries.reduce((sum, { underWay }) => sum + underWay, 0)
  }
}

/** The first failure that no process has had a success after. */
function failingSince (deliveries: readonly DeliveryStatus[], lastSuccessAt: number | null): number | null {
  const since = earliest(deliveries.map(delivery => delivery.failingSince))
  return since === null ? null : Math.max(since, lastSuccessAt ?? 0)
}

export function endpointWords (facts: EndpointFacts, backlog: Backlog, now: number): string {
  const { state, since, lastFailure, lastSuccessAt, nextAttemptAt } = facts
  const cause = lastFailure === null ? '' : `: ${causeWords(lastFailure.code)}`
  const sinceWords = since === null ? '' : ` since ${clockWords(since, now)}`
  const waiting = backlogWords(backlog.pending, backlog.oldestTakenAt, now)
  const next = nextAttemptAt === null ? '' : `next attempt in ${durationWords(Math.ceil(Math.max(nextAttemptAt - now, 0) / 1000) * 1000)}`
  const answered = lastSuccessAt === null ? '' : `last answer ${durationWords(now - lastSuccessAt)} ago`
  const phrases: Readonly<Record<EndpointState, readonly string[]>> = {
    down: [`down${sinceWords}${cause}`, waiting, next || 'an attempt is under way'],
    held: [`asked for a pause${cause}`, waiting, next],
    failing: [`failing${sinceWords}${cause}`, waiting, next],
    unknown: ['no attempt yet', waiting],
    up: ['up', answered, waiting]
  }
  return phrases[state].filter(phrase => phrase !== '').join('; ')
}

function earliest (times: readonly (number | null)[]): number | null {
  const known = times.filter(time => time !== null)
  return known.length === 0 ? null : Math.min(...known)
}

function latest (times: readonly (number | null)[]): number | null {
  const known = times.filter(time => time !== null)
  return known.length === 0 ? null : Math.max(...known)
}
