/**
 * The options as JSON Schema (draft-07), for editors: completion, descriptions while
 * typing, faults underlined. It accepts every file `loadConfig` accepts, but for an
 * option that is named and left empty; what options must be together (a route's
 * upstream exists, no location twice) only `check` can say.
 */
import { router } from './schema.ts'
import type { AnySection, JsonSchema, Option, ScalarType, ValueType } from './schema/types.ts'

/** A scalar with `${VAR}` in it may turn out to be anything. */
const FROM_ENVIRONMENT = String.raw`\$\{`

export function printJsonSchema (): string {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of mirror-router',
    ...sectionSchema(router)
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

function sectionSchema ({ options }: AnySection, given: readonly string[] = []): JsonSchema {
  const required = Object.keys(options).filter(name => options[name]?.required === true && !given.includes(name))
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(options).map(([name, option]) => [name, optionSchema(option)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false
  }
}

function optionSchema (option: Option): JsonSchema {
  return {
    description: option.description,
    ...(option.default !== undefined && { default: option.default }),
    ...typeSchema(option.type)
  }
}

function typeSchema (type: ValueType): JsonSchema {
  switch (type.kind) {
    case 'scalar': return scalarSchema(type)
    case 'section': return anyOf([sectionSchema(type), ...(type.off ? [wordSchema('off')] : [])])
    case 'list': return anyOf([
      { type: 'array', items: typeSchema(type.items), ...(type.minItems > 0 && { minItems: type.minItems }) },
      ...(type.word === null ? [] : [wordSchema(type.word)])
    ])
    case 'map': return {
      type: 'object',
      propertyNames: scalarSchema(type.keys),
      // What an entry inherits from its base need not be written.
      properties: Object.fromEntries(Object.entries(type.base ?? {}).map(([name, base]) => [name, type.values.kind === 'section' ? sectionSchema(type.values, Object.keys(base)) : {}])),
      additionalProperties: typeSchema(type.values)
    }
    default: return type satisfies never
  }
}

function wordSchema (word: string): JsonSchema {
  return { enum: word === 'off' ? ['off', false] : [word] }
}

function scalarSchema ({ json }: ScalarType<unknown>): JsonSchema {
  const [first] = json
  if (json.length === 1 && typeof first?.['pattern'] === 'string') return { ...first, pattern: `${first['pattern']}|${FROM_ENVIRONMENT}` }
  return anyOf([...json, { type: 'string', pattern: FROM_ENVIRONMENT }])
}

function anyOf (schemas: readonly JsonSchema[]): JsonSchema {
  return schemas.length === 1 ? schemas[0] ?? {} : { anyOf: schemas }
}
