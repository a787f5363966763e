# Shared by the scripts beside it: where things are, which versions, and how progress is shown.
# Sourced, never run.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

# The one place that names the versions of build tools.
cargo_nextest_version=0.9.143
cargo_deny_version=0.20.2
cargo_machete_version=0.9.2

# Tools that are built here live outside the clone, one folder a version: a second clone finds them, and nothing
# that the user has installed for other projects is replaced.
tools="${BUILD_TOOLS:-${XDG_CACHE_HOME:-${HOME:-$root/target}/.cache}/latchkey/tools}"

started_at=$SECONDS

clock() { printf '%d:%02d' $((($1) / 60)) $((($1) % 60)); }

# One step, with the time since the script began.
say() { printf '\n==> [%s] %s\n' "$(clock $((SECONDS - started_at)))" "$*"; }

note() { printf '    %s\n' "$*"; }

fail() {
  printf '\nerror: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '       %s\n' "$line" >&2; done
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command and tells how long it took. Its output is the progress.
timed() {
  local begun=$SECONDS
  "$@"
  note "done in $(clock $((SECONDS - begun)))"
}

# The version of a crate in Cargo.lock.
locked_version() {
  awk -v name="name = \"$1\"" '$0 == name { getline; gsub(/[^0-9.]/, ""); print; exit }' Cargo.lock
}

toolchain_channel() { sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml; }

# Where scripts/pack is installed: another for each change of it.
pack_folder() { printf 'pack-%s' "$(cat scripts/pack/Cargo.toml scripts/pack/src/main.rs | sha256sum | cut -c1-12)"; }

# Everything the build looks for, in the order of preference: our own tools, npm's, the user's.
tool_path() {
  printf '%s' "$tools/$(pack_folder)/bin:"
  printf '%s' "$tools/cargo-nextest-$cargo_nextest_version/bin:"
  printf '%s' "$tools/cargo-deny-$cargo_deny_version/bin:"
  printf '%s' "$tools/cargo-machete-$cargo_machete_version/bin:"
  printf '%s' "$tools/caddy/usr/bin:"
  printf '%s' "$root/scripts/node_modules/.bin:"
  printf '%s' "${CARGO_HOME:-${HOME:-}/.cargo}/bin:"
  printf '%s' "$PATH"
  # Debian keeps the PostgreSQL server programs off the PATH.
  local folder
  for folder in /usr/lib/postgresql/*/bin; do
    if [ -d "$folder" ]; then printf ':%s' "$folder"; fi
  done
}

export PATH
PATH="$(tool_path)"
