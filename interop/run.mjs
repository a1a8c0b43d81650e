// Runs every `*.test.mjs` of this folder, one after the other, and ends with 0 only when all of them do.
// First: cargo build --release -p roomsync-server -p roomsync-machines && cargo build --release -p roomsync-tokio --features sqlite --example edit
//
// ROOMSYNC_SERVER  the server's command (default: target/release/roomsync-server)
// ROOMSYNC_EDIT    the editing client's command (default: target/release/examples/edit)
// ROOMSYNC_MACHINES  the room and the client as a process (default: target/release/roomsync-machines)
// INTEROP_VERBOSE  when set, what these programs write to standard error is shown

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const tests = readdirSync(here).filter((name) => name.endsWith('.test.mjs')).sort()
const failed = tests.filter((name) => {
  const { status } = spawnSync(process.execPath, [name, ...process.argv.slice(2)], { cwd: here, stdio: 'inherit' })
  console.log('')
  return status !== 0
})
console.log(failed.length === 0 ? `all ${tests.length} tests passed` : `failed: ${failed.join(', ')}`)
process.exit(failed.length === 0 ? 0 : 1)
