/** Chunked bodies that two parsers might end in two places. */
import { ENVELOPE, post, refused, SMUGGLED, taken, type SmugglingCase } from './corpus-parts.ts'

const CODING = ['Transfer-Encoding: chunked']

export const CHUNK_CASES: readonly SmugglingCase[] = [...sizes(), ...extensions(), ...ends(), ...trailers()]

function good (family: string, name: string, body: string, meant = 'abc'): SmugglingCase {
  return taken(family, name, post(CODING, body + SMUGGLED), [['POST', ENVELOPE, meant], ['GET', '/smuggled?§', '']])
}

function bad (family: string, name: string, body: string): SmugglingCase {
  return refused(family, name, post(CODING, body + SMUGGLED))
}

function sizes (): SmugglingCase[] {
  const wrong = [
    '', ' 3', '\t3', '+3', '-3', '-0', '0x3', '0X3', '0_3', '3_', '_3', '0o3', '3h', '3g', 'x', 'Z', 'ZZ', '3,', '"3"', "'3'", '3.0', '3 3', '3 x', '3\tx', '3\x0b', '3\x0c', '3\0', '3\x85', '\xa03', '3\xa0', '3=', '3:', '3#', '3%', '\x003', '0_2e', '1these-bytes-never-get-validated',
    'ffffffffffffffff', 'fffffffffffffffff', '10000000000000003', '100000000000000000000000000000003', '7fffffffffffffff', '8000000000000000', 'ffffffff00000003', '0x', '-1', 'fffffffffffffffe', '100000003', '80000003', '6400001'
  ]
  return [
    ...wrong.map(size => bad('chunk size', JSON.stringify(size), `${size}\r\nabc\r\n0\r\n\r\n`)),
    ...['03', '000000000000000000000000000000003', '3 ', '3\t', '3  \t '].map(size => good('chunk size', `${JSON.stringify(size)} is three`, `${size}\r\nabc\r\n0\r\n\r\n`)),
    good('chunk size', 'in capitals', 'A\r\n0123456789\r\n0\r\n\r\n', '0123456789'),
    good('chunk size', 'many zeros are the last chunk', '3\r\nabc\r\n0000000000000000\r\n\r\n'),
    bad('chunk size', 'smaller than its data', '3\r\nabcd\r\n0\r\n\r\n'),
    bad('chunk size', 'larger than its data', '5\r\nabc\r\n0\r\n\r\n'),
    bad('chunk size', 'an overflow in the second chunk', '3\r\nabc\r\n10000000000000000\r\n\r\n'),
    bad('chunk size', 'more leading zeros than anybody needs', `${'0'.repeat(9000)}3\r\nabc\r\n0\r\n\r\n`),
    bad('chunk size', 'an empty line before the first chunk', '\r\n3\r\nabc\r\n0\r\n\r\n'),
    bad('chunk size', 'an empty line between chunks', '3\r\nabc\r\n\r\n0\r\n\r\n')
  ]
}

function extensions (): SmugglingCase[] {
  const fine = [';', ';a', ';a=b', ';a="b"', '; a = b', ' ;a', '\t;a', ';a;b;c', ';a="b;c"', ';a="\\""', ';x=y;z', `;${'a'.repeat(1000)}`, ';a="0"', ';;', ';=', ';\t', ';GET /smuggled?§ HTTP/1.1', ';\x80']
  const wrong = [
    ';\n', ';a\n', '\n', ';a\nb', ';\nxx', ';a="\n"', ';a="\r"', ';a=b\r\r', '\r;a', ';\r', ';\ra', ';a\rb', ';a=b\r\rXX', ';\0', ';a\0b', ';a="\0"', 'a;b', ' a;b', `;${'a'.repeat(9000)}`, '\r', '\r\r'
  ]
  return [
    ...fine.map(extension => good('chunk extension', `${JSON.stringify(extension.slice(0, 30))} is read over`, `3${extension}\r\nabc\r\n0\r\n\r\n`)),
    ...fine.map(extension => good('chunk extension', `${JSON.stringify(extension.slice(0, 30))} behind the last chunk is read over`, `3\r\nabc\r\n0${extension}\r\n\r\n`)),
    ...wrong.map(extension => bad('chunk extension', JSON.stringify(extension.slice(0, 30)), `3${extension}\r\nabc\r\n0\r\n\r\n`)),
    ...wrong.map(extension => bad('chunk extension', `${JSON.stringify(extension.slice(0, 30))} behind the last chunk`, `3\r\nabc\r\n0${extension}\r\n\r\n`)),
    // A quoted string cannot hold a line end: the line ends in it.
    bad('chunk extension', 'CRLF in a quoted string', '3;a="x\r\n0\r\n\r\n"\r\nabc\r\n0\r\n\r\n'),
    good('chunk extension', 'a quoted string that is open at the end of its line', '3;a="x\r\nabc\r\n0\r\n\r\n'),
    bad('chunk extension', 'TERM.EXT', '2;\nxx\r\n4c\r\n0\r\n\r\n'),
    bad('chunk extension', 'EXT.TERM', '4c;\nxx\r\n0\r\n\r\n'),
    bad('chunk extension', 'CR before the semicolon', '5\r\r;ABCD\r\n34\r\nE\r\n0\r\n\r\n'),
    bad('chunk extension', 'CR CR for the end of the line', `41;a=b\r\r${'X'.repeat(65)}\r\n0\r\n\r\n`),
    bad('chunk extension', 'a little in each of very many chunks', `${`1;${'a'.repeat(500)}\r\nb\r\n`.repeat(30)}0\r\n\r\n`)
  ]
}

function ends (): SmugglingCase[] {
  return [
    bad('chunk end', 'SPILL: two bytes in the place of CRLF', '3\r\nabcXX0\r\n\r\n'),
    bad('chunk end', 'one byte in the place of CRLF', '3\r\nabcX0\r\n\r\n'),
    bad('chunk end', 'TERM.SPILL', '5\r\nAAAAAXX2\r\n45\r\n0\r\n\r\n'),
    bad('chunk end', 'LF behind the data', '3\r\nabc\n0\r\n\r\n'),
    bad('chunk end', 'CR behind the data', '3\r\nabc\r0\r\n\r\n'),
    bad('chunk end', 'nothing behind the data', '3\r\nabc0\r\n\r\n'),
    bad('chunk end', 'CR CR LF behind the data', '3\r\nabc\r\r\n0\r\n\r\n'),
    bad('chunk end', 'LF CR behind the data', '3\r\nabc\n\r0\r\n\r\n'),
    bad('chunk end', 'every line ends in LF', '3\nabc\n0\n\n'),
    bad('chunk end', 'every line ends in CR', '3\rabc\r0\r\r'),
    bad('chunk end', 'LF behind the size', '3\nabc\r\n0\r\n\r\n'),
    bad('chunk end', 'a body that ends in LF', '3\r\nabc\r\n0\r\n\n'),
    bad('chunk end', 'a body that ends in LF CRLF', '3\r\nabc\r\n0\n\r\n'),
    bad('chunk end', 'a body that ends in CR', '3\r\nabc\r\n0\r\n\r'),
    bad('chunk end', 'any two bytes for the last CRLF', '3\r\nabc\r\n0\r\nXX'),
    bad('chunk end', 'the last CRLF is missing', '3\r\nabc\r\n0\r\n'),
    bad('chunk end', 'the last chunk is missing', '3\r\nabc\r\n'),
    taken('chunk end', 'the last chunk never comes', post(CODING, '3\r\nabc\r\n'), [], { incomplete: true }),
    taken('chunk end', 'the last CRLF never comes', post(CODING, '3\r\nabc\r\n0\r\n'), [], { incomplete: true }),
    good('chunk end', 'two bodies, one behind the other', '3\r\nabc\r\n0\r\n\r\n')
  ]
}

function trailers (): SmugglingCase[] {
  const dropped = ['Content-Length: 9', 'Transfer-Encoding: chunked', 'Host: b', 'X-Sentry-Auth: b', 'Authorization: b', 'Content-Type: b', 'Connection: close', 'Expect: 100-continue', 'Trailer: X', 'X_Y: a', 'X:', 'X:POST /smuggled?§ HTTP/1.1', 'Content-Length: -1', 'Content-Length: 1\r\nContent-Length: 2', 'A: b\r\nC: d']
  const wrong = ['X', ': a', ' X: a', '\tX: a', 'X : a', 'X\x01: a', 'X: a\0', 'X: a\nY: b', 'X: a\rY: b', 'X: a\n', 'X\nY: b', 'X: a\r\n b', 'GET /smuggled?§ HTTP/1.1', '\rX: a', 'X\r: a', '\0: a', `X: ${'a'.repeat(9000)}`, '0']
  return [
    ...dropped.map(line => taken('trailers', `${JSON.stringify(line)} goes no further`, post(CODING, `3\r\nabc\r\n0\r\n${line}\r\n\r\n${SMUGGLED}`), [['POST', ENVELOPE, 'abc'], ['GET', '/smuggled?§', '']])),
    ...wrong.map(line => bad('trailers', JSON.stringify(line.slice(0, 30)), `3\r\nabc\r\n0\r\n${line}\r\n\r\n`))
  ]
}
