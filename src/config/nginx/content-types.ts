/** `types` and `default_type`: what a static location says differently from nginx's own table. */
import { NGINX_MIME_TYPES } from '../mime-types.ts'
import { contentType, fileExtension } from '../schema/http.ts'
import type { Account } from './account.ts'
import { checkValue } from './check-value.ts'
import { effective, type Scope } from './scope.ts'

const UNKNOWN = 'application/octet-stream'

// What nginx knows without any types block (ngx_http_core_default_types).
const BUILT_IN: ReadonlyMap<string, string> = new Map([['html', 'text/html'], ['gif', 'image/gif'], ['jpg', 'image/jpeg']])

/** Content types by extension where they differ from NGINX_MIME_TYPES, by extension. */
export function mapContentTypes (scope: Scope, account: Account): Record<string, string> {
  readDefaultType(scope, account)
  const blocks = effective(scope, 'types')
  const types = new Map<string, string>(blocks.length === 0 ? BUILT_IN : [])
  for (const entry of blocks.flatMap(block => block.block ?? [])) {
    if (entry.name === 'include') continue
    account.mapped(entry, 'routes[].types')
    if (entry.args.length === 0 || entry.block !== null) account.fault(entry, 'a line of types is a content type and its extensions; write both, and ";" after them')
    checkValue(entry, contentType, entry.name, account)
    for (const extension of entry.args) {
      checkValue(entry, fileExtension, extension, account)
      types.set(extension.toLowerCase(), entry.name)
    }
  }
  for (const block of blocks) account.mapped(block, 'routes[].types')

  const extensions = [...new Set([...NGINX_MIME_TYPES.keys(), ...types.keys()])].sort()
  return Object.fromEntries(extensions
    .map(extension => [extension, types.get(extension) ?? UNKNOWN] as const)
    .filter(([extension, type]) => type !== (NGINX_MIME_TYPES.get(extension) ?? UNKNOWN)))
}

function readDefaultType (scope: Scope, account: Account): void {
  const [directive] = effective(scope, 'default_type')
  if (directive === undefined) {
    account.note(`There is no default_type: nginx serves a file of unknown extension as text/plain, the router as ${UNKNOWN}.`)
    return
  }
  account.mapped(directive, 'routes[].types')
  if (directive.args[0] !== UNKNOWN) account.fault(directive, `a file of unknown extension is ${UNKNOWN}; write "default_type ${UNKNOWN}", and name other types in "types { … }"`)
}
