#!/bin/sh
# Starts workers as the queue of a function grows, one for ten waiting jobs and four at the most;
# ends when the queue is empty, and says how many it has started:
# supervise.sh HOST PORT FUNCTION COMMAND
host=$1 port=$2 function=$3 command=$4
started=0 pids=
trap 'kill $pids 2>/dev/null' EXIT
while :; do
    row=$(gearadmin -h "$host" -p "$port" --status | grep "^$function	") || break
    jobs=$(echo "$row" | cut -f2) workers=$(echo "$row" | cut -f4)
    [ "$jobs" -gt 0 ] || break
    wanted=$(((jobs + 9) / 10))
    [ "$wanted" -le 4 ] || wanted=4
    if [ "$workers" -lt "$wanted" ] && [ "$started" -lt 4 ]; then
        gearman -w -h "$host" -p "$port" -f "$function" -- sh -c "$command" >/dev/null 2>&1 &
        pids="$pids $!" started=$((started + 1))
        # Until it is registered: one that is about to come is not started twice.
        while [ "$(gearadmin -h "$host" -p "$port" --status | grep "^$function	" | cut -f4)" -le "$workers" ]; do
            sleep 0.02
        done
    fi
    sleep 0.02
done
echo "$started"
