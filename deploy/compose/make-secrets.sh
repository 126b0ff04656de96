#!/bin/sh
# Makes the secrets of one installation, once: a file that exists is never made again, since what it opens would be lost.
# They live in a volume of their own, apart from the data that they protect, and only their owner can read them.
set -eu
umask 077
cd "${1:?the folder to make them in}"

random() { # so many random bytes, as base64 on one line
  head -c "$1" /dev/urandom | base64 | tr -d '\n'
}

keep() { # standard input as a file, whole or not at all
  cat >".$1.new"
  mv ".$1.new" "$1"
  echo "made $1"
}

if [ ! -e slotwire_secret_key ]; then random 32 | keep slotwire_secret_key; fi
if [ ! -e slotwire_service_key ]; then random 32 | keep slotwire_service_key; fi
if [ ! -e postgres_password ]; then random 24 | tr '+/' '-_' | keep postgres_password; fi
printf 'postgresql://postgres:%s@postgres:5432/postgres' "$(cat postgres_password)" | keep slotwire_postgres_url
