// How does a stock client take part in an exchange? In this process, with a stock store and a socket that only notes
// what it is asked to send.

import { atom } from '@tldraw/state'
import { Store } from '@tldraw/store'
import { TLSyncClient } from '@tldraw/sync-core'

import { text } from './play.mjs'
import { makeSchema } from './schema.mjs'
import { Wire } from './wire.mjs'

export class StockClient {
  #clock
  #wire = new Wire()
  #said = []
  #store = new Store({ schema: makeSchema(), props: {} })
  #presence = atom('presence', null)
  #mode
  #socket = new FakeSocket()
  #client
  #shown = '{}'

  constructor({ clock, solo }) {
    this.#clock = clock
    this.#mode = atom('mode', solo ? 'solo' : 'full')
    const app = (what) => this.#said.push(['app', what])
    this.#socket.sent = (message) => this.#said.push(['room', this.#wire.sent(message)])
    this.#socket.restarted = () => this.#said.push(['room', 'reset'])
    this.#client = new TLSyncClient({
      store: this.#store,
      socket: this.#socket,
      presence: this.#presence,
      presenceMode: this.#mode,
      onLoad: () => {},
      onSyncError: (reason) => app({ refused: reason }),
      onAfterConnect: () => app('online'),
      onCustomMessageReceived: (data) => app({ custom: data }),
    })
  }

  /** Does a step and returns what was said since, as `[to, what]`. */
  async step(step) {
    await this[step.do](step)
    await this.#clock.pass(0)
    return this.#said.splice(0)
  }

  /** The store, if it looks different. */
  async look() {
    const records = this.#store.serialize('all')
    const before = this.#shown
    this.#shown = text(records)
    return this.#shown === before ? [] : [['store', records]]
  }

  /** The document with that id, as the application sees it. */
  record(id) {
    return this.#store.get(id)
  }

  async end() {
    this.#client.close()
    this.#store.dispose()
    await this.#clock.pass(10_000)
  }

  open() {
    this.#socket.turn({ status: 'online' })
  }

  message({ message }) {
    try {
      this.#socket.receive(this.#wire.received(message))
    } catch {
      this.#said.push(['app', 'the client throws'])
    }
  }

  drop({ reason }) {
    this.#socket.turn(reason ? { status: 'error', reason } : { status: 'offline' })
  }

  wait({ ms }) {
    return this.#clock.pass(ms)
  }

  edit({ put, set, remove }) {
    try {
      this.#store.atomic(() => {
        this.#store.put(put)
        for (const fields of set) this.#store.update(fields.id, (record) => ({ ...record, ...fields }))
        this.#store.remove(remove)
      })
    } catch {
      this.#said.push(['app', 'the edit is refused'])
    }
  }

  presence({ record }) {
    this.#presence.set(record)
  }

  mode({ solo }) {
    this.#mode.set(solo ? 'solo' : 'full')
  }
}

/** The socket that `TLSyncClient` asks for. It connects when it is told to. */
class FakeSocket {
  connectionStatus = 'offline'
  #messages = new Set()
  #statuses = new Set()

  onReceiveMessage = (listener) => {
    this.#messages.add(listener)
    return () => this.#messages.delete(listener)
  }

  onStatusChange = (listener) => {
    this.#statuses.add(listener)
    return () => this.#statuses.delete(listener)
  }

  sendMessage(message) {
    if (this.connectionStatus === 'online') this.sent(JSON.parse(JSON.stringify(message)))
  }

  restart() {
    this.restarted()
    this.turn({ status: 'offline' })
  }

  close() {}

  receive(message) {
    if (this.connectionStatus !== 'online') return
    for (const listener of this.#messages) listener(message)
  }

  turn(event) {
    this.connectionStatus = event.status
    for (const listener of this.#statuses) listener(event)
  }
}
