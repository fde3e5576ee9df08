/** What stand-ins answer, so that a client knows what it must get: a function of the request alone. */

const NUMBER = /[?&]n=(\d+)(?:&|$)/

/** The number that the client gave a request; `null`: it has none. */
export function numberOf (target: string): number | null {
  const digits = NUMBER.exec(target)?.[1]
  return digits === undefined ? null : Number(digits)
}

/** Relay takes most, and now and then asks an SDK to wait. */
export function relayStatusOf (number: number): number {
  if (number % 61 === 60) return 429
  return number % 97 === 96 ? 503 : 200
}

const PAGE = Buffer.from(Array.from({ length: 16_384 }, (_, i) => `${i.toString(36).padStart(3, '0')} soak\n`).join(''))

/** A page of up to 128 KiB that says where it comes from and what was asked for. */
export function uiAnswer (name: string, target: string): Buffer {
  const length = Number(/[?&]bytes=(\d+)/.exec(target)?.[1] ?? 0)
  return Buffer.concat([Buffer.from(`${name} ${target}\n`), PAGE.subarray(0, length)])
}
