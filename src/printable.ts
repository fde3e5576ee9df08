/**
 * Text that came from outside, made fit for a terminal: what would move the cursor,
 * colour the screen or turn the direction of reading is written as its code.
 */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
/** JSON.stringify sees to the others. */
const STEERING_IN_JSON = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu

export function printable (text: string): string {
  return text.replaceAll(STEERING, char => {
    const code = char.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}

/** Indented JSON with a line end; the same value for every reader. */
export function printableJson (value: unknown): string {
  const text = JSON.stringify(value, null, 2)
  return `${text.replaceAll(STEERING_IN_JSON, char => char.split('').map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''))}\n`
}
