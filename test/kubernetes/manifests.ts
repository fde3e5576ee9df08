/** The kustomize base, read as it is: its files need no kustomize to be valid. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse, parseAllDocuments } from 'yaml'

const BASE = new URL('../../config/kubernetes/', import.meta.url)

/** Absolute path of the base's folder, or of a file in it. */
export function pathInBase (file = ''): string {
  return fileURLToPath(new URL(file, BASE))
}

interface Metadata {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>
}

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Metadata
  readonly automountServiceAccountToken?: boolean
  readonly spec?: unknown
}

interface Kustomization {
  readonly resources: readonly string[]
  readonly configMapGenerator: readonly { readonly name: string, readonly files: readonly string[], readonly options: { readonly disableNameSuffixHash: boolean } }[]
  readonly images: readonly { readonly name: string, readonly newTag: string }[]
}

interface Probe {
  readonly httpGet: { readonly path: string, readonly port: string }
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly ports: readonly { readonly name: string, readonly containerPort: number }[]
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly [string, string] } } }
  readonly volumeMounts: readonly { readonly name: string, readonly mountPath: string, readonly readOnly?: boolean, readonly subPath?: string }[]
}

interface StatefulSetSpec {
  readonly serviceName: string
  readonly replicas: number
  readonly selector: Selector
  readonly podManagementPolicy: string
  readonly template: {
    readonly metadata: Pick<Metadata, 'labels'>
    readonly spec: {
      readonly serviceAccountName: string
      readonly automountServiceAccountToken: boolean
      readonly terminationGracePeriodSeconds: number
      readonly securityContext: Readonly<Record<string, unknown>>
      readonly containers: readonly Container[]
      readonly volumes: readonly { readonly name: string, readonly configMap?: { readonly name: string } }[]
    }
  }
  readonly volumeClaimTemplates: readonly { readonly metadata: Metadata, readonly spec: { readonly resources: { readonly requests: { readonly storage: string } } } }[]
}

interface ServiceSpec {
  readonly clusterIP?: string
  readonly selector: Readonly<Record<string, string>>
  readonly ports: readonly { readonly name: string, readonly port: number, readonly targetPort: string }[]
}

interface SelectingSpec {
  readonly selector: Selector
}

interface PodMonitorSpec extends SelectingSpec {
  readonly podMetricsEndpoints: readonly { readonly port: string, readonly path: string }[]
}

interface Specs {
  readonly StatefulSet: StatefulSetSpec
  readonly Service: ServiceSpec
  readonly PodDisruptionBudget: SelectingSpec
  readonly PodMonitor: PodMonitorSpec
}

export function kustomization (): Kustomization {
  return parse(readFileSync(pathInBase('kustomization.yaml'), 'utf8')) as Kustomization
}

/** Every object of the base's files, in their order. */
export function manifests (): readonly Manifest[] {
  return kustomization().resources.flatMap(file => parseAllDocuments(readFileSync(pathInBase(file), 'utf8')).map(document => document.toJS() as Manifest))
}

/** The `spec` of an object. @throws When there is none of that kind and name. */
export function specOf<K extends keyof Specs> (kind: K, name = 'mirror-router'): Specs[K] {
  const manifest = manifests().find(({ kind: itsKind, metadata }) => itsKind === kind && metadata.name === name)
  if (manifest?.spec === undefined) throw new Error(`there is no ${kind} ${name}`)
  return manifest.spec as Specs[K]
}
