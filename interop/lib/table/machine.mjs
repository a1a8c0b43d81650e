// How is a machine of roomsync reached from here? As a process that takes lines; see interop/machines.

import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const COMMAND = path.resolve(ROOT, process.env.ROOMSYNC_MACHINES ?? 'target/release/roomsync-machines')

/** A process that runs one machine after another. */
export class Machines {
  #process = spawn(COMMAND, { stdio: ['pipe', 'pipe', 'inherit'] })
  #waiting = []
  #ended = null

  constructor() {
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#waiting.shift().resolve(JSON.parse(line)))
    this.#process.once('error', (error) => this.#end(error))
    this.#process.once('close', (code) => this.#end(new Error(`${COMMAND} ended with ${code}`)))
    this.#process.stdin.on('error', () => {}); // always followed by 'close'
  }

  /** Sends a line and resolves with the line that answers it. */
  ask(line) {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended)
      this.#waiting.push({ resolve, reject })
      this.#process.stdin.write(`${JSON.stringify(line)}\n`)
    })
  }

  close() {
    this.#process.stdin.end()
  }

  #end(error) {
    this.#ended = error
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
