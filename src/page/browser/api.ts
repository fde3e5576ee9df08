/** Asking the router, with the admin token when it wants one. */

const TOKEN_KEY = 'mirror-router admin token'

export class ApiError extends Error {
  override readonly name = 'ApiError'
}

/**
 * @param body - With one, it is a POST of JSON.
 * @throws {ApiError} With a sentence to show; when the answer is not 2xx, or a token is wanted and not given.
 */
export async function ask <Answer> (path: string, askForToken: (fault: string | null) => Promise<string | null>, body?: object): Promise<Answer> {
  let response = await send(path, body)
  while (response.status === 401) {
    const fault = sessionStorage.getItem(TOKEN_KEY) === null ? null : 'That was not the token of this router.'
    sessionStorage.removeItem(TOKEN_KEY)
    const token = await askForToken(fault)
    if (token === null) throw new ApiError('The router wants its admin token.')
    sessionStorage.setItem(TOKEN_KEY, token)
    response = await send(path, body)
  }
  const answer: unknown = await response.json().catch(() => null)
  if (response.ok) return answer as Answer
  const message = typeof answer === 'object' && answer !== null && 'message' in answer ? String(answer.message) : `The router answered ${response.status}.`
  throw new ApiError(message)
}

async function send (path: string, body: object | undefined): Promise<Response> {
  const token = sessionStorage.getItem(TOKEN_KEY)
  const headers = {
    ...token !== null && { authorization: `Bearer ${token}` },
    ...body !== undefined && { 'content-type': 'application/json' }
  }
  try {
    return await fetch(path, body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) })
  } catch (cause) {
    throw new ApiError('The router cannot be reached.', { cause })
  }
}
