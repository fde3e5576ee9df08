/** The shapes of the parity suite: a case as written in `cases/`, and what was observed when it ran. */

export const BACKENDS = ['relay', 'relay2', 'web', 'webrum', 'rum'] as const
export type BackendName = typeof BACKENDS[number]

/** Bytes as data: a string is Latin-1, the others generate (see bytes.ts). */
export type Bytes =
  | string
  | { readonly rep: string, readonly n: number }
  | { readonly rnd: number, readonly seed: number }
  | { readonly hex: string }
  | { readonly chunks: number, readonly size: number }
  | readonly Bytes[]

/** What a backend does with one request. Times in milliseconds. */
export interface Action {
  readonly kind?: 'hang' | 'close' | 'rst' | 'close-accept' | 'rst-accept'
  /** `head`: answer before the body has arrived. */
  readonly when?: 'head'
  readonly delay?: number
  readonly status?: number
  readonly reason?: string
  /** Added to the usual headers; `replace` stands in their place. */
  readonly headers?: readonly (readonly [string, string])[]
  readonly replace?: readonly (readonly [string, string])[]
  readonly body?: Bytes
  readonly framing?: 'cl' | 'chunked' | 'close' | 'none'
  readonly trailers?: string
  /** Bytes sent in front of the response head. */
  readonly interim?: Bytes
  /** The whole answer, instead of a built one. */
  readonly raw?: Bytes
  /** Only so many bytes of the body are sent. */
  readonly partial?: number
  /** Pause between head and body. */
  readonly gap?: number
  /** Pause between the single bytes of `raw`. */
  readonly drip?: number
  readonly after?: 'close' | 'rst' | 'hang'
}

/** `blackhole`: the connection is never accepted (SYNs are dropped). */
export type BackendMode = 'up' | 'refuse' | 'blackhole'

/** One thing a client does. Times in milliseconds. */
export type Step =
  | { readonly send: Bytes, readonly slice?: number, readonly gap?: number }
  | { readonly recv: number, readonly timeout?: number }
  | { readonly interim: number, readonly timeout?: number }
  | { readonly wait: number }
  | { readonly eof: number }
  | { readonly end: true }
  | { readonly rst: true }
  | { readonly close: true }
  | { readonly mode: Readonly<Partial<Record<BackendName, BackendMode>>> }

export interface ClientScript {
  readonly methods?: readonly string[]
  readonly steps: readonly Step[]
  /** Start, counted from the start of the case. */
  readonly at?: number
  /** Local address to connect from. */
  readonly from?: string
  /** How long the connection is watched after its last step. */
  readonly tail?: number
}

/** An assertion on one value of an observation; `path` is dotted, `#` is a length. */
export interface Check {
  readonly path: string
  readonly op: '<' | '>' | 'between' | 'eq' | 'none'
  readonly value?: unknown
  readonly key?: string
}

/** nginx is wrong here: `nginx` is what it does, `better` is what we must do. */
export interface Flaw {
  readonly why: string
  readonly fields: readonly string[]
  readonly nginx: readonly Check[]
  readonly better: readonly Check[]
  /** Reported only. */
  readonly optional?: boolean
}

export interface ParityCase {
  readonly id: string
  readonly group: string
  readonly desc: string
  readonly profile: string
  readonly port: 80 | 81
  /** `edge`: input that no sane client sends. */
  readonly tier: 'core' | 'edge'
  readonly conns: readonly ClientScript[]
  /** One action per request, in order; then `sticky` for every further one. */
  readonly script?: Readonly<Partial<Record<BackendName, readonly Action[]>>>
  readonly sticky?: Readonly<Partial<Record<BackendName, Action>>>
  readonly mode?: Readonly<Partial<Record<BackendName, BackendMode>>>
  /** Names of fields.ts that are compared; `soft` ones are reported only. */
  readonly fields?: readonly string[]
  readonly soft?: readonly string[]
  readonly checks?: readonly Check[]
  readonly nginxChecks?: readonly Check[]
  readonly flaw?: Flaw
  /** A plain 400 without backend contact is accepted too. */
  readonly alt400?: boolean
  /** Date, Server and Connection are compared as well. */
  readonly strict?: boolean
  /** Compare where a backend's connection was cut. */
  readonly trackAbort?: boolean
  /** Milliseconds: quiet time that ends a case, its hard limit, and the pause after it. */
  readonly settle?: number
  readonly hardMax?: number
  readonly cool?: number
}

export type Header = [name: string, value: string]

export interface ResponseSeen {
  version?: string
  /** 0 for bytes that are not HTTP/1. */
  status: number
  reason?: string
  headers: Header[]
  framing: 'cl' | 'chunked' | 'close' | 'none'
  complete: boolean
  bodyLen: number
  bodySha: string
  bodyHead: string
  /** Milliseconds since the connection was opened, and since the last send. */
  t: number
  dt: number
}

export interface ConnectionSeen {
  responses: ResponseSeen[]
  interim: number[]
  end: 'open' | 'fin' | 'rst' | 'closed' | 'client' | 'noconnect'
  tEnd?: number
  /** The response that was not finished when the case ended. */
  partial?: { status: number, bodyLen: number }
  /** Bytes after the last response. */
  leftover: number
}

export interface RequestSeen {
  line: string
  headers: Header[]
  /** Number of the connection and milliseconds since the case began. */
  conn: number
  t: number
  framing: 'cl' | 'chunked' | 'none'
  complete: boolean
  bodyLen: number
  bodySha?: string
  /** How and where the other side cut the exchange, if it did. */
  abort?: 'fin' | 'rst' | 'close'
  abortPhase?: 'mid-body' | 'before-response-end'
}

export interface Observation {
  conns: ConnectionSeen[]
  backends: Record<BackendName, RequestSeen[]>
  /** The subject's process ended during the case. */
  crashed?: boolean
}
