/**
 * The cases in which the router answers differently from nginx on purpose, and
 * why. docs/parity.md prints this list; the test fails when a case listed here
 * passes, or when the two lists differ.
 */
export const EXCEPTIONS: Readonly<Record<string, string>> = {}
