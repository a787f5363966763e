# Runs one throwaway PostgreSQL server and stops it once no test has used it for a few seconds.
# Every test process holds a shared lock on the lock file while it lives, however it dies; an exclusive one is only
# to be had when all are gone.
# Arguments: lock file, log file, folder of the server, port, programs' folder, user to run as (empty: this one).
lock_file=$1 log=$2 folder=$3 port=$4 programs=$5 user=$6
idle_seconds=3
# Should this keeper itself be killed, the server still ends.
at_most=2h

if [ -n "$user" ]; then set -- setpriv --reuid="$user" --regid="$user" --clear-groups; else set --; fi

"$@" "$programs/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 --no-locale \
    --no-sync >"$log" 2>&1 || { rm -rf "$folder"; exit 1; }
timeout --signal=INT "$at_most" "$@" "$programs/postgres" -D "$folder/data" -k "$folder" -p "$port" \
    -c listen_addresses=127.0.0.1 -c max_connections=500 -c shared_buffers=32MB -c fsync=off \
    -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off >>"$log" 2>&1 &
server=$!

# Opened after the server was started, which must not inherit the lock.
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
