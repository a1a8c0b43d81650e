// What is a stock client? A `TLSyncClient` with a stock store, under Node, with everything that a test asks of it.

import { atom } from '@tldraw/state'
import { Store } from '@tldraw/store'
import { TLSyncClient } from '@tldraw/sync-core'
import { InstancePresenceRecordType, createTLSchema } from '@tldraw/tlschema'

import { StockSocket } from './stock-socket.mjs'
import { Told } from './told.mjs'
import { differences } from './compare.mjs'
import { untilQuiet } from './wait.mjs'

globalThis.requestAnimationFrame ??= (callback) => setTimeout(() => callback(performance.now()), 16)
globalThis.cancelAnimationFrame ??= clearTimeout

export class StockClient {
  told = new Told()
  isReadonly = null
  /** Reasons of fatal errors; a run that is as it should be leaves this empty. */
  fatal = []

  /** `base` is the server's http address. A client with `presence: false` only looks on; `token` lets it in. */
  constructor({ base, room, name, readonly = false, presence = true, token = null }) {
    this.name = name
    this.store = new Store({ schema: createTLSchema(), props: { defaultName: '' } })
    this.presence = atom(`presence of ${name}`, presence ? firstPresence(name) : null)
    const url = new URL(`/connect/${room}`, base.replace('http', 'ws'))
    url.searchParams.set('sessionId', `session-${name}`)
    if (token) url.searchParams.set('token', token)
    if (readonly) url.searchParams.set('readonly', 'true')
    this.socket = new StockSocket(url.href, {
      sent: (message, frames) => this.told.sent(message, frames),
      received: (message) => {
        if (message.type === 'connect') this.#announceEdits()
        this.told.received(message)
      },
      lost: () => this.told.lost(),
      fatal: (reason) => this.fatal.push(`close 4099 ${reason}`),
    })
    this.sync = new TLSyncClient({
      store: this.store,
      socket: this.socket,
      presence: this.presence,
      // Without it, and against its documentation, a change of presence is only pushed at the next connect.
      presenceMode: atom('presence mode', 'full'),
      onLoad: () => {},
      onSyncError: (reason) => this.fatal.push(`sync error ${reason}`),
      onAfterConnect: (_, { isReadonly }) => (this.isReadonly = isReadonly),
    })
  }

  /** The store's documents by id: everything but other people's presence. */
  documents() {
    return this.store.serialize('document')
  }

  /** The presence of others as this client sees it, by user id; a second record of one user stands under its own id. */
  othersPresence() {
    const byUser = {}
    for (const record of Object.values(this.store.serialize('presence'))) {
      byUser[Object.hasOwn(byUser, record.userId) ? record.id : record.userId] = withoutId(record)
    }
    return byUser
  }

  ownPresence() {
    return withoutId(this.presence.get())
  }

  /** Connected, every push answered, and the store shows exactly what the room has told. */
  isSettled() {
    return this.told.connected && this.told.pending.length === 0 && this.unconfirmed().length === 0
  }

  /** Where the store is ahead of, or behind, what the room has told. */
  unconfirmed() {
    return differences(`${this.name}'s store`, this.documents(), 'what it was told', this.told.documents)
  }

  /** Everything that went wrong, as sentences. */
  faults() {
    const faults = [...this.fatal, ...this.told.faults]
    if (this.socket.restarts > 0) faults.push(`gave up a connection ${this.socket.restarts} times by itself`)
    return faults.map((fault) => `${this.name}: ${fault}`)
  }

  /**
   * The store tells its listeners of edits once a frame, and `TLSyncClient` loses those that it hears of while it handles
   * a connect answer. A new listener makes the store tell the others at once.
   */
  #announceEdits() {
    this.store.listen(() => {})()
  }

  close() {
    this.sync.close()
    this.socket.close()
  }
}

/** Waits until every client is settled and the room quiet. */
export async function untilSettled(clients) {
  await untilQuiet('all to be confirmed and the room quiet', {
    settled: () => clients.every((client) => client.isSettled()),
    mark: () => clients.map((client) => client.told.counts.patches).join(),
    detail: () => clients.flatMap((client) => [...client.faults(), ...client.unconfirmed().slice(0, 10)]).join('\n'),
  })
}

/** Throws with everything that went wrong in any client. */
export function assertNoFaults(clients) {
  const faults = clients.flatMap((client) => client.faults())
  if (faults.length > 0) throw new Error(`stock clients saw faults:\n${faults.join('\n')}`)
}

function firstPresence(name) {
  return InstancePresenceRecordType.create({
    id: InstancePresenceRecordType.createId(name),
    userId: `user:${name}`,
    userName: name,
    currentPageId: 'page:page',
  })
}

/** The room gives presence records ids of its own. */
function withoutId({ id, ...rest }) {
  return rest
}
