// How does a test run? It prints its seed and its steps, cleans up, and ends with 0 only when everything held.

import { parseArgs } from 'node:util'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { Random } from './random.mjs'

const LIMIT_SECONDS = 120
/** Those of this process, whatever a test puts in their place. */
const { setTimeout, clearTimeout } = globalThis

/**
 * Runs `body` with `random` (seeded by `--seed N`, else by chance), `step(line)`, `directory` (temporary) and
 * `cleanup(fn)` (run at the end, last first). Ends the process.
 */
export async function test(name, body) {
  const { values } = parseArgs({ options: { seed: { type: 'string' } }, strict: false })
  const seed = values.seed ?? String(Math.floor(Math.random() * 1e9))
  const started = performance.now()
  const elapsed = () => `${((performance.now() - started) / 1000).toFixed(1)} s`
  const step = (line) => console.log(`  ${elapsed().padStart(7)}  ${line}`)
  const cleanups = []
  const cleanup = (fn) => cleanups.push(fn)

  console.log(`${name}, seed ${seed}`)
  const directory = await mkdtemp(path.join(tmpdir(), 'roomsync-interop-'))
  cleanup(() => rm(directory, { recursive: true, force: true }))

  let failure
  try {
    await withLimit(body({ random: new Random(seed), step, directory, cleanup }))
  } catch (error) {
    failure = error
  }
  for (const fn of cleanups.reverse()) {
    try {
      await fn()
    } catch (error) {
      failure ??= error
    }
  }
  if (failure) {
    console.error(`FAILED after ${elapsed()}: ${failure?.stack ?? failure}`)
    console.error(`run it again: node ${path.relative(process.cwd(), process.argv[1])} --seed ${seed}`)
  } else {
    console.log(`ok, ${elapsed()}`)
  }
  process.exit(failure ? 1 : 0)
}

/** Fails unless each named count was reached at least once: a test that did nothing must not pass. */
export function assertReached(counts) {
  const missing = Object.keys(counts).filter((name) => !(counts[name] > 0))
  if (missing.length > 0) throw new Error(`never happened in this run: ${missing.join(', ')}`)
}

export function assert(condition, message) {
  if (!condition) throw new Error(message)
}

/** Also ends, with a failure, when time is up or when work that nobody waits for yet has failed. */
async function withLimit(work) {
  let timer
  const cutShort = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${LIMIT_SECONDS} s`)), LIMIT_SECONDS * 1000)
    process.once('unhandledRejection', reject)
  })
  try {
    await Promise.race([work, cutShort])
  } finally {
    clearTimeout(timer)
  }
}
