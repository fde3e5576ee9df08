/** A V8 CPU profile as a flame graph: width is time, a box's children lie on it. */

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string, readonly url: string, readonly lineNumber: number }
  readonly children?: readonly number[]
}

interface Box {
  readonly label: string
  readonly place: string
  self: number
  total: number
  readonly children: Map<string, Box>
}

const WIDTH = 1600
const ROW = 17
const FONT = 11
const LEAST_SHARE = 0.001
const IDLE = ['(idle)', '(program)']

/** Functions by their own time, largest first, as a share of the time that was busy. */
export function hottest (profile: CpuProfile, count: number): { readonly name: string, readonly share: number }[] {
  const self = new Map<string, number>()
  const { times, busy } = timesOf(profile)
  for (const node of profile.nodes) {
    if (IDLE.includes(node.callFrame.functionName)) continue
    const name = `${labelOf(node)} ${placeOf(node)}`
    self.set(name, (self.get(name) ?? 0) + (times.get(node.id) ?? 0))
  }
  return [...self].map(([name, time]) => ({ name, share: time / busy })).toSorted((a, b) => b.share - a.share).slice(0, count)
}

/** @returns SVG. */
export function flameGraph (profile: CpuProfile, title: string): string {
  const { times } = timesOf(profile)
  const nodes = new Map(profile.nodes.map(node => [node.id, node]))
  const root: Box = { label: title, place: '', self: 0, total: 0, children: new Map() }
  const add = (node: ProfileNode, into: Box): number => {
    if (IDLE.includes(node.callFrame.functionName)) return 0
    const key = `${labelOf(node)} ${placeOf(node)}`
    const box = into.children.get(key) ?? { label: labelOf(node), place: placeOf(node), self: 0, total: 0, children: new Map<string, Box>() }
    into.children.set(key, box)
    const own = times.get(node.id) ?? 0
    let total = own
    for (const child of node.children ?? []) {
      const childNode = nodes.get(child)
      if (childNode !== undefined) total += add(childNode, box)
    }
    box.self += own
    box.total += total
    return total
  }
  const top = profile.nodes[0]
  for (const child of top?.children ?? []) {
    const node = nodes.get(child)
    if (node !== undefined) root.total += add(node, root)
  }

  const boxes: string[] = []
  let depth = 0
  const draw = (box: Box, x: number, level: number): void => {
    const width = box.total / root.total * WIDTH
    if (box.total / root.total < LEAST_SHARE) return
    depth = Math.max(depth, level)
    boxes.push(rectangle(box, x, level, width, box.total / root.total))
    let at = x
    for (const child of [...box.children.values()].toSorted((a, b) => b.total - a.total)) {
      draw(child, at, level + 1)
      at += child.total / root.total * WIDTH
    }
  }
  draw(root, 0, 0)
  const height = (depth + 1) * ROW
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="${FONT}">
<style>rect{stroke:#fff;stroke-width:.5}text{pointer-events:none}</style>
${boxes.join('\n').replaceAll(/y="(\d+)"/g, (_, y: string) => `y="${height - ROW - Number(y)}"`)}
</svg>
`
}

function rectangle ({ label, place }: Box, x: number, level: number, width: number, share: number): string {
  const room = Math.floor(width / (FONT * 0.6)) - 1
  const text = room < 3 ? '' : `<text transform="translate(3 12)" x="${x.toFixed(1)}" y="${level * ROW}">${escape(label.slice(0, room))}</text>`
  return `<g><title>${escape(`${label} ${place}`)}: ${(share * 100).toFixed(1)} %</title><rect x="${x.toFixed(1)}" y="${level * ROW}" width="${width.toFixed(1)}" height="${ROW}" fill="${colourOf(place)}"/>${text}</g>`
}

/** Ours, Node's, libraries', and the machine's. */
function colourOf (place: string): string {
  if (place.startsWith('src/')) return '#f4a259'
  if (place.startsWith('node:')) return '#8cb369'
  return place === '' ? '#bcb8b1' : '#5b8e7d'
}

function timesOf ({ nodes, samples, timeDeltas }: CpuProfile): { times: Map<number, number>, busy: number } {
  const times = new Map<number, number>()
  samples.forEach((id, index) => { times.set(id, (times.get(id) ?? 0) + (timeDeltas[index] ?? 0)) })
  let busy = 0
  for (const node of nodes) if (!IDLE.includes(node.callFrame.functionName)) busy += times.get(node.id) ?? 0
  return { times, busy }
}

function labelOf ({ callFrame: { functionName } }: ProfileNode): string {
  return functionName === '' ? '(anonymous)' : functionName
}

function placeOf ({ callFrame: { url, lineNumber } }: ProfileNode): string {
  const path = url.replace(/^.*\/(?=src\/|node_modules\/)/, '')
  return path === '' ? '' : `${path}:${lineNumber + 1}`
}

function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
