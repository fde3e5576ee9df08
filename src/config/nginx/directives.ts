/**
 * Every directive the import knows: where nginx allows it, and what becomes of it.
 *
 * mapped   the import reads it; `to` names our option
 * none     it changes nothing here, `why` says so; `accepts` refuses the values that would
 * refused  carrying it over would lose its meaning; `instead` says what to do
 *
 * A directive in no row and no family is an error, so nothing is lost in silence.
 */
import { parseNginxSize } from './values.ts'

export type Context = 'main' | 'events' | 'http' | 'server' | 'location' | 'upstream' | 'map' | 'types'

export type Fate =
  | { readonly kind: 'mapped', readonly to: string }
  | { readonly kind: 'none', readonly why: string, readonly accepts?: Accepts }
  | { readonly kind: 'refused', readonly instead: string }

/** Says what is wrong with the arguments, or `null`. */
type Accepts = (args: readonly string[]) => string | null

export interface Rule {
  readonly name: string
  readonly where: readonly Context[]
  readonly min: number
  readonly max: number
  readonly block: boolean
  /** May stand more than once in one block. */
  readonly many: boolean
  readonly fate: Fate
}

const MAIN: readonly Context[] = ['main']
const EVENTS: readonly Context[] = ['events']
const HTTP: readonly Context[] = ['http']
const HS: readonly Context[] = ['http', 'server']
const HSL: readonly Context[] = ['http', 'server', 'location']
const UPSTREAM: readonly Context[] = ['upstream']

const MANY = { many: true }
const BLOCK = { block: true, many: true }

function row (names: string, where: readonly Context[], args: readonly [min: number, max: number], fate: Fate, { block = false, many = false }: { readonly block?: boolean, readonly many?: boolean } = {}): Rule[] {
  return names.split(' ').map(name => ({ name, where, min: args[0], max: args[1], block, many, fate }))
}

const mapped = (to: string): Fate => ({ kind: 'mapped', to })
const none = (why: string, accepts?: Accepts): Fate => accepts === undefined ? { kind: 'none', why } : { kind: 'none', why, accepts }
const refused = (instead: string): Fate => ({ kind: 'refused', instead })

/** Only these values (any case) are without effect; `what` says what the router does instead of the others. */
const only = (values: string, what: string): Accepts => args =>
  values.split(' ').includes(args.join(' ').toLowerCase()) ? null : `${what}; only "${values.replaceAll(' ', '" or "')}" can be carried over`

const atMost = (bytes: number, what: string): Accepts => args => {
  const size = parseNginxSize(args.at(-1) ?? '')
  return size !== null && size <= bytes ? null : `${what}; write at most ${bytes / 1024}k`
}

const POOLS = 'the router keeps its own connections to upstreams'
const MEMORY = 'the router has its own memory and file rules for bodies'
const KERNEL = 'a matter of how nginx talks to its kernel'
const PROCESS = 'the router runs as whoever starts it and holds no such file'
const HASHES = 'the router has no tables of fixed size'
const PER_ADDRESS = 'the router limits connections, idle ones too: write client.max_connections_per_address in router.yaml'
const RESOLVES = 'the router looks names up again by itself'

export const RULES: readonly Rule[] = [
  ...row('events', MAIN, [0, 0], mapped('nothing of its own'), { block: true }),
  ...row('http', MAIN, [0, 0], mapped('the whole file'), { block: true }),
  ...row('server', HTTP, [0, 0], mapped('listeners'), BLOCK),
  ...row('location', ['server', 'location'], [1, 2], mapped('routes'), BLOCK),
  ...row('upstream', HTTP, [1, 1], mapped('upstreams'), BLOCK),
  ...row('map', HTTP, [2, 2], mapped('mirror.default and mirror.projects'), BLOCK),
  ...row('types', HSL, [0, 0], mapped('routes[].types'), BLOCK),

  ...row('worker_processes', MAIN, [1, 1], mapped('workers')),
  ...row('error_log', ['main', ...HSL], [1, 2], mapped('log.level'), MANY),
  ...row('user', MAIN, [1, 2], none(PROCESS)),
  ...row('pid lock_file', MAIN, [1, 1], none(PROCESS)),
  ...row('daemon master_process pcre_jit', MAIN, [1, 1], none('a matter of how nginx runs')),
  ...row('worker_rlimit_nofile worker_rlimit_core worker_priority worker_shutdown_timeout working_directory timer_resolution', MAIN, [1, 1], none('set limits where the router is started')),
  ...row('worker_cpu_affinity thread_pool', MAIN, [1, 65], none('the system places the processes'), MANY),
  ...row('load_module env', MAIN, [1, 1], none('the directives that need it are judged by themselves'), MANY),
  ...row('worker_connections', EVENTS, [1, 1], none('the router counts connections of clients alone; client.max_connections limits them')),
  ...row('worker_aio_requests', EVENTS, [1, 1], none('the router has no such queue')),
  ...row('use multi_accept accept_mutex accept_mutex_delay', EVENTS, [1, 1], none(KERNEL)),
  ...row('debug_connection', EVENTS, [1, 1], none('log.level holds for every client'), MANY),

  ...row('listen', ['server'], [1, 20], mapped('listeners'), MANY),
  ...row('server_name', ['server'], [1, 500], none('a listener answers to every name'), MANY),
  ...row('client_max_body_size', HSL, [1, 1], mapped('client.max_body')),
  ...row('client_header_timeout', HS, [1, 1], mapped('client.header_timeout')),
  ...row('client_body_timeout', HSL, [1, 1], mapped('client.body_timeout')),
  ...row('send_timeout', HSL, [1, 1], mapped('client.send_timeout')),
  ...row('keepalive_timeout', HSL, [1, 2], mapped('client.keepalive_timeout')),
  ...row('set_real_ip_from', HSL, [1, 1], mapped('real_ip.trusted'), MANY),
  ...row('real_ip_header', HSL, [1, 1], mapped('real_ip.header')),
  ...row('real_ip_recursive', HSL, [1, 1], mapped('real_ip.recursive')),
  ...row('log_format', HTTP, [2, 100], mapped('log.access'), MANY),
  ...row('access_log', HSL, [1, 20], mapped('log.access'), MANY),
  ...row('default_type', HSL, [1, 1], mapped('routes[].types')),
  ...row('root', HSL, [1, 1], mapped('routes[].root')),
  ...row('disable_symlinks', HSL, [1, 2], mapped('routes[].symlinks')),
  ...row('add_header', HSL, [2, 3], mapped('routes[].add_headers'), MANY),
  ...row('internal', ['location'], [0, 0], mapped('routes[].internal')),
  ...row('mirror', HSL, [1, 1], mapped('routes[].mirror'), MANY),
  ...row('mirror_request_body', HSL, [1, 1], none('every copy has the whole body', only('on', 'a copy always has the whole body'))),

  ...row('proxy_pass', ['location'], [1, 1], mapped('routes[].upstream')),
  ...row('proxy_connect_timeout', HSL, [1, 1], mapped('upstreams.*.connect_timeout')),
  ...row('proxy_send_timeout', HSL, [1, 1], mapped('upstreams.*.send_timeout')),
  ...row('proxy_read_timeout', HSL, [1, 1], mapped('upstreams.*.read_timeout')),
  ...row('proxy_next_upstream', HSL, [1, 20], mapped('upstreams.*.next_upstream')),
  ...row('proxy_next_upstream_tries', HSL, [1, 1], mapped('upstreams.*.next_upstream_tries')),
  ...row('proxy_next_upstream_timeout', HSL, [1, 1], none('no limit here either', only('0 0s', 'the router limits the tries, not their time'))),
  ...row('proxy_set_header', HSL, [2, 2], mapped('what the router always sends'), MANY),
  ...row('proxy_hide_header', HSL, [1, 1], mapped('routes[].hide_headers'), MANY),
  ...row('proxy_redirect', HSL, [1, 2], none('the router never rewrites Location', only('off', 'the router never rewrites Location')), MANY),
  ...row('proxy_http_version', HSL, [1, 1], none('the router speaks HTTP/1.1 to upstreams', only('1.1', 'the router speaks HTTP/1.1 to upstreams'))),
  ...row('proxy_buffer_size', HSL, [1, 1], none('a response head may have 128 KiB', atMost(131_072, 'the router refuses response heads above 128 KiB'))),
  ...row('proxy_buffers', HSL, [2, 2], none(MEMORY)),
  ...row('proxy_busy_buffers_size proxy_max_temp_file_size proxy_temp_file_write_size', HSL, [1, 1], none(MEMORY)),
  ...row('proxy_buffering', HSL, [1, 1], none('responses are passed on as they come')),
  ...row('proxy_request_buffering', HSL, [1, 1], none('the body is read whole first', only('on', 'the router reads a body whole before it contacts the upstream'))),
  ...row('proxy_temp_path client_body_temp_path fastcgi_temp_path uwsgi_temp_path scgi_temp_path', HSL, [1, 4], none('large bodies go to the folder of the spool')),
  ...row('proxy_ignore_client_abort', HSL, [1, 1], none('once the body is complete, a client that leaves ends nothing')),
  ...row('proxy_ignore_headers', HSL, [1, 9], none('the router acts on none of these response headers'), MANY),
  ...row('proxy_intercept_errors proxy_force_ranges proxy_cache proxy_store', HSL, [1, 1], none('off here as well', only('off', 'the router passes responses on as they are'))),
  ...row('proxy_pass_request_body proxy_pass_request_headers', HSL, [1, 1], none('on here as well', only('on', 'the router passes requests on as they are'))),
  ...row('proxy_headers_hash_max_size proxy_headers_hash_bucket_size', HSL, [1, 1], none(HASHES)),
  ...row('proxy_socket_keepalive proxy_send_lowat', HSL, [1, 1], none(POOLS)),
  ...row('proxy_limit_rate limit_rate', HSL, [1, 1], none('no limit here either', only('0', 'the router does not slow answers down'))),
  ...row('proxy_ssl_server_name proxy_ssl_session_reuse', HSL, [1, 1], none('an https endpoint always gets its name in the handshake', only('on', 'an https endpoint always gets its name in the handshake'))),
  ...row('proxy_ssl_verify proxy_ssl_verify_depth', HSL, [1, 1], none('the certificate of an https endpoint is always verified')),

  ...row('server', UPSTREAM, [1, 12], mapped('upstreams.*.servers'), MANY),
  ...row('keepalive keepalive_requests keepalive_time keepalive_timeout', UPSTREAM, [1, 1], none(POOLS)),
  ...row('zone', UPSTREAM, [1, 2], none(RESOLVES)),
  ...row('least_conn ip_hash hash random', UPSTREAM, [0, 3], mapped('nothing, where there is one server')),
  ...row('resolver', [...HSL, 'upstream'], [1, 20], none(RESOLVES)),
  ...row('resolver_timeout', [...HSL, 'upstream'], [1, 1], none(RESOLVES)),

  ...row('sendfile tcp_nopush tcp_nodelay reset_timedout_connection aio aio_write directio directio_alignment output_buffers sendfile_max_chunk postpone_output read_ahead send_lowat subrequest_output_buffer_size', HSL, [1, 2], none(KERNEL)),
  ...row('server_names_hash_bucket_size server_names_hash_max_size map_hash_bucket_size map_hash_max_size', HTTP, [1, 1], none(HASHES)),
  ...row('variables_hash_max_size variables_hash_bucket_size', HTTP, [1, 1], none(HASHES)),
  ...row('types_hash_max_size types_hash_bucket_size', HSL, [1, 1], none(HASHES)),
  ...row('open_file_cache open_file_cache_errors open_file_cache_min_uses open_file_cache_valid open_log_file_cache', HSL, [1, 4], none('the router keeps no cache of files')),
  ...row('client_body_buffer_size client_body_in_single_buffer', HSL, [1, 1], none(MEMORY)),
  ...row('client_body_in_file_only', HSL, [1, 1], none(MEMORY, only('off', 'the router keeps no bodies but those of copies'))),
  ...row('client_header_buffer_size connection_pool_size request_pool_size', HS, [1, 1], none('the router has its own memory rules for headers')),
  ...row('large_client_header_buffers', HS, [2, 2], none('the router takes 4 times 8 KiB', args => {
    const size = parseNginxSize(args[1] ?? '')
    return size !== null && size <= 8192 && Number(args[0]) * size <= 32_768 ? null : 'the router takes header lines of 8 KiB and 32 KiB in all; write 4 8k'
  })),
  ...row('lingering_close lingering_time lingering_timeout keepalive_requests keepalive_time keepalive_disable msie_padding msie_refresh', HSL, [1, 3], none('the router has its own rules for ending connections')),
  ...row('server_tokens', HSL, [1, 1], none('the router never tells its version')),
  ...row('gzip gzip_static gunzip', HSL, [1, 1], none('the router never compresses', only('off', 'the router never compresses'))),
  ...row('gzip_types gzip_vary gzip_min_length gzip_proxied gzip_comp_level gzip_buffers gzip_http_version gzip_disable', HSL, [1, 100], none('the router never compresses')),
  ...row('autoindex', HSL, [1, 1], none('folders are not listed', only('off', 'the router lists no folders'))),
  ...row('index', HSL, [1, 9], none('index.html here as well', only('index.html', 'the index of a folder is index.html'))),
  ...row('ignore_invalid_headers merge_slashes', HS, [1, 1], none('on here as well', only('on', 'this is always on'))),
  ...row('underscores_in_headers', HS, [1, 1], none('off here as well', only('off', 'this is always off'))),
  ...row('etag chunked_transfer_encoding absolute_redirect port_in_redirect', HSL, [1, 1], none('on here as well', only('on', 'this is always on'))),
  ...row('server_name_in_redirect recursive_error_pages expires', HSL, [1, 1], none('off here as well', only('off', 'this is always off'))),
  ...row('charset source_charset', HSL, [1, 1], none('no charset is added here either', only('off', 'the router adds no charset'))),
  ...row('if_modified_since', HSL, [1, 1], none('exact here as well', only('exact', 'If-Modified-Since is compared exactly'))),
  ...row('log_not_found log_subrequest', HSL, [1, 1], none('the access log has one line for each request, none for copies')),

  ...row('if', ['server', 'location'], [0, 50], refused('write the condition as locations of their own'), BLOCK),
  ...row('limit_except', ['location'], [0, 50], refused('the router forwards every method alike; refuse methods in front of it'), BLOCK),
  ...row('rewrite return set break', ['server', 'location'], [0, 4], refused('the router rewrites by proxy_pass with a path and answers nothing itself; do this in front of it'), MANY),
  ...row('rewrite_log', HSL, [1, 1], none('nothing is rewritten')),
  ...row('try_files', ['server', 'location'], [1, 20], refused('serve files by root alone')),
  ...row('alias', ['location'], [1, 1], refused('serve files by root, where the path of the file ends in the path of the request')),
  ...row('error_page', HSL, [2, 20], refused('the router answers with its own pages'), MANY),
  ...row('allow deny', HSL, [1, 1], refused('restrict addresses in front of the router'), MANY),
  ...row('limit_conn', HSL, [2, 2], refused(PER_ADDRESS), MANY),
  ...row('limit_conn_zone', HTTP, [2, 2], refused(PER_ADDRESS), MANY),
  ...row('satisfy', HSL, [1, 1], refused('restrict access in front of the router')),
  ...row('proxy_pass_header proxy_cookie_path proxy_cookie_domain proxy_cookie_flags proxy_method proxy_bind proxy_set_body proxy_store_access add_trailer', HSL, [1, 5], refused('the router passes requests and responses on as they are'), MANY),
  ...row('geo split_clients', HTTP, [1, 2], refused('copies are decided by project only, in a map of $request_uri'), BLOCK),
  ...row('http2 http3 quic_retry', HS, [1, 1], refused('the router speaks HTTP/1.1; let what ends TLS speak the rest')),
  ...row('stub_status', ['server', 'location'], [0, 1], refused('the admin listener has /metrics and a status page')),
  ...row('empty_gif dav_methods mp4 flv perl', HSL, [0, 5], refused('the router forwards requests and serves files, nothing else')),
  ...row('stream mail google_perftools_profiles', MAIN, [0, 1], refused('the router speaks HTTP only'), { block: true })
]

/** Directives of whole modules, by how their names begin. */
export const FAMILIES: readonly { readonly prefix: string, readonly instead: string }[] = [
  { prefix: 'ssl_', instead: 'TLS ends elsewhere: in front of the router' },
  { prefix: 'proxy_ssl_', instead: 'upstreams are reached over http, and an https endpoint needs no settings' },
  { prefix: 'proxy_cache_', instead: 'the router caches nothing' },
  { prefix: 'fastcgi_', instead: 'upstreams speak HTTP/1.1' },
  { prefix: 'uwsgi_', instead: 'upstreams speak HTTP/1.1' },
  { prefix: 'scgi_', instead: 'upstreams speak HTTP/1.1' },
  { prefix: 'grpc_', instead: 'upstreams speak HTTP/1.1' },
  { prefix: 'memcached_', instead: 'upstreams speak HTTP/1.1' },
  { prefix: 'auth_', instead: 'ask for passwords in front of the router' },
  { prefix: 'limit_', instead: 'limit clients in front of the router' },
  { prefix: 'http2_', instead: 'the router speaks HTTP/1.1; let what ends TLS speak HTTP/2' },
  { prefix: 'sub_filter', instead: 'the router never changes a body' },
  { prefix: 'addition_', instead: 'the router never changes a body' },
  { prefix: 'add_before_body', instead: 'the router never changes a body' },
  { prefix: 'add_after_body', instead: 'the router never changes a body' },
  { prefix: 'ssi', instead: 'the router never changes a body' },
  { prefix: 'image_filter', instead: 'the router never changes a body' },
  { prefix: 'xslt_', instead: 'the router never changes a body' },
  { prefix: 'autoindex_', instead: 'the router lists no folders' },
  { prefix: 'userid', instead: 'the router sets no cookies' },
  { prefix: 'geoip', instead: 'the router has no variables' },
  { prefix: 'perl_', instead: 'the router runs no scripts' },
  { prefix: 'js_', instead: 'the router runs no scripts' },
  { prefix: 'lua_', instead: 'the router runs no scripts' },
  { prefix: 'secure_link', instead: 'check links in front of the router' },
  { prefix: 'valid_referers', instead: 'check referers in front of the router' },
  { prefix: 'slice', instead: 'the router passes ranges on as they are' },
  { prefix: 'dav_', instead: 'the router changes no files' }
]
