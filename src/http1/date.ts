/** The `Date` field, made anew when the second changes (RFC 9110 section 6.6.1). */
let second = 0
let text = ''

export function httpDate (): string {
  const now = Date.now()
  if (now - second >= 1000 || now < second) {
    second = now - now % 1000
    text = new Date(second).toUTCString()
  }
  return text
}
