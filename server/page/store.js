// What this page knows: the room's records, the own changes that the room has not confirmed, and both together.
//
// Three layers, and only the last is seen: what the room last said, the pushes it has not answered (in order), and the
// changes that were not pushed yet. Own changes are ops relative to the layers below, so they stay on top of whatever
// the room says meanwhile. Presence of others is kept apart: it has no history and is never edited here.

import { applyRecordOp, recordOp } from './diff.js'

const PRESENCE = 'instance_presence'

export class Store {
  #room = new Map() // id -> record, as the room last said
  #pending = [] // {clock, diff}: pushed and unanswered, oldest first
  #unsent = new Map() // id -> op on top of room and pending
  #visible = new Map() // id -> record: all three layers
  #presence = new Map()
  #listeners = new Set()

  get(id) {
    return this.#visible.get(id)
  }

  records() {
    return this.#visible.values()
  }

  presence() {
    return this.#presence.values()
  }

  /** How many records hold own changes that the room has not confirmed. */
  get unconfirmed() {
    const ids = new Set(this.#unsent.keys())
    for (const { diff } of this.#pending) for (const id of Object.keys(diff)) ids.add(id)
    return ids.size
  }

  /** Calls `listener({ ids, presence, local })` after each change: which records, whether presence, whether by this user. */
  listen(listener) {
    this.#listeners.add(listener)
  }

  // ---- own edits

  put(record) {
    this.#edit(record.id, record)
  }

  remove(id) {
    this.#edit(id, undefined)
  }

  #edit(id, next) {
    const op = recordOp(this.#below(id), next)
    if (op) this.#unsent.set(id, op)
    else this.#unsent.delete(id)
    this.#show(id, next)
    this.#notify({ ids: new Set([id]), presence: false, local: true })
  }

  // ---- pushing

  /** Moves what was not pushed yet to the pushed layer as push `clock` and returns it; null when there is nothing. */
  takeUnsent() {
    if (this.#unsent.size === 0) return null
    const diff = Object.fromEntries(this.#unsent)
    this.#unsent.clear()
    return diff
  }

  /** Remembers push `clock` until the room answers it; `diff` may be empty (a push of presence only). */
  pushed(clock, diff) {
    this.#pending.push({ clock, diff: diff ?? {} })
  }

  // ---- what the room says

  /** Applies the messages of one `data` in order. Throws if they do not fit what was pushed. */
  receive(messages) {
    const touched = { ids: new Set(), presence: false, local: false }
    for (const message of messages) {
      if (message.type === 'patch') this.#applyToRoom(message.diff, touched)
      else if (message.type === 'push_result') this.#settle(message, touched)
    }
    this.#rebuild(touched.ids)
    this.#notify(touched)
  }

  #settle({ clientClock, action }, touched) {
    const push = this.#pending.shift()
    if (push?.clock !== clientClock) throw new Error(`unexpected result of push ${clientClock}`)
    for (const id of Object.keys(push.diff)) touched.ids.add(id)
    if (action === 'commit') this.#applyToRoom(push.diff, touched)
    else if (action !== 'discard') this.#applyToRoom(action.rebaseWithDiff, touched)
  }

  /**
   * Takes over a connect answer. Own changes stay on top: pushes that the room is known to have applied
   * (`lastAppliedPush`, where the room tells) are done, all others become unsent again, as one net change.
   */
  hydrate({ hydrationType, diff, lastAppliedPush = -1 }) {
    const room = this.#room
    const before = new Set(this.#visible.keys())
    if (hydrationType === 'wipe_all') this.#room = new Map()
    else this.#room = new Map(room)
    this.#presence = new Map()
    const touched = { ids: before, presence: true, local: false }
    try {
      this.#applyToRoom(diff, touched)
    } catch (error) {
      this.#room = room
      throw error
    }

    const left = this.#pending.filter((push) => push.clock > lastAppliedPush)
    const own = new Set(this.#unsent.keys())
    for (const push of left) for (const id of Object.keys(push.diff)) own.add(id)
    const unsent = new Map()
    for (const id of own) {
      const base = this.#room.get(id)
      let record = base
      for (const push of left) if (push.diff[id]) record = applyRecordOp(record, push.diff[id])
      if (this.#unsent.has(id)) record = applyRecordOp(record, this.#unsent.get(id))
      const op = recordOp(base, record)
      if (op) unsent.set(id, op)
      touched.ids.add(id)
    }
    this.#pending = []
    this.#unsent = unsent
    this.#rebuild(touched.ids)
    this.#notify(touched)
  }

  /** Forgets who is here: after the connection is lost nobody knows. */
  dropPresence() {
    this.#presence.clear()
    this.#notify({ ids: new Set(), presence: true, local: false })
  }

  // ---- below

  #applyToRoom(diff, touched) {
    for (const [id, op] of Object.entries(diff)) {
      const isPresence = op[0] === 'put' ? op[1].typeName === PRESENCE : this.#presence.has(id)
      const layer = isPresence ? this.#presence : this.#room
      const record = applyRecordOp(layer.get(id), op)
      if (record) layer.set(id, record)
      else layer.delete(id)
      if (isPresence) touched.presence = true
      else touched.ids.add(id)
    }
  }

  /** The record below the unsent layer. */
  #below(id) {
    let record = this.#room.get(id)
    for (const { diff } of this.#pending) if (diff[id]) record = applyRecordOp(record, diff[id])
    return record
  }

  #rebuild(ids) {
    for (const id of ids) {
      const below = this.#below(id)
      const op = this.#unsent.get(id)
      // What others deleted cannot be changed any more.
      if (op && !below && op[0] !== 'put') this.#unsent.delete(id)
      this.#show(id, op ? applyRecordOp(below, op) : below)
    }
  }

  #show(id, record) {
    if (record) this.#visible.set(id, record)
    else this.#visible.delete(id)
  }

  #notify(change) {
    if (change.ids.size === 0 && !change.presence) return
    for (const listener of this.#listeners) listener(change)
  }
}
