// How does a stock room take part in an exchange? In this process, with sockets that only note what they are told.

import { InMemorySyncStorage, TLSocketRoom, TLSyncErrorCloseEventCode } from '@tldraw/sync-core'

import { makeSchema } from './schema.mjs'

const OPEN = 1
const CLOSED = 3

/** What interop/machines/src/room.rs says of authors. */
function authorize({ type, prev, next, session: { sessionId } }) {
  if (type === 'create') return Object.hasOwn(next, 'secret') ? null : { ...next, author: sessionId }
  if (prev.author !== sessionId) return null
  return type === 'update' ? (next.author === sessionId ? next : null) : prev
}

export class StockRoom {
  #room
  #make
  #clock
  #sockets = new Map()
  #joined = new Set()
  #said = []

  constructor({ clock, snapshot, objectTypes, authors, migrating }) {
    this.#clock = clock
    const schema = makeSchema({ migrating })
    // Stock ids of presence are random; these are those that our room gives.
    let sessions = 0
    schema.types.cursor.createId = () => `cursor:${sessions++}`
    // A stock room also tells its host of sessions that never came in.
    const onSessionRemoved = (_, { sessionId }) => {
      if (this.#joined.delete(sessionId)) this.#said.push(['host', { left: sessionId }])
    }
    const authorizeRecord = authors ? { note: authorize } : undefined
    this.#make = (stored) => {
      const storage = new InMemorySyncStorage({ snapshot: structuredClone(stored), objectTypes })
      return new TLSocketRoom({ schema, storage, objectTypes, authorizeRecord, onSessionRemoved, log: {} })
    }
    this.#room = this.#make(snapshot)
  }

  /** Does a step and returns what was said since, as `[to, what]`. */
  async step(step) {
    await this[step.do](step)
    await this.#clock.pass(0)
    return this.#said.splice(0)
  }

  /** The document with that id. */
  record(id) {
    return this.#room.getRecord(id)
  }

  clock() {
    return this.#room.getCurrentDocumentClock()
  }

  /** A stock room tells the records of object types apart from the others. */
  #snapshot() {
    const snapshot = this.#room.getCurrentSnapshot()
    return { ...snapshot, documents: [...snapshot.documents, ...this.#room.getCurrentObjectsSnapshot()] }
  }

  #socket(name, session) {
    const said = (what) => this.#said.push([name, what])
    const fake = {
      readyState: OPEN,
      send: (text) => {
        if (fake.readyState !== OPEN) return
        const message = JSON.parse(text)
        if (message.type === 'connect') this.#joined.add(session)
        said(message)
      },
      close: (code, reason) => {
        if (fake.readyState === OPEN) said({ closed: code === TLSyncErrorCloseEventCode ? reason : 'to retry' })
        fake.readyState = CLOSED
      },
    }
    this.#sockets.set(name, { session, fake })
    return fake
  }

  async end() {
    this.#room.close()
    await this.#clock.pass(10_000)
  }

  open({ socket, session, readonly, objectAccess }) {
    const fake = this.#socket(socket, session)
    this.#room.handleSocketConnect({ sessionId: session, socket: fake, isReadonly: readonly, objectAccess })
  }

  hibernate({ sockets }) {
    const kept = sockets.map((socket) => {
      const { session, fake } = this.#sockets.get(socket)
      // What the old room still says on its way nobody hears.
      fake.readyState = CLOSED
      return [socket, session, this.#room.getSessionSnapshot(session)]
    })
    const old = this.#room
    this.#room = this.#make(this.#snapshot())
    old.close()
    for (const [socket, session, snapshot] of kept) {
      const stored = structuredClone(snapshot)
      this.#room.handleSocketResume({ sessionId: session, socket: this.#socket(socket, session), snapshot: stored })
    }
  }

  message({ socket, text }) {
    this.#room.handleSocketMessage(this.#sockets.get(socket).session, text)
  }

  drop({ socket }) {
    const { session, fake } = this.#sockets.get(socket)
    fake.readyState = CLOSED
    this.#room.handleSocketClose(session)
  }

  wait({ ms }) {
    return this.#clock.pass(ms)
  }

  transact({ put, remove }) {
    this.#room.storage.transaction((txn) => {
      for (const record of put) txn.set(record.id, record)
      for (const id of remove) txn.delete(id)
    })
  }

  load({ snapshot }) {
    this.#room.loadSnapshot(structuredClone(snapshot))
  }

  custom({ socket, data }) {
    this.#room.sendCustomMessage(this.#sockets.get(socket).session, data)
  }

  closeSession({ socket, reason }) {
    this.#room.closeSession(this.#sockets.get(socket).session, reason)
  }

  shutdown() {
    this.#room.close()
  }

  snapshot() {
    this.#said.push(['host', { snapshot: this.#snapshot() }])
  }
}
