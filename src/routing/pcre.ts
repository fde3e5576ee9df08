/**
 * nginx's regular expressions, which are PCRE on bytes, as JavaScript's on latin1
 * strings. The syntaxes share nearly everything a location uses; what they spell
 * differently is rewritten here, and what JavaScript would silently take for
 * something else is refused.
 */

const SPACE = ' \\t\\n\\v\\f\\r'

/** POSIX classes as class content; PCRE's default tables know ASCII only. */
const POSIX: ReadonlyMap<string, string> = new Map(Object.entries({
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: SPACE,
  upper: 'A-Z',
  word: '\\w',
  xdigit: 'A-Fa-f0-9'
}))

/** Escapes outside a class that JavaScript spells differently. */
const ESCAPES: Readonly<Record<string, string>> = {
  A: '^',
  Z: '(?=\\n?$)',
  z: '$',
  N: '[^\\n]',
  R: '(?:\\r\\n|[\\n\\v\\f\\r\\x85])',
  h: '[ \\t\\xa0]',
  H: '[^ \\t\\xa0]',
  s: `[${SPACE}]`,
  S: `[^${SPACE}]`,
  v: '[\\n\\v\\f\\r\\x85]',
  V: '[^\\n\\v\\f\\r\\x85]',
  a: '\\x07',
  e: '\\x1b'
}

/** Escapes inside a class that JavaScript spells differently; a negated one cannot be spelt inside. */
const CLASS_ESCAPES: Readonly<Record<string, string>> = {
  h: ' \\t\\xa0',
  s: SPACE,
  v: '\\n\\v\\f\\r\\x85',
  a: '\\x07',
  e: '\\x1b'
}

/** Letters and digits after a backslash that mean the same in both. */
const SHARED_ESCAPES = /^[bBdDwWfnrt0-9]/

/**
 * A PCRE pattern as a RegExp that matches latin1 strings.
 *
 * @param pattern - The bytes of the pattern, one character each.
 * @throws SyntaxError when it cannot be carried over; the message says what.
 */
export function compilePcre (pattern: string, ignoreCase: boolean): RegExp {
  let out = ''
  let i = 0
  while (i < pattern.length) {
    const rest = pattern.slice(i)
    const char = pattern.charAt(i)
    let taken = 1
    if (char === '\\') [out, taken] = append(out, escapeOutside(rest))
    else if (char === '[') [out, taken] = append(out, characterClass(rest))
    else if (char === '.') out += '[^\\n]'
    // Without DOLLAR_ENDONLY, PCRE's $ also matches before a final newline.
    else if (char === '$') out += '(?=\\n?$)'
    else if (rest.startsWith('(?P<')) [out, taken] = append(out, ['(?<', 4])
    else if (/^\(\?(?![:=!<])/.test(rest) || rest.startsWith('(*')) throw unsupported(rest.slice(0, 4))
    // PCRE folds the case of ASCII letters only.
    else if (ignoreCase && char > '\x7f') out += `(?-i:${char})`
    else out += char
    i += taken
  }
  return new RegExp(out, ignoreCase ? 'i' : '')
}

type Piece = readonly [text: string, taken: number]

function append (out: string, [text, taken]: Piece): [string, number] {
  return [out + text, taken]
}

function unsupported (what: string): SyntaxError {
  return new SyntaxError(`"${what}" is not supported in a location's regular expression`)
}

function escapeOutside (rest: string): Piece {
  const letter = rest.charAt(1)
  if (letter === '') throw new SyntaxError('the regular expression ends in a backslash')
  const own = ESCAPES[letter]
  if (own !== undefined) return [own, 2]
  return sharedEscape(rest)
}

/** An escape that means the same in both, inside a class and outside. */
function sharedEscape (rest: string): Piece {
  const after = rest.slice(1)
  const long = /^(?:x[0-9A-Fa-f]{2}|k<\w+>)/.exec(after)
  if (long !== null) return [`\\${long[0]}`, 1 + long[0].length]
  if (/^[A-Za-z]/.test(after) && !SHARED_ESCAPES.test(after)) throw unsupported(rest.slice(0, 2))
  return [rest.slice(0, 2), 2]
}

function characterClass (rest: string): Piece {
  let out = '['
  let i = 1
  if (rest.charAt(i) === '^') {
    out += '^'
    i++
  }
  // A bracket that comes first is a member.
  if (rest.charAt(i) === ']') {
    out += '\\]'
    i++
  }
  for (;;) {
    const char = rest.charAt(i)
    if (char === '') throw new SyntaxError('a [ of the regular expression is not closed')
    if (char === ']') return [`${out}]`, i + 1]
    const posix = /^\[:(\^?)(\w+):\]/.exec(rest.slice(i))
    if (posix !== null) {
      const members = POSIX.get(posix[2] ?? '')
      if (members === undefined || posix[1] !== '') throw unsupported(posix[0])
      out += members
      i += posix[0].length
    } else if (char === '\\') {
      const [text, taken] = escapeInside(rest.slice(i))
      out += text
      i += taken
    } else {
      out += char === '[' ? '\\[' : char
      i++
    }
  }
}

function escapeInside (rest: string): Piece {
  const letter = rest.charAt(1)
  const own = CLASS_ESCAPES[letter]
  if (own !== undefined) return [own, 2]
  if (letter in ESCAPES || letter === 'B') throw unsupported(`[${rest.slice(0, 2)}]`)
  return sharedEscape(rest)
}
