/** The small form that asks for the admin token. */
import { byId, dialogById } from './dom.ts'

/**
 * @param fault - What was wrong with the one before.
 * @returns The token, or `null` when it was not given.
 */
export function askForToken (fault: string | null): Promise<string | null> {
  const dialog = dialogById('token')
  const input = byId('token-input') as HTMLInputElement
  const form = byId('token-form')
  const faultLine = byId('token-fault')
  input.value = ''
  faultLine.hidden = fault === null
  faultLine.textContent = fault
  return new Promise(resolve => {
    const done = new AbortController()
    const settle = (token: string | null): void => {
      done.abort()
      dialog.close()
      input.value = ''
      resolve(token)
    }
    form.addEventListener('submit', event => {
      event.preventDefault()
      settle(input.value)
    }, { signal: done.signal })
    dialog.addEventListener('close', () => { settle(null) }, { signal: done.signal })
    dialog.showModal()
    input.focus()
  })
}
