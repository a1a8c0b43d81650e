// Keeps a Store and the room on the server the same: connect, push, ping, and connect again.
//
// States: connecting (first time) -> online <-> offline (retrying); refused is final (the room closed with 4099).

import { diffRecord } from './diff.js'
import { randomId } from './ids.js'
import { SCHEMA } from './schema.js'

const PROTOCOL_VERSION = 8
const FATAL_CLOSE = 4099
const PUSH_INTERVAL = 1000 / 30 // ms between pushes
const PING_EVERY = 5_000 // ms
const SILENCE_LIMIT = 10_000 // ms without a word, with a ping unanswered, before the connection counts as dead
const YOUNG_ATTEMPT = 1_000 // ms that a hint leaves a running attempt alone
const MAX_BAD_HYDRATIONS = 3
const MAX_CHUNK = 262_144 // UTF-16 units the room takes in one message
const MAX_BUFFERED = 1 << 20 // bytes waiting in the socket before pushes pause

export class SyncClient {
  state = 'connecting'
  reason = null // why the room refused
  readonly = false
  hydrated = false // whether the room has answered at least once
  clock = -1 // of the room, as last heard

  #url
  #store
  #onState
  #onHydrated
  #clientId = randomId() // for this page load: pending pushes do not outlive it either
  #pushClock = 0
  #lastAckedPush = 0

  #socket = null
  #requestId = null
  #dialledAt = 0
  #lastHeard = 0
  #pingSent = null // when the unanswered ping was sent
  #lastPing = 0
  #badHydrations = 0
  #retryDelay = 0
  #retryTimer = null

  #pushTimer = null
  #lastPush = 0
  #presence = null // what should be told
  #toldPresence = null // what was told on this connection

  /** `onState()` is called when the state changes, `onHydrated()` after each answer to a connect. */
  constructor({ url, store, onState, onHydrated }) {
    this.#url = url
    this.#store = store
    this.#onState = onState
    this.#onHydrated = onHydrated
    store.listen((change) => change.local && this.#schedulePush())
    setInterval(() => this.#checkHealth(), 1_000)
    addEventListener('online', () => this.#retryNow())
    addEventListener('focus', () => this.#retryNow())
    document.addEventListener('visibilitychange', () => document.hidden || this.#retryNow())
    this.#dial()
  }

  /** Sets what others see of this user; sent with the next push. */
  setPresence(record) {
    this.#presence = record
    this.#schedulePush()
  }

  // ---- connecting

  #dial() {
    clearTimeout(this.#retryTimer)
    this.#retryTimer = null
    this.#dialledAt = this.#lastHeard = Date.now()
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    // A socket that was replaced must not be heard any more.
    const current = (handler) => (event) => socket === this.#socket && handler(event)
    socket.onopen = current(() => this.#handshake())
    socket.onmessage = current((event) => this.#receive(event.data))
    socket.onclose = current((event) => this.#closed(event))
  }

  #handshake() {
    this.#requestId = randomId()
    this.#send({
      type: 'connect',
      connectRequestId: this.#requestId,
      lastServerClock: this.clock,
      protocolVersion: PROTOCOL_VERSION,
      schema: SCHEMA,
      clientId: this.#clientId,
      lastAckedPush: this.#lastAckedPush,
    })
  }

  #closed({ code, reason }) {
    this.#socket = null
    if (code === FATAL_CLOSE) return this.#refuse(reason)
    this.#lost()
  }

  #refuse(reason) {
    this.reason = reason || 'UNKNOWN_ERROR'
    this.#abandon()
    this.#setState('refused')
  }

  #reset() {
    this.#abandon()
    this.#lost()
  }

  /** Lets go of the socket without waiting for its close, which may never come on a dead connection. */
  #abandon() {
    const socket = this.#socket
    this.#socket = null
    socket?.close()
    this.#pingSent = null
    this.#toldPresence = null
    this.#store.dropPresence()
  }

  #lost() {
    this.#pingSent = null
    this.#toldPresence = null
    this.#store.dropPresence()
    this.#setState(this.hydrated ? 'offline' : 'connecting')
    const [first, longest] = document.hidden ? [1_000, 300_000] : [500, 2_000]
    this.#retryDelay = Math.min(Math.max(first, this.#retryDelay * 1.5), longest)
    this.#retryTimer = setTimeout(() => this.#dial(), this.#retryDelay)
  }

  /** The network or the user is back: try at once, unless an attempt has just begun. */
  #retryNow() {
    if (this.state === 'online' || this.state === 'refused') return
    if (this.#socket && Date.now() - this.#dialledAt < YOUNG_ATTEMPT) return
    const socket = this.#socket
    this.#socket = null
    socket?.close()
    this.#retryDelay = 0
    this.#dial()
  }

  #setState(state) {
    if (state === this.state) return
    this.state = state
    this.#onState()
  }

  #checkHealth() {
    if (!this.#socket) return
    const now = Date.now()
    if (this.state !== 'online') {
      if (now - this.#dialledAt > SILENCE_LIMIT) this.#reset()
      return
    }
    if (this.#pingSent && now - this.#pingSent >= SILENCE_LIMIT && now - this.#lastHeard >= SILENCE_LIMIT) {
      return this.#reset()
    }
    if (now - this.#lastPing >= PING_EVERY) {
      this.#lastPing = now
      this.#pingSent ??= now
      this.#send({ type: 'ping' })
    }
  }

  // ---- hearing

  #receive(text) {
    this.#lastHeard = Date.now()
    try {
      const message = JSON.parse(text)
      switch (message.type) {
        case 'connect':
          return this.#hydrate(message)
        case 'data':
          return this.#receiveData(message.data)
        case 'patch':
        case 'push_result':
          return this.#receiveData([message])
        case 'pong':
          this.#pingSent = null
          return
        case 'incompatibility_error':
          return this.#refuse(message.reason)
      }
    } catch (error) {
      console.warn('roomsync: starting the connection afresh:', error)
      this.#reset()
    }
  }

  #hydrate(message) {
    if (message.connectRequestId !== this.#requestId) return
    this.#requestId = null
    try {
      this.#store.hydrate(message)
    } catch (error) {
      if (++this.#badHydrations >= MAX_BAD_HYDRATIONS) return this.#refuse('UNKNOWN_ERROR')
      throw error
    }
    this.#badHydrations = 0
    this.#retryDelay = 0
    this.clock = message.serverClock
    this.readonly = message.isReadonly
    this.hydrated = true
    this.#pingSent = null
    this.#lastPing = Date.now()
    this.#setState('online')
    this.#onHydrated()
    this.#schedulePush()
  }

  #receiveData(messages) {
    if (this.state !== 'online') return
    this.#store.receive(messages)
    for (const { type, serverClock, clientClock } of messages) {
      this.clock = serverClock
      if (type === 'push_result') this.#lastAckedPush = clientClock
    }
  }

  // ---- telling

  #schedulePush() {
    if (this.#pushTimer !== null || this.state !== 'online') return
    const wait = Math.max(0, this.#lastPush + PUSH_INTERVAL - Date.now())
    this.#pushTimer = setTimeout(() => {
      this.#pushTimer = null
      this.#push()
    }, wait)
  }

  #push() {
    if (this.state !== 'online') return
    this.#lastPush = Date.now()
    if (this.#socket.bufferedAmount > MAX_BUFFERED) return this.#schedulePush()
    const diff = this.readonly ? null : this.#store.takeUnsent()
    const presence = this.#presenceOp()
    if (!diff && !presence) return
    const clientClock = ++this.#pushClock
    this.#store.pushed(clientClock, diff)
    this.#send({ type: 'push', clientClock, ...(diff && { diff }), ...(presence && { presence }) })
  }

  #presenceOp() {
    const [told, now] = [this.#toldPresence, this.#presence]
    this.#toldPresence = now
    if (!now) return null
    if (!told) return ['put', now]
    const diff = diffRecord(told, now)
    return diff && ['patch', diff]
  }

  #send(message) {
    for (const chunk of chunks(JSON.stringify(message))) this.#socket.send(chunk)
  }
}

/** A message as the room takes it: whole, or from MAX_CHUNK units on as `<k>_<piece>` with k counting down to 0. */
export function* chunks(text) {
  if (text.length < MAX_CHUNK) return yield text
  const room = MAX_CHUNK - 12 // for the countdown in front
  const pieces = []
  for (let at = 0; at < text.length; ) {
    let end = Math.min(at + room, text.length)
    const last = text.charCodeAt(end - 1)
    if (end < text.length && last >= 0xd800 && last < 0xdc00) end -= 1
    pieces.push(text.slice(at, end))
    at = end
  }
  for (const [i, piece] of pieces.entries()) yield `${pieces.length - 1 - i}_${piece}`
}
