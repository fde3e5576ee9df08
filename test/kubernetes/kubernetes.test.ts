/** The kustomize base: what its files say, that they agree, and (where the tools are) that Kubernetes takes them. */
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { loadConfigFile } from '../../src/config/config-file.ts'
import { VERSION } from '../../src/version.ts'
import { kustomization, manifests, pathInBase, specOf } from './manifests.ts'
import type { Container, Manifest } from './manifests.ts'

const LABELS = { 'app.kubernetes.io/name': 'mirror-router' }

/** Longest time that requests in flight are waited for after SIGTERM. */
const DRAIN_SECONDS = 30

const set = specOf('StatefulSet')
const pod = set.template.spec
const container = pod.containers[0] as Container

test('the base lists every file of its folder', async t => {
  const { resources, configMapGenerator } = kustomization()
  const listed = ['kustomization.yaml', ...resources, ...configMapGenerator.flatMap(({ files }) => files)]

  t.strictSame(listed.toSorted(), readdirSync(pathInBase()).toSorted())
})

test('everything that selects pods selects the routers, and nothing else', async t => {
  t.strictSame(set.template.metadata.labels, LABELS)
  t.strictSame(set.selector.matchLabels, LABELS)
  t.strictSame(specOf('Service').selector, LABELS)
  t.strictSame(specOf('Service', 'mirror-router-pods').selector, LABELS)
  t.strictSame(specOf('PodDisruptionBudget').selector, { matchLabels: LABELS }, 'an empty selector would be every pod of the namespace')
  t.strictSame(specOf('PodMonitor').selector, { matchLabels: LABELS })
})

test('several routers run, none waiting for another, each with a spool of its own', async t => {
  t.ok(set.replicas >= 2)
  t.equal(set.podManagementPolicy, 'Parallel')
  t.strictSame(set.volumeClaimTemplates.map(({ metadata }) => metadata.name), ['spool'])
  t.match(container.volumeMounts.find(({ name }) => name === 'spool'), { mountPath: '/var/lib/mirror-router' })
})

test('the volume has room for all that the spool may take', async t => {
  const { config } = await loadConfigFile(pathInBase('router.yaml'), {})
  const [, gibibytes] = /^(\d+)Gi$/.exec(set.volumeClaimTemplates[0]?.spec.resources.requests.storage ?? '') ?? []

  const { maxBytes, deadLetters } = config?.spool ?? { maxBytes: Infinity, deadLetters: { maxBytes: Infinity } }

  t.ok(maxBytes + deadLetters.maxBytes < Number(gibibytes) * 2 ** 30)
})

test('the router runs without rights and writes to its volumes only', async t => {
  t.match(pod.securityContext, { runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: { type: 'RuntimeDefault' } })
  t.strictSame(container.securityContext, { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } })
  t.ok(container.ports.every(({ containerPort }) => containerPort >= 1024), 'no port needs a right')
})

test('the pods have no token for the Kubernetes API', async t => {
  const account = manifests().find(({ kind }) => kind === 'ServiceAccount')

  t.equal(account?.automountServiceAccountToken, false)
  t.equal(pod.serviceAccountName, account?.metadata.name)
  t.equal(pod.automountServiceAccountToken, false)
})

test('a pod that leaves has the time to finish what it has', async t => {
  const [command, seconds] = container.lifecycle.preStop.exec.command

  t.equal(command, 'sleep')
  t.ok(pod.terminationGracePeriodSeconds > DRAIN_SECONDS + Number(seconds))
})

test('probes, Services and Prometheus name ports that the container has', async t => {
  const { config } = await loadConfigFile(pathInBase('router.yaml'), {})
  const ports = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]))

  t.strictSame(ports, { http: config?.listeners[0]?.port, 'http-rum': config?.listeners[1]?.port, admin: config?.admin.port })
  t.strictSame(container.startupProbe.httpGet, { path: '/healthz', port: 'admin' })
  t.strictSame(container.livenessProbe.httpGet, { path: '/healthz', port: 'admin' })
  t.strictSame(container.readinessProbe.httpGet, { path: '/readyz', port: 'admin' })
  t.match(specOf('PodMonitor').podMetricsEndpoints, [{ port: 'admin', path: '/metrics' }])
  t.strictSame(specOf('Service').ports.map(({ port, targetPort }) => [port, targetPort]), [[80, 'http'], [81, 'http-rum']])
  t.strictSame(specOf('Service', set.serviceName).ports.map(({ port, targetPort }) => [port, targetPort]), [[9145, 'admin']])
  t.equal(specOf('Service', set.serviceName).clusterIP, 'None')
})

test('the route map is mounted as a folder under one name, so that a new one reaches the running router', async t => {
  const [generator] = kustomization().configMapGenerator
  const volume = pod.volumes.find(({ configMap }) => configMap !== undefined)
  const mount = container.volumeMounts.find(({ name }) => name === volume?.name)

  t.strictSame(generator, { name: 'mirror-router', files: ['router.yaml'], options: { disableNameSuffixHash: true } })
  t.equal(volume?.configMap?.name, generator?.name)
  t.strictSame(mount, { name: volume?.name, mountPath: '/etc/mirror-router', readOnly: true })
})

test('the route map of the base is valid, and reachable for probes', async t => {
  const { config, faults } = await loadConfigFile(pathInBase('router.yaml'), {})

  t.equal(faults, undefined)
  t.equal(config?.admin.host, '::')
  t.equal(config?.mirror, null, 'nothing is copied until an endpoint is named')
})

test('the image is the one of this version', async t => {
  t.strictSame(kustomization().images, [{ name: container.image, newTag: VERSION }])
})

const kustomize = kustomizeCommand()

test('kustomize builds the base into what its files say', { skip: kustomize === null ? 'neither kustomize nor kubectl is in PATH' : false }, async t => {
  const [program = '', ...args] = kustomize ?? []

  const { status, stdout, stderr } = spawnSync(program, [...args, pathInBase()], { encoding: 'utf8' })

  t.equal(status, 0, stderr)
  const built = parseAllDocuments(stdout).map(document => document.toJS() as Manifest & { data?: Record<string, string> })
  t.strictSame(namesOf(built), [...namesOf(manifests()), 'ConfigMap mirror-router'].toSorted())
  const map = built.find(({ kind }) => kind === 'ConfigMap')
  t.equal(map?.data?.['router.yaml'], readFileSync(pathInBase('router.yaml'), 'utf8'))
  t.match(built.find(({ kind }) => kind === 'StatefulSet'), { spec: { template: { spec: { containers: [{ image: `mirror-router:${VERSION}` }] } } } })
})

for (const manifest of manifests()) {
  const model = await modelOf(manifest)

  test(`the ${manifest.kind} ${manifest.metadata.name} has the types that its schema asks for`, { skip: model === null ? 'the packages kubernetes-models and @kubernetes-models/prometheus-operator are not installed' : false }, async t => {
    t.doesNotThrow(() => { model?.validate() })
  })
}

/** The manifest as an object of kubernetes-models, which checks it against Kubernetes' own schema; `null` without that package. */
async function modelOf (manifest: Manifest): Promise<{ validate (): void } | null> {
  const { apiVersion, kind } = manifest
  const packageName = apiVersion.startsWith('monitoring.') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models'
  try {
    const models = await import(`${packageName}/${apiVersion}/${kind}`) as Readonly<Record<string, new (manifest: Manifest) => { validate (): void }>>
    const Model = models[kind]
    return Model === undefined ? null : new Model(manifest)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  }
}

function namesOf (list: readonly Manifest[]): readonly string[] {
  return list.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()
}

function kustomizeCommand (): readonly string[] | null {
  const candidates = [['kustomize', 'build'], ['kubectl', 'kustomize']]
  return candidates.find(([program = '', ...args]) => spawnSync(program, [...args, '--help']).status === 0) ?? null
}
