/**
 * The cases in which the router answers differently from nginx on purpose, and
 * why. docs/parity.md has the same list; the test fails when a case listed here
 * passes, or when the two lists differ.
 */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  'jssdk-im': 'After a 412 nginx closes the connection although its answer says keep-alive; the router says that it closes.'
}
