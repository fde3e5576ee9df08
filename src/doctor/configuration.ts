/** Does the configuration load, and what in it is probably not meant? Pure. */
import { describe } from '../cli/check.ts'
import type { Config } from '../config/config.ts'
import { formatFault, type Fault } from '../config/fault.ts'
import type { Loaded } from '../config/load.ts'
import { configWarnings } from '../config/warnings.ts'
import { fault, ok, warning, type Finding } from './finding.ts'

const PLACEHOLDER = /placeholder/

/** @param nameOf - What a person would call a file. */
export function judgeConfiguration ({ config, faults }: Loaded, nameOf: (file: string) => string): Finding[] {
  if (faults === undefined) return [ok('configuration', `${nameOf(config.file)}: ${describe(config)}`), ok('placeholders', 'none left'), ...warningsOf(config)]
  const words = (each: Fault): string => formatFault({ ...each, file: nameOf(each.file) })
  const placeholders = faults.filter(({ message }) => PLACEHOLDER.test(message))
  const others = faults.filter(({ message }) => !PLACEHOLDER.test(message))
  return [
    ...others.map(each => fault('configuration', words(each), 'Repair that; mirror-router check says whether it is right then.')),
    ...placeholders.length === 0 ? [ok('placeholders', 'none left')] : placeholders.map(each => fault('placeholders', words(each), 'What stands between < and > in the document is different for everybody: the console of RUM shows yours.'))
  ]
}

/** Clear text has a check of its own. */
function warningsOf (config: Config): Finding[] {
  return configWarnings(config)
    .filter(words => !words.includes('clear text'))
    .map(words => warning('configuration', words, 'It starts as it is; mirror-router explain METHOD URL shows what would be done with a request.'))
}
