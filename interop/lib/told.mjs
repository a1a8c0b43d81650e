// What has the room told a client so far? A copy built from the wire alone, as a check on both ends: it must never
// go back, and in the end it must equal the client's store and the room's snapshot.

import { applyObjectDiff } from '@tldraw/sync-core'

const PRESENCE_TYPE = 'instance_presence'

export class Told {
  documents = {}
  presence = {}
  clock = -1
  connected = false
  /** When the room last told of a change or a result, by `performance.now()`. */
  heardAt = 0
  /** Pushes without a result, oldest first. */
  pending = []
  /** What the room may not do, as sentences. */
  faults = []
  /** How often each kind of thing was seen on the wire. */
  counts = {
    wipeAll: 0, wipePresence: 0, patches: 0, commits: 0, discards: 0, rebases: 0, lostReplies: 0,
    pushes: 0, chunked: 0, putOps: 0, patchOps: 0, appendOps: 0, removeOps: 0, presenceOps: 0,
  }

  lost() {
    this.connected = false
  }

  sent(message, frames) {
    if (frames > 1) this.counts.chunked += 1
    if (message.type === 'connect') this.#start(message)
    if (message.type !== 'push') return
    this.counts.pushes += 1
    if (message.presence) this.counts.presenceOps += 1
    this.#countOps(message.diff ?? {})
    this.pending.push(message)
  }

  received(message) {
    switch (message.type) {
      case 'connect':
        return this.#hydrate(message)
      case 'data':
        for (const event of message.data) this.#event(event)
        return
      case 'patch':
      case 'push_result':
        return this.#event(message)
      case 'pong':
        return
      default:
        this.faults.push(`unexpected message ${JSON.stringify(message).slice(0, 200)}`)
    }
  }

  #start({ connectRequestId }) {
    this.connected = false
    this.connectRequestId = connectRequestId
    this.counts.lostReplies += this.pending.length
    this.pending = []
  }

  #hydrate({ connectRequestId, hydrationType, serverClock, diff }) {
    if (connectRequestId !== this.connectRequestId) return
    this.#advance(serverClock, 'the connect answer')
    this.connected = true
    this.presence = {}
    if (hydrationType === 'wipe_all') {
      this.counts.wipeAll += 1
      this.documents = {}
    } else {
      this.counts.wipePresence += 1
    }
    this.#apply(diff)
  }

  #event(event) {
    if (!this.connected) return this.faults.push(`${event.type} before the connect answer`)
    this.heardAt = performance.now()
    this.#advance(event.serverClock, event.type)
    if (event.type === 'patch') {
      this.counts.patches += 1
      this.#apply(event.diff)
      return
    }
    const push = this.pending.shift()
    if (push?.clientClock !== event.clientClock) {
      this.faults.push(`result for push ${event.clientClock} while the oldest is ${push?.clientClock}`)
    } else if (event.action === 'commit') {
      this.counts.commits += 1
      this.#apply(push.diff ?? {})
    } else if (event.action === 'discard') {
      this.counts.discards += 1
    } else {
      this.counts.rebases += 1
      this.#apply(event.action.rebaseWithDiff)
    }
  }

  /** The clock is the room's memory: one that goes back has forgotten what it told. */
  #advance(clock, where) {
    if (clock < this.clock) this.faults.push(`${where} has clock ${clock}, but ${this.clock} was told before`)
    this.clock = clock
  }

  #apply(diff) {
    for (const [id, op] of Object.entries(diff)) {
      const [kind, value] = op
      if (kind === 'put') {
        (value.typeName === PRESENCE_TYPE ? this.presence : this.documents)[id] = value
        continue
      }
      const home = Object.hasOwn(this.presence, id) ? this.presence : this.documents
      if (kind === 'remove') {
        delete home[id]
      } else if (Object.hasOwn(home, id)) {
        home[id] = applyObjectDiff(home[id], value)
      } else {
        this.faults.push(`patch of ${id}, which this client was never told of`)
      }
    }
  }

  #countOps(diff) {
    for (const [kind, value] of Object.values(diff)) {
      this.counts[`${kind}Ops`] += 1
      if (kind === 'patch') this.#countAppends(value)
    }
  }

  #countAppends(diff) {
    for (const [kind, value] of Object.values(diff)) {
      if (kind === 'append') this.counts.appendOps += 1
      else if (kind === 'patch') this.#countAppends(value)
    }
  }
}
