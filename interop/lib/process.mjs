// How does a test run other programs? It starts a server and waits for its address, kills it hard, starts it again
// on the same port and file, and runs commands to their end.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { until } from './wait.mjs'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ADMIN_TOKEN = 'interop'

/** A server command with the flags of roomsync-server. Programs run in the repository's root. */
export class Server {
  #folder = null
  #data
  #flags
  #process = null
  #expectedToEnd = false
  #command
  /** `http://127.0.0.1:PORT`, the same one after a restart. */
  base = null
  restarts = 0

  /**
   * `data` is the file of rooms; by default one in a folder of its own, which goes with the server. `flags` are further
   * ones. `command` is a program, maybe with arguments; by default that of the environment, else the release build.
   */
  constructor({ data = null, flags = [], command = process.env.ROOMSYNC_SERVER ?? 'target/release/roomsync-server' } = {}) {
    if (!data) this.#folder = mkdtempSync(path.join(tmpdir(), 'roomsync-server-'))
    this.#data = data ?? path.join(this.#folder, 'rooms.db')
    this.#flags = flags
    this.#command = command
  }

  /** Starts it, on the port of last time if there was one, and waits until it prints its address. */
  async start() {
    if (this.base) this.restarts += 1
    const listen = this.base ? new URL(this.base).host : '127.0.0.1:0'
    this.#expectedToEnd = false
    const flags = ['--listen', listen, '--data', this.#data, '--admin-token', ADMIN_TOKEN, ...this.#flags]
    const started = launch(this.#command, flags)
    this.#process = started
    const address = () => /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(started.stdout)?.[0]
    await until('the server to print its address', () => address() || started.ended, { detail: () => started.output() })
    if (!address()) throw new Error(`the server ended before it was ready\n${started.output()}`)
    this.base = address()
  }

  /** SIGKILL: nothing can be tidied up. */
  async kill() {
    this.#expectedToEnd = true
    await this.#process.kill('SIGKILL')
  }

  async stop() {
    this.#expectedToEnd = true
    await this.#process?.kill('SIGTERM')
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Runs `roomsync-server export ROOM` and the like on the data of a server that does not run. Its standard output. */
  tool(...args) {
    return launch(this.#command, [...args, '--data', this.#data]).done()
  }

  /** Throws when it ended without being told to. */
  assertAlive() {
    if (this.#process.ended && !this.#expectedToEnd) throw new Error(`the server ended\n${this.#process.output()}`)
  }

  async snapshot(room) {
    return (await this.#admin(room, {})).json()
  }

  async loadSnapshot(room, snapshot) {
    await this.#admin(room, { method: 'PUT', body: JSON.stringify(snapshot) })
  }

  async #admin(room, request) {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
    const response = await fetch(`${this.base}/admin/rooms/${room}/snapshot`, { ...request, headers })
    if (!response.ok) throw new Error(`snapshot: HTTP ${response.status} ${await response.text()}`)
    return response
  }
}

/** Starts a program; `args` follow those of `command`. */
export function launch(command, args) {
  const [program, ...first] = command.split(' ')
  const resolved = program.includes('/') ? path.resolve(ROOT, program) : program
  // A group of its own, so that a kill also reaches what a wrapper like `cargo run` has started.
  const child = spawn(resolved, [...first, ...args], { cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const started = {
    stdout: '',
    stderr: '',
    ended: null,
    output: () => `${command} ${args.join(' ')}\n${started.stdout.slice(-4000)}${started.stderr.slice(-4000)}`,
    kill: async (signal) => {
      if (started.ended) return
      process.kill(-child.pid, signal)
      await end
    },
    /** Resolves with its standard output once it has ended, which it must do well. */
    done: async () => {
      const { code, signal } = await end
      if (code !== 0) throw new Error(`ended with ${signal ?? code}: ${started.output()}`)
      return started.stdout
    },
  }
  child.stdout.setEncoding('utf8').on('data', (text) => (started.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (started.stderr += text))
  if (process.env.INTEROP_VERBOSE) child.stderr.pipe(process.stderr)
  const end = new Promise((resolve) => {
    const ended = (code, signal) => resolve((started.ended ??= { code, signal, at: performance.now() }))
    child.on('close', ended)
    child.on('error', (error) => {
      started.stderr += `${error.message}\n`
      ended(-1, null)
    })
  })
  // No program outlives the test.
  process.once('exit', () => {
    if (!started.ended) process.kill(-child.pid, 'SIGKILL')
  })
  return started
}
