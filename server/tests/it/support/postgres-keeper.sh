# Runs one throwaway PostgreSQL server and stops it once no test has used it for a few seconds.
# Every test process holds a shared lock on the lock file while it lives, however it dies; an exclusive one is only
# to be had when all are gone.
# Arguments: lock file, folder of the server, port, programs' folder, user to run as (empty: this one).
lock_file=$1 folder=$2 port=$3 programs=$4 user=$5
idle_seconds=3

as_user() {
    if [ -n "$user" ]; then setpriv --reuid="$user" --regid="$user" --clear-groups "$@"; else "$@"; fi
}

as_user "$programs/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
    --no-sync >"$folder/log" 2>&1 || exit 1
(
    # The server does not inherit the lock.
    exec 9>&-
    if [ -n "$user" ]; then set -- setpriv --reuid="$user" --regid="$user" --clear-groups; else set --; fi
    exec "$@" "$programs/postgres" -D "$folder/data" -k "$folder" -p "$port" -c listen_addresses=127.0.0.1 \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=32MB \
        -c autovacuum=off
) >>"$folder/log" 2>&1 &
server=$!

exec 9>>"$lock_file"
idle=0
while [ "$idle" -lt "$idle_seconds" ] && kill -0 "$server" 2>/dev/null; do
    sleep 1
    if flock --exclusive --nonblock 9; then
        idle=$((idle + 1))
        # Kept the last time, so that nobody begins while the server stops.
        [ "$idle" -lt "$idle_seconds" ] && flock --unlock 9
    else
        idle=0
    fi
done
kill -INT "$server" 2>/dev/null
wait "$server"
rm -rf "$folder"
