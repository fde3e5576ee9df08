/** The content type of a file by its name, as nginx decides it. */
import { NGINX_MIME_TYPES } from '../../config/mime-types.ts'

/**
 * @param path - Normalised.
 * @param types - By extension, lower case, no dot: what differs from nginx's own table.
 */
export function contentType (path: string, types: Readonly<Record<string, string>>): string {
  const extension = extensionOf(path).toLowerCase()
  if (Object.hasOwn(types, extension)) return types[extension] as string
  return NGINX_MIME_TYPES.get(extension) ?? 'application/octet-stream'
}

/** Behind the last dot of the last segment. Up to three dots that the segment starts with do not count. */
function extensionOf (path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/^\.{1,3}/, '')
  const dot = name.lastIndexOf('.')
  return dot === -1 ? '' : name.slice(dot + 1)
}
