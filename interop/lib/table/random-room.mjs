// What may happen in a room, by chance? Whatever sessions and the host may do as long as no rule says that we differ:
// diffs are those that stock clients compute, though often of what a record was a while ago.

import { diffRecord } from '@tldraw/sync-core'

import { RECORDS, RandomRecords } from './random-records.mjs'
import {
  atOnce, connect, cursor, custom, drop, hostPuts, hostRemoves, join, note, patch, ping, push, put, remove, says, shows, snapshot,
  wait,
} from './steps.mjs'

const UNITS = 60
const SESSIONS = ['a', 'b', 'c', 'd']
const WEIGHTS = { edit: 40, show: 10, join: 8, reconnect: 2, ping: 3, custom: 2, nonsense: 1 }
/** So many units after it was dropped, well within its grace, a session is back. */
const MOST_AWAY = 10
/** Longer than the grace, and than any room takes to look; far from the silence that ends a session. */
const GRACE_MS = 8_000

/** Makes the units of a script, one after the other. `room` is what a peer knows: `record(id)` and `clock()`. */
export class RandomRoomScript {
  #random
  #room
  /** The version of protocol that session `a` speaks. While an old one is there, texts do not grow. */
  #version
  #online = new Map()
  #away = new Map()
  #stale = new Map()
  #shown = new Map()
  #records

  constructor(random, room) {
    this.#random = random
    this.#room = room
    this.#version = random.pick([5, 6, 7, 8, 8, 8, 8])
    this.#records = new RandomRecords(random, { textsGrow: this.#version === 8 })
  }

  *units() {
    for (let i = 0; i < UNITS; i++) {
      const back = [...this.#away].filter(([, since]) => i - since >= MOST_AWAY || this.#random.chance(0.2))
      if (back.length > 0) yield atOnce(back.map(([socket]) => this.#join(socket)))
      if (this.#random.chance(0.08)) yield this.#hostChanges()
      else if (this.#random.chance(0.05)) yield this.#drop(i)
      else if (this.#away.size <= 1 && this.#random.chance(0.01)) yield this.#leave()
      else yield this.#several()
    }
    yield join('late')
    yield snapshot()
  }

  /** Mostly one step, sometimes some that are collected. */
  #several() {
    const count = this.#random.chance(0.4) ? this.#random.between(2, 4) : 1
    const steps = Array.from({ length: count }, () => [this.#step(this.#random.weighted(WEIGHTS)), wait(this.#random.below(3))])
    return atOnce(steps)
  }

  #step(kind) {
    const socket = this.#random.pick([...this.#online.keys(), null])
    if (socket === null || kind === 'join') return this.#join(this.#random.pick(SESSIONS))
    switch (kind) {
      case 'edit':
        return push(socket, this.#diff(), { clock: this.#records.next(), presence: this.#random.chance(0.2) ? this.#presence(socket) : undefined })
      case 'show':
        return shows(socket, this.#presence(socket), this.#records.next())
      case 'reconnect':
        return connect(socket, { lastServerClock: this.#clock(), protocolVersion: this.#versionOf(socket) })
      case 'ping':
        return ping(socket)
      case 'custom':
        return custom(socket, { nth: this.#records.next() })
      default:
        return this.#nonsense(socket)
    }
  }

  /** Comes in, unless it is in already. */
  #join(socket) {
    if (this.#online.has(socket)) return ping(socket)
    const readonly = this.#random.chance(0.15)
    const objectAccess = this.#random.pick(['write', 'write', 'read'])
    this.#online.set(socket, { readonly })
    this.#away.delete(socket)
    return join(socket, { lastServerClock: this.#clock(), protocolVersion: this.#versionOf(socket), readonly, objectAccess })
  }

  #drop(at) {
    const socket = this.#random.pick([...this.#online.keys(), null])
    if (socket === null) return this.#join('a')
    this.#online.delete(socket)
    this.#away.set(socket, at)
    return drop(socket)
  }

  /** Who is away is gone for good. Of several, a stock room that looks late would not tell who was first. */
  #leave() {
    const pings = [...this.#online.keys()].map((socket) => ping(socket))
    for (const socket of this.#away.keys()) this.#shown.delete(socket)
    this.#away.clear()
    return atOnce(pings, wait(GRACE_MS))
  }

  /** Says what ends its session. */
  #nonsense(socket) {
    const { readonly } = this.#online.get(socket)
    const refused = readonly ? says(socket, { type: 'zap' }) : push(socket, this.#random.pick([
      { 'note:9': put(note('9', { x: 'left' })) },
      { 'zap:1': put({ id: 'zap:1', typeName: 'zap' }) },
      { 'note:8': put(note('8')), 'note:9': put(note('9', { text: 1 })) },
    ]))
    this.#online.delete(socket)
    this.#shown.delete(socket)
    return refused
  }

  /** Alone in its unit, and never a change of what is there: we tell those otherwise. */
  #hostChanges() {
    const there = RECORDS.filter((id) => this.#room.record(id))
    if (there.length > 0 && this.#random.chance(0.4)) return hostRemoves(this.#random.pick(there))
    return hostPuts(this.#records.make(`note:host-${this.#records.next()}`))
  }

  #diff() {
    const count = this.#random.chance(0.2) ? this.#random.between(0, 3) : 1
    const ids = new Set(Array.from({ length: count }, () => this.#random.pick(RECORDS)))
    return Object.fromEntries([...ids].flatMap((id) => {
      const op = this.#op(id)
      return op ? [[id, op]] : []
    }))
  }

  #op(id) {
    const known = this.#known(id)
    if (!known || this.#random.chance(0.1)) return put(this.#records.make(id))
    if (this.#random.chance(0.1)) return remove()
    if (this.#random.chance(0.02)) return put(known)
    const diff = diffRecord(known, { ...known, ...this.#records.changes(known) }, this.#version < 8)
    return diff ? patch(diff) : null
  }

  /** What a record is, or was a while ago. */
  #known(id) {
    const now = this.#room.record(id)
    if (this.#random.chance(0.7)) this.#stale.set(id, now)
    return this.#stale.get(id)
  }

  #presence(socket) {
    const before = this.#shown.get(socket)
    const name = this.#version < 8 ? 'ann' : `${before?.name ?? 'ann'}${this.#random.pick(['', '', '.'])}`
    const next = cursor(name, { x: this.#records.next(), props: { n: this.#random.below(3) } })
    this.#shown.set(socket, next)
    const diff = before && diffRecord(before, next, this.#version < 8)
    return diff && this.#random.chance(0.8) ? patch(diff) : put(next)
  }

  /** A clock that a session may know. */
  #clock() {
    const now = this.#room.clock()
    return this.#random.pick([-1, now, now, Math.max(0, now - this.#random.below(5))])
  }

  #versionOf(socket) {
    return socket === 'a' ? this.#version : 8
  }
}
