// What may happen to a client, by chance? It edits and is seen, in a stock room that another session edits too, over a
// connection that ends now and then, as long as no rule says that we differ.

import { diffRecord } from '@tldraw/sync-core'

import * as does from './client-steps.mjs'
import { text } from './play.mjs'
import { RECORDS, RandomRecords } from './random-records.mjs'
import { drop, join, open, push, says } from './steps.mjs'

/** Few enough that no ping is due, of which each client has its own time. */
const UNITS = 30
/** What the client makes and removes, and what the other session does. Of what both make and remove we make something else. */
const CLIENT_MAKES = ['note:1', 'note:3']
const OTHER_MAKES = ['note:2', 'pin:1']
const SESSION = 'client'

/**
 * Makes the units of a script, one after the other. `client` is what a peer shows: `record(id)`. `room` is a stock room,
 * and `sent()` what the client has sent since it was asked last.
 */
export class RandomClientScript {
  #random
  #client
  #room
  #sent
  #records
  #isOpen = false
  #mayDrop = false
  /** What the client sent last does not reach the room. */
  #isLost = false
  /** What the room has said and the client has not heard yet. */
  #queue = []
  /** Pushed, and not answered yet. */
  #unanswered = []
  /** Records with changes that were unanswered when the connection ended. Until the next answer they are left alone. */
  #inDoubt = new Set()
  #shown = 0

  constructor({ random, client, room, sent }) {
    this.#random = random
    this.#client = client
    this.#room = room
    this.#sent = sent
    this.#records = new RandomRecords(random)
  }

  async *units() {
    await this.#roomHears(join('other'))
    for (let i = 0; i < UNITS; i++) {
      await this.#forward()
      if (this.#random.chance(0.4)) await this.#otherEdits()
      yield await this.#unit()
    }
    // In the end all is heard and answered.
    if (!this.#isOpen) yield await this.#open()
    for (let rounds = 0; rounds < 3; rounds++) {
      await this.#forward()
      yield does.atOnce(this.#queue.splice(0).map((message) => this.#hears(message)))
    }
  }

  async #unit() {
    const random = this.#random
    if (!this.#isOpen && random.chance(0.4)) return this.#open()
    if (this.#isLost || (this.#mayDrop && this.#unanswered.length === 0 && random.chance(0.15))) return this.#drop()
    if (this.#queue.length > 0 && random.chance(0.6)) {
      const count = random.between(1, this.#queue.length)
      return does.atOnce(this.#queue.splice(0, count).map((message) => this.#hears(message)))
    }
    if (random.chance(0.15)) return does.shows(does.cursor('ann', { x: (this.#shown += random.below(2)) }))
    return this.#edit()
  }

  /** What the client has sent reaches the room, or the connection ends before. */
  async #forward() {
    const late = this.#sent()
    // After a lost answer, and of several lost changes to a record, stock clients make something else.
    this.#mayDrop = this.#isOpen && this.#unanswered.length === 0
    this.#unanswered.push(...late.filter(({ type }) => type === 'push'))
    const ids = this.#unanswered.flatMap(({ diff = {} }) => Object.keys(diff))
    this.#isLost = this.#mayDrop && new Set(ids).size === ids.length && this.#random.chance(0.1)
    if (!this.#isLost) for (const message of late) await this.#roomHears(says(SESSION, message))
  }

  async #roomHears(step) {
    for (const one of step.atOnce ?? [step]) {
      for (const [to, what] of await this.#room.step(one)) if (to === SESSION && what.type) this.#queue.push(what)
    }
  }

  #hears(message) {
    if (message.type === 'connect') this.#inDoubt.clear()
    const results = Array.isArray(message.data) ? message.data.filter(({ type }) => type === 'push_result') : []
    this.#unanswered.splice(0, results.length)
    return does.says(message)
  }

  async #open() {
    this.#isOpen = true
    await this.#roomHears(open(SESSION))
    return does.open()
  }

  /** The connection ends. */
  async #drop() {
    await this.#roomHears(drop(SESSION))
    for (const { diff = {} } of this.#unanswered.splice(0)) for (const id of Object.keys(diff)) this.#inDoubt.add(id)
    this.#queue = []
    this.#isOpen = false
    return does.drop()
  }

  #edit() {
    const some = RECORDS.filter((id) => !this.#inDoubt.has(id) && this.#random.chance(0.35))
    return does.edits(...some.map((id) => this.#editOf(id)))
  }

  #editOf(id) {
    const record = this.#client.record(id)
    if (!record) return CLIENT_MAKES.includes(id) ? does.putRecords(this.#records.make(id)) : does.edits()
    if (this.#random.chance(0.12) && CLIENT_MAKES.includes(id)) return does.removeRecords(id)
    if (this.#random.chance(0.08)) return does.putRecords(this.#records.make(id))
    const changes = this.#records.changes(record)
    // With a stock client an edit without effect can push what others have changed.
    return text({ ...record, ...changes }) === text(record) ? does.edits() : does.set(id, changes)
  }

  async #otherEdits() {
    const id = this.#random.pick(RECORDS)
    const [record, isOwn] = [this.#room.record(id), OTHER_MAKES.includes(id)]
    if (!record) return isOwn && this.#roomHears(push('other', { [id]: does.put(this.#records.make(id)) }))
    if (isOwn && this.#random.chance(0.1)) return this.#roomHears(push('other', { [id]: does.remove() }))
    const diff = diffRecord(record, { ...record, ...this.#records.changes(record) })
    if (diff) await this.#roomHears(push('other', { [id]: does.patch(diff) }))
  }
}
