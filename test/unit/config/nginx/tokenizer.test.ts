import { assert, constantFrom, oneof, property, string } from 'fast-check'
import { test } from 'tap'
import { parseNginx } from '../../../../src/config/nginx/parser.ts'
import { tokenize } from '../../../../src/config/nginx/tokenizer.ts'
import { nginxCheck } from '../../../helpers/nginx-check.ts'

/** Whatever means something to the reader, with little between it. */
const QUIRKY = string({ unit: constantFrom('{', '}', ';', '"', "'", '\\', '$', '#', ' ', '\n', '\t', '\r', '(', ')', 'a', 'b', 'n', 'é', '~'), maxLength: 40 })

test('words, quotes, escapes, variables and comments are read, each with its place', async t => {
  const text = `map $request_uri \${path} { # a comment; {
  "~^/api/1/envelope/" '/a b';
\t~^/x\\d*$ it\\'s;
}`

  const { tokens, fault } = tokenize(text, 'nginx.conf')

  t.equal(fault, null)
  t.strictSame(tokens.map(({ kind, text, line, column }) => [kind === 'word' ? text : `[${kind}]`, line, column]), [
    ['map', 1, 1], ['$request_uri', 1, 5], ['${path}', 1, 18], ['[{]', 1, 26],
    ['~^/api/1/envelope/', 2, 3], ['/a b', 2, 24], ['[;]', 2, 30],
    ['~^/x\\d*$', 3, 2], ["it's", 3, 11], ['[;]', 3, 16],
    ['[}]', 4, 1]
  ])
})

const SYNTAX_FAULTS: readonly (readonly [text: string, line: number, column: number, message: RegExp])[] = [
  ['a b;\nc "d', 2, 3, /^unterminated quote; close it with "/],
  ["a 'b;\n\n", 1, 3, /^unterminated quote; close it with '/],
  ['a;\n}', 2, 1, /^unexpected "}"; no block is open/],
  ['a {\n  b\n}', 3, 1, /^unexpected "}"; end the directive before it with ";"/],
  ['a {\n b;\n', 3, 1, /^unexpected end of file; close the "a" block of line 1/],
  ['a {\n b {\n', 3, 1, /close the "b" block of line 2/],
  ['a;;', 1, 3, /^unexpected ";"/],
  ['a b', 1, 4, /^unexpected end of file; end the last directive/],
  ['a b ', 1, 5, /^unexpected end of file; end the last directive/],
  ['a "b"c;', 1, 6, /^unexpected "c" after a closing quote/],
  [' {}', 1, 2, /^unexpected "{"/]
]

for (const [text, line, column, message] of SYNTAX_FAULTS) {
  test(`the syntax error of ${JSON.stringify(text)} is named with its place`, async t => {
    const { fault } = parseNginx(text, 'nginx.conf')

    t.match(fault, { file: 'nginx.conf', line, column, message })
  })
}

test('any text is read to its end or to a fault, and every place lies inside it', async () => {
  assert(property(oneof(QUIRKY, string({ maxLength: 200 })), text => {
    const lines = text.split('\n')
    const { tokens, fault } = tokenize(text, 'nginx.conf')

    for (const token of tokens) {
      const char = lines[token.line - 1]?.[token.column - 1] ?? ''
      const starts = token.kind === 'word' ? /^[^\s;{}#]$/.test(char) || /^[\u00a0-\uffff\v\f]$/.test(char) : char === token.kind
      if (!starts) return false
    }
    const { line, column } = fault ?? parseNginx(text, 'nginx.conf').fault ?? { line: 1, column: 1 }
    return line >= 1 && line <= lines.length && column >= 1 && column <= (lines[line - 1]?.length ?? 0) + 1
  }), { numRuns: 2000 })
})

test('a long text takes no longer than its length is worth', async t => {
  const text = `${'{"'.repeat(100_000)}${'a b{ '.repeat(100_000)}${'}'.repeat(100_000)}`

  const { fault } = parseNginx(text, 'nginx.conf')

  t.not(fault, null)
  t.match(parseNginx('a {'.repeat(100_000), 'nginx.conf').fault, { message: /nested more than/ })
})

const WORDS = [
  'abc', '"abc"', "'abc'", '""', '"a b"', "'a;b'", '"a{b}"', 'a#b', 'a"b', "a'b", 'ab}', 'a}b', '\\;', '\\{x', '\\ x', 'a\\ b', '\\#',
  '"a\\"b"', "'a\\'b'", '"a\\tb"', 'a\\tb', 'a\\qb', '"a\\nb"', 'a\\\\b', '"\\\\"', '"a\\d{2}"', '\\d', '${a}', '${a}b', 'x${a}', '$a', '$$', '"$"',
  '"${a"', '${', '$\\{', '${{a}', '$a}', '"a\nb"', "'\t'", 'é', '"é;"', '<endpoint>', '~^/api/[1-9]\\d*/', '"~^/a{2}$"', '(a)', 'a)', "'#'", '"a"', '\\"a"', 'a\\\nb'
]

test('a word has the value it has for nginx', async t => {
  const check = nginxCheck(t)
  for (const word of WORDS) {
    const text = `events {\n  use ${word};\n}\n`

    const nginx = check(text)
    const { directives, fault } = parseNginx(text, 'nginx.conf')

    const value = /^invalid event type "([^]*)"$/.exec(nginx.message)?.[1]
    t.equal(fault === null ? directives[0]?.block?.[0]?.args.join('|') : undefined, value, `${JSON.stringify(word)}: ${nginx.message}`)
  }
})

const SNIPPETS = [
  'a b;', 'a b', 'a b }', 'a b; }', 'a "b";', 'a "b"c;', 'a "b")c;', "a 'b'{", 'a b {', '"a" b;', "'a'b;", ';', ' ;', '{', '}', 'a b;;', 'a b; ; c d;',
  '# x', '# x { "\na b;', 'a # c;\n b;', 'a b#c;', 'a b;#c', 'a b;}', 'a "', "a '", 'a "b', "a 'b\";", 'a b\\', 'a b\\;', 'a b\\;;', 'a ${b};', 'a ${b;', 'a $ {b;', 'a "${b};',
  'a b$;', 'a b${;', 'a {b;', 'a b{c;', 'a\tb\r\n;', 'a\nb\nc\n;', '\\a b;', 'a "b" "c";', 'a "b""c";', 'a b"c";', 'a "";', '"" b;', 'a b;\\', 'a \\', 'a "b\\";', 'a "b\\\\";'
]

test('nginx and the router refuse the same syntax', async t => {
  const check = nginxCheck(t)
  const both = (snippet: string): { ours: boolean, nginx: boolean, message: string } => {
    const text = `events { }\nhttp { types { ${snippet}\n} }\n`
    const nginx = check(text)
    const { directives, fault } = parseNginx(text, 'nginx.conf')
    const types = directives[1]?.block?.[0]?.block ?? []
    // types takes no block inside it; that much is not syntax to the parser.
    return { ours: fault === null && types.every(({ block }) => block === null), nginx: nginx.accepted, message: nginx.message }
  }

  for (const snippet of SNIPPETS) {
    const { ours, nginx, message } = both(snippet)
    t.equal(ours, nginx, `${JSON.stringify(snippet)}: ${message}`)
  }
  assert(property(QUIRKY, snippet => {
    const { ours, nginx } = both(`a ${snippet}`)
    return ours === nginx
  }), { numRuns: 60 })
})
