/** What the fuzzers of test/fuzz found, each under the name of what was wrong. */
import type { SmugglingCase } from './corpus-parts.ts'

export const FUZZ_FINDINGS: readonly SmugglingCase[] = []
