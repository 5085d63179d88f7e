#!/bin/sh
# In the guest, from scripts/test-in-vm: the tests of "$2..." with each of the drivers in "$1".
drivers=$1
shift
counts=$(mktemp)
notes=$(mktemp)
log=$(mktemp)
for driver in $drivers; do
  echo "==> integration tests, cgroup driver $driver"
  counted=$(wc -l <"$counts")
  PEAPOD_CGROUP_DRIVER=$driver node scripts/run-tests.ts --progress --jobs 2 --counts "$counts" "$@" | tee "$log" | grep -v '^skipped '
  # One that was killed counted nothing, and must not pass for that.
  [ "$(wc -l <"$counts")" -gt "$counted" ] || echo "0 1 0" >>"$counts"
  grep '^skipped ' "$log" | sed "s/$/ [$driver]/" >>"$notes"
done
cat "$notes"
awk '{ passed += $1; failed += $2; skipped += $3 }
     END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 }' "$counts"
