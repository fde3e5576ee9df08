/** The folder behind `/js-sdk/`: a few files of every kind that the cases ask for. */
import { chmodSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const FILES: Readonly<Record<string, string | Buffer>> = {
  'bundle.js': 'console.log("sentry");\n'.repeat(20),
  '7.0.0/bundle.min.js': '!function(){}();\n',
  '7.0.0/bundle.min.js.map': '{"version":3}',
  'style.css': 'a{}',
  'data.json': '{}',
  'mod.wasm': Buffer.from([0, 97, 115, 109]),
  noext: 'noext',
  'what.xyz': 'xyz',
  'empty.js': '',
  'index/index.html': '<p>idx</p>',
  'UPPER.JS': 'up',
  'page.html': '<p>é</p>',
  'pic.svg': '<svg/>',
  'font.woff2': 'woff',
  'mod.mjs': 'export {}',
  't.txt': 'text',
  'big.js': Buffer.alloc(300_000, 'abcdefghij'),
  'with space.js': 'sp',
  'été.js': 'utf8',
  '.hidden': 'h',
  'a+b.js': 'plus',
  'q?.js': 'qm',
  'hash#.js': 'hs',
  'pct%41.js': 'pct',
  'x.tar.gz': 'gz',
  'bundle.js.gz': 'notserved'
}
const MODIFIED = new Date('2024-01-01T00:00:00Z')

export function makeJsSdkRoot (root: string): void {
  const folder = join(root, 'js-sdk')
  for (const [name, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  mkdirSync(join(folder, 'emptydir'))
  symlinkSync('bundle.js', join(folder, 'link.js'))
  writeFileSync(join(root, 'outside.txt'), 'outside')
  makeReadable(root)
}

/** nginx's workers run as another user; and Last-Modified must be the same in every run. */
function makeReadable (folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isSymbolicLink()) continue
    if (entry.isDirectory()) makeReadable(path)
    else chmodSync(path, 0o644)
    utimesSync(path, MODIFIED, MODIFIED)
  }
}
