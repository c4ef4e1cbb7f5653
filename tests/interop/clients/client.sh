#!/bin/sh
# A GA/T 1400 device on curl: registers, keeps alive, posts a file, asks the time.
set -eu
url=$1 code=$2 password=$3 file=$4
say() {
    path=$1
    shift
    curl --silent --show-error --noproxy '*' --write-out '%{http_code} ' --output "$file.answer" --digest \
        --user "$code:$password" --header "User-Identify: $code" --header 'Content-Type: application/VIID+JSON' "$@" "$url$path"
    cat "$file.answer"
    echo
}
say /VIID/System/Register --data "{\"RegisterObject\":{\"DeviceID\":\"$code\"}}"
say /VIID/MotorVehicles --data-binary "@$file"
say /VIID/System/Keepalive --data "{\"KeepaliveObject\":{\"DeviceID\":\"$code\"}}"
say /VIID/System/Time
