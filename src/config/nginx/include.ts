/** Puts included files in the place of `include` (nginx: ngx_conf_include). */
import { NGINX_MIME_TYPES } from '../mime-types.ts'
import type { Account } from './account.ts'
import { parseNginx, type Directive } from './parser.ts'

export interface IncludedFile {
  readonly path: string
  readonly text: string
}

/**
 * Reads what an `include` names. Relative paths start from the folder of the main file,
 * and `*`, `?` and `[…]` match as in glob(3), in the order of names.
 *
 * @returns nothing when no file is there.
 */
export type ReadInclude = (pattern: string) => readonly IncludedFile[]

/** More than any real configuration; a file included twice at each of 30 levels would never end. */
const MAX_FILES = 500

/**
 * @param file the name of the main file, as `readInclude` would give it.
 * @returns the tree without `include`; files that cannot be read are faults of the account.
 */
export function expandIncludes (directives: readonly Directive[], file: string, readInclude: ReadInclude, account: Account): Directive[] {
  let files = 0

  const expand = (all: readonly Directive[], chain: readonly string[]): Directive[] => all.flatMap(directive => {
    if (directive.block !== null && directive.name !== 'include') return [{ ...directive, block: expand(directive.block, chain) }]
    if (directive.name !== 'include') return [directive]
    return include(directive, chain)
  })

  const include = (directive: Directive, chain: readonly string[]): Directive[] => {
    const [pattern] = directive.args
    if (pattern === undefined || directive.args.length > 1 || directive.block !== null) {
      account.fault(directive, '"include" takes one file name, and ";" after it')
      return [directive]
    }

    const found = readInclude(pattern)
    if (found.length === 0) {
      if (/[*?[]/.test(pattern)) {
        account.none(directive, 'no file matches')
        return [directive]
      }
      if (!pattern.endsWith('mime.types')) {
        account.fault(directive, `"${pattern}" cannot be read; put it where nginx finds it, or take the include out`)
        return [directive]
      }
      account.mapped(directive, 'routes[].types')
      account.note(`${pattern} is not here; the content types of nginx 1.22 are used, which the router knows by heart.`)
      return [directive, defaultTypes(directive)]
    }

    account.mapped(directive, `the directives of ${found.map(({ path }) => path).join(', ')}`)
    return [directive, ...found.flatMap(({ path, text }) => {
      const problem = chain.includes(path)
        ? `"${pattern}" includes itself; take one of the includes out`
        : ++files > MAX_FILES ? `more than ${MAX_FILES} files are included; take some out` : null
      if (problem !== null) {
        account.fault(directive, problem)
        return []
      }
      const parsed = parseNginx(text, path)
      if (parsed.fault !== null) account.syntax(parsed.fault)
      return expand(parsed.directives, [...chain, path])
    })]
  }

  return expand(directives, [file])
}

/** What the missing mime.types would have said. */
function defaultTypes ({ file, line, column }: Directive): Directive {
  const entry = ([extension, type]: readonly [string, string]): Directive =>
    ({ name: type, args: [extension], places: [{ line, column }], block: null, file, line, column })
  return { name: 'types', args: [], places: [], block: [...NGINX_MIME_TYPES].map(entry), file, line, column }
}
