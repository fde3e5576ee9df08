/** Scalars that are words of HTTP or of nginx: methods, header fields, paths, locations. */
import { parseLocation } from '../../routing/location.ts'
import { text } from './scalars.ts'
import type { ScalarType } from './types.ts'

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"

export const method = text({
  name: 'method',
  expects: 'a method in upper case such as POST',
  pattern: '^[A-Z][A-Z_-]*$',
  hint: written => /^[A-Za-z]+$/.test(written) ? `write ${written.toUpperCase()}` : null
})

/** Lower case in the configuration. */
export const headerName = text({
  name: 'header name',
  expects: 'the name of a header field such as Cookie',
  pattern: `^${TOKEN}$`,
  lowerCase: true,
  hint: written => written.endsWith(':') ? 'remove the colon' : null
})

/** A header name that is sent as it is written. */
export const sentHeaderName = text({ name: 'header name', expects: 'the name of a header field such as Access-Control-Allow-Origin', pattern: `^${TOKEN}$` })

const anyHeaderValue = text({
  name: 'header value',
  expects: 'the value of a header field: visible ASCII characters and spaces',
  pattern: '^[!-~](?:[ -~]*[!-~])?$'
})

/** May be written as a number: `Access-Control-Max-Age: 600`. */
export const headerValue: ScalarType<string> = { ...anyHeaderValue, json: [...anyHeaderValue.json, { type: 'number' }, { type: 'boolean' }] }

/** Path the endpoint knows a project by. Whoever has it can write to the service. */
export const mappedPath = text({
  name: 'path',
  expects: 'a path such as /rum/sentry/workspace/service, without spaces, ? and #',
  pattern: '^/[!-"$->@-~]*$',
  secret: true
})

export const projectId = text({
  name: 'project id',
  expects: 'a project id such as 1',
  pattern: '^[1-9][0-9]{0,63}$',
  hint: written => written === 'default' ? 'default: stands beside projects:, not in it' : null
})

/** The last part of `/api/<project>/<endpoint>/`. */
export const endpointName = text({
  name: 'endpoint name',
  expects: 'an endpoint of Sentry such as envelope or store',
  pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*$',
  hint: written => written.includes('/') ? 'write the name alone, without slashes' : null
})

/** Path a location's prefix is replaced by. */
export const rewritePath = text({
  name: 'path',
  expects: 'a path such as /_static/dist/sentry/, without spaces, ? and #',
  pattern: '^/[!-"$->@-~]*$'
})

export const fileExtension = text({
  name: 'extension',
  expects: 'a file extension without its dot, such as js',
  pattern: '^[A-Za-z0-9][A-Za-z0-9_+-]*$',
  lowerCase: true,
  hint: written => /^\.[A-Za-z0-9_+-]+$/.test(written) ? `write ${written.slice(1)}` : null
})

export const contentType = text({
  name: 'content type',
  expects: 'a content type such as application/javascript',
  pattern: `^${TOKEN}/${TOKEN}(?: *; *[ -~]*[!-~])?$`
})

/** A path of this machine. What it is relative to is the reader's to say. */
export const filePath = text({
  name: 'path of a file or folder',
  expects: 'the path of a file or folder',
  pattern: '^[^\\u0000-\\u001f]+$'
})

/**
 * A location as nginx writes it: `/a/`, `= /a`, `^~ /a/`, `~ regex`, `~* regex`. The
 * value has exactly one space after the modifier, so that two spellings of one
 * location are equal.
 */
export const location: ScalarType<string> = {
  kind: 'scalar',
  name: 'location',
  expects: 'a location such as /path/, = /path, ^~ /path/, ~ regex or ~* regex',
  json: [{ type: 'string', pattern: '^(?:(?:= *|\\^~ *)?/|~\\*? *[^ *])' }],
  read: ({ text }) => {
    const { modifier, rest } = splitLocation(text)
    // eslint-disable-next-line no-control-regex -- Control bytes are what is looked for.
    if (/[\u0000-\u001f\u007f]/.test(text)) return { hint: 'remove the control characters' }
    if (modifier === '~' || modifier === '~*') {
      const problem = rest === '' ? 'the regular expression is missing' : regexProblem(`${modifier} ${rest}`)
      return problem === null ? { value: `${modifier} ${rest}` } : { hint: problem }
    }
    if (rest.startsWith('@')) return { hint: 'named locations are not supported' }
    if (!rest.startsWith('/')) return { hint: 'a path starts with /' }
    if (rest.includes('?')) return { hint: 'a location is matched against the path alone; remove ? and what follows' }
    return { value: modifier === '' ? rest : `${modifier} ${rest}` }
  }
}

/** @returns The modifier (`''`, `=`, `^~`, `~`, `~*`) and what follows it. */
export function splitLocation (location: string): { modifier: string, rest: string } {
  const match = /^\s*(=|\^~|~\*|~)?\s*(.*?)\s*$/s.exec(location)
  return { modifier: match?.[1] ?? '', rest: match?.[2] ?? '' }
}

/** Asks the routing itself, so that a file that passes can be served. */
function regexProblem (location: string): string | null {
  try {
    parseLocation(location)
    return null
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^Invalid regular expression: .*: /s, '') : String(error)
    return `the regular expression is not right: ${reason}`
  }
}
