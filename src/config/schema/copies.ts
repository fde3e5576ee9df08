/** Options of the second leg: what is copied, where copies go, and where they wait. */
import { endpointUrl, hostHeader } from './addresses.ts'
import { endpointName, filePath, headerName, mappedPath, method, projectId } from './http.ts'
import { choice, duration, integer, or, size } from './scalars.ts'
import { list, listOr, map, section } from './types.ts'

const YEAR_MS = 365 * 86_400_000

const retry = section({
  initial: {
    description: 'Longest wait before the second attempt; the limit doubles with each further failure. The wait itself is random between 0 and the limit, so that copies do not come back all at once.',
    type: duration(),
    default: '1s'
  },
  max: {
    description: 'Where the doubling stops. A `Retry-After` of the endpoint may be longer, and is obeyed.',
    type: duration(),
    default: '5m'
  },
  max_age: {
    description: 'Age at which a copy that was not delivered is given up: it becomes a dead letter with reason `expired`, which can be replayed.',
    type: duration({ max: YEAR_MS }),
    default: '24h'
  }
}, {
  check: ({ initial, max }, report) => {
    if (initial > max) report('initial', 'is longer than max; write a shorter time')
  }
})

export const mirror = section({
  endpoint: {
    description: 'Origin that copies are sent to. With `https://` its certificate is verified. With `off` nothing is copied, as if the section were not there.',
    type: or('off', null, endpointUrl),
    required: true
  },
  default: {
    description: 'Path for projects that are not listed under `projects`. With `off` their requests are forwarded and not copied (skipped with reason `off`). A secret: it is never logged.',
    type: or('off', null, mappedPath),
    default: 'off'
  },
  projects: {
    description: 'Path by project id; the endpoint gets it with the request target appended. `off` keeps a project from being copied. Every spelling of `/api/<id>/…` counts for its project.',
    type: map('<project>', projectId, or('off', null, mappedPath)),
    default: {}
  },
  endpoints: {
    description: 'Which endpoints of Sentry are copied: the part after the project in `/api/<id>/<endpoint>/`. Others are forwarded and skipped with reason `endpoint`. RUM takes envelopes only. `all` copies everything on a route with `mirror: true`.',
    type: listOr('all', endpointName, 1),
    default: ['envelope']
  },
  methods: {
    description: 'Which methods are copied. Others are forwarded and skipped with reason `method`. `all` copies GET, HEAD and OPTIONS too, as the nginx mirror does.',
    type: listOr('all', method, 1),
    default: ['POST', 'PUT']
  },
  host: {
    description: '`Host` sent to the endpoint.',
    type: hostHeader,
    otherwise: 'the endpoint\'s own name'
  },
  drop_headers: {
    description: 'Request headers that are never sent to the endpoint; the upstream gets them. The endpoint is a third party: cookies of Sentry\'s users are no business of its.',
    type: list(headerName),
    default: ['Cookie']
  },
  ca: {
    description: 'PEM file with the certificate authorities that an `https://` endpoint is verified against, in place of the system\'s. Relative paths start at the folder of this file. Read when the file is loaded.',
    type: filePath,
    otherwise: 'the system\'s authorities'
  },
  connect_timeout: {
    description: 'Longest wait for a connection to the endpoint, TLS included. The attempt then failed and is repeated after `retry`.',
    type: duration(),
    default: '5s'
  },
  send_timeout: {
    description: 'Longest silence while a copy is written to the endpoint. The attempt then failed and is repeated after `retry`.',
    type: duration(),
    default: '5s'
  },
  read_timeout: {
    description: 'Longest silence while the endpoint\'s answer is read. The attempt then failed and is repeated after `retry`, so the endpoint may get such a copy twice, with the same `X-Request-Id`.',
    type: duration(),
    default: '5s'
  },
  concurrency: {
    description: 'Requests in flight to the endpoint, per process. More drain a backlog faster and load the endpoint more; copies above it wait in the spool.',
    type: integer(1, 4096),
    default: 64
  },
  retry: {
    description: 'When a failed attempt is repeated: after no connection, a reset, a timeout, 403, 408, 425, 429 and 5xx. Any other 3xx or 4xx is final, and makes a dead letter.',
    type: retry,
    default: {}
  }
}, { off: true })

const deadLetters = section({
  max_bytes: {
    description: 'Space that dead letters may take, beside `spool.max_bytes`. Above it the oldest go, counted by `mirror_dead_letters_purged_total`.',
    type: size({ min: 1024 ** 2 }),
    default: '256MiB'
  },
  max_age: {
    description: 'How long a dead letter is kept to be looked at and replayed.',
    type: duration({ min: 1000, max: 3650 * 86_400_000 }),
    default: '30d'
  }
})

export const spool = section({
  path: {
    description: 'Folder of the copies that wait, and of large request bodies. It must outlive the process: in a container, a volume. Without it a restart loses the backlog. Relative paths start at the folder of this file.',
    type: filePath,
    default: '/var/lib/mirror-router'
  },
  max_bytes: {
    description: 'Space that copies may take on disk. At the limit `when_full` decides; clients are answered as ever.',
    type: size({ min: 1024 ** 2 }),
    default: '2GiB'
  },
  when_full: {
    description: 'Which copy gives way at `max_bytes`: the oldest that wait, or the one just taken. It is counted as dropped with reason `spool_full`.',
    type: choice('drop_oldest', 'drop_newest'),
    default: 'drop_oldest'
  },
  commit_timeout: {
    description: 'Longest time an answer is held back until its copy is durable. A slower copy is still kept, and counted by `mirror_late_commits_total`. With 0s no answer ever waits.',
    type: duration({ min: 0, max: 60_000 }),
    default: '50ms'
  },
  fsync: {
    description: 'When a copy counts as durable. `background`: once it is committed; it survives the end of the process at any moment, and the disk has it soon after, so that a power cut may cost the last moments. `always`: once the disk has it, which an answer then waits for, up to `commit_timeout`.',
    type: choice('background', 'always'),
    default: 'background'
  },
  dead_letters: {
    description: 'Copies that were given up, and are kept to be looked at and replayed.',
    type: deadLetters,
    default: {}
  }
})
