// How does a stock client reach a server from Node? A persistent socket over `ws` that reconnects, and that can be cut.

import { TLSyncErrorCloseEventCode, chunk } from '@tldraw/sync-core'
import { WebSocket } from 'ws'

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 500
const ABANDONED_MS = 300

/**
 * The socket interface that `TLSyncClient` asks for. `observer` hears `sent(message, frames)`, `received(message)`,
 * `lost()` and `fatal(reason)`.
 */
export class StockSocket {
  connectionStatus = 'offline'
  /** How often the client itself asked for a new connection, which it does when it cannot go on with this one. */
  restarts = 0

  #url
  #observer
  #ws = null
  #closed = false
  #retryMs = FIRST_RETRY_MS
  #retryTimer = null
  #messageListeners = new Set()
  #statusListeners = new Set()

  constructor(url, observer) {
    this.#url = url
    this.#observer = observer
    this.#dial()
  }

  sendMessage(message) {
    if (this.connectionStatus !== 'online') return
    const frames = chunk(JSON.stringify(message))
    this.#observer.sent(message, frames.length)
    for (const frame of frames) this.#ws.send(frame)
  }

  onReceiveMessage = (listener) => {
    this.#messageListeners.add(listener)
    return () => this.#messageListeners.delete(listener)
  }

  onStatusChange = (listener) => {
    this.#statusListeners.add(listener)
    return () => this.#statusListeners.delete(listener)
  }

  restart() {
    this.restarts += 1
    this.#ws?.close()
    this.#lost()
  }

  close() {
    this.#closed = true
    clearTimeout(this.#retryTimer)
    this.#ws?.close()
    this.#ws = null
  }

  /**
   * Loses the connection: by `close` with a closing handshake, by `terminate` without one, by `abandon` without one and
   * with the old connection still open for a while, as after a change of networks. False when there was none to lose.
   */
  cut(how) {
    if (this.connectionStatus !== 'online') return false
    const ws = this.#ws
    if (how === 'close') ws.close()
    else if (how === 'terminate') ws.terminate()
    else setTimeout(() => ws.terminate(), ABANDONED_MS)
    this.#lost()
    return true
  }

  #dial() {
    const ws = new WebSocket(this.#url)
    this.#ws = ws
    const ifCurrent = (fn) => (...args) => {
      if (this.#ws === ws) fn(...args)
    }
    ws.on('open', ifCurrent(() => this.#status({ status: 'online' })))
    ws.on('message', ifCurrent((data) => this.#receive(JSON.parse(data.toString()))))
    ws.on('close', ifCurrent((code, reason) => this.#closedByServer(code, reason.toString())))
    ws.on('error', () => {}); // always followed by 'close'
  }

  #receive(message) {
    this.#retryMs = FIRST_RETRY_MS
    this.#observer.received(message)
    for (const listener of this.#messageListeners) listener(message)
  }

  #closedByServer(code, reason) {
    if (code !== TLSyncErrorCloseEventCode) return this.#lost()
    this.#closed = true
    this.#ws = null
    this.#observer.fatal(reason)
    this.#status({ status: 'error', reason })
  }

  #lost() {
    this.#ws = null
    this.#observer.lost()
    if (this.connectionStatus === 'online') this.#status({ status: 'offline' })
    if (this.#closed) return
    clearTimeout(this.#retryTimer)
    this.#retryTimer = setTimeout(() => this.#dial(), this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 1.5, LAST_RETRY_MS)
  }

  #status(event) {
    this.connectionStatus = event.status
    for (const listener of this.#statusListeners) listener(event)
  }
}
