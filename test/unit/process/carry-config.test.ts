import { deserialize, serialize } from 'node:v8'
import { test } from 'tap'
import { packConfig, unpackConfig } from '../../../src/process/carry-config.ts'
import { changesBetween, whatCannotChange } from '../../../src/reload/settings.ts'
import { configOf } from '../../helpers/configuration.ts'

for (const mirror of ['mirror: { endpoint: "https://rum.example:8443", default: /rum/a, projects: { 1: /rum/1, 2: off }, endpoints: all }', 'mirror: off']) {
  test(`a configuration is the same at the other end, and as frozen: ${mirror.slice(0, 20)}`, t => {
    const config = configOf(mirror)

    const carried = unpackConfig(deserialize(serialize(packConfig(config))))

    t.strictSame(carried, config)
    t.equal(Object.getPrototypeOf(carried.routes[0]?.types), null)
    t.strictSame([...whatCannotChange(config, carried), ...changesBetween(config, carried)], [])
    t.equal(carried.mirror?.endpoint.href, config.mirror?.endpoint.href)
    t.throws(() => { Object.assign(carried.client, { maxBodyBytes: 1 }) })
    t.end()
  })
}
