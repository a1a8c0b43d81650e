// The stock client in process, with a stock store.

import { atom } from '@tldraw/state'
import { Store } from '@tldraw/store'
import { TLSyncClient } from '@tldraw/sync-core'

import { pass } from './clock.mjs'
import { SCHEMA, dragDiff, shapeId } from './records.mjs'
import { makeSchema } from './schema.mjs'
import { timed } from './timed.mjs'

const FRAMES = 60

class Client {
  sent = []
  #receive = null

  constructor() {
    const connected = { connectionStatus: 'online', sendMessage: (message) => this.sent.push(JSON.stringify(message)) }
    this.store = new Store({ schema: makeSchema(), props: {} })
    this.sync = new TLSyncClient({
      store: this.store,
      socket: {
        ...connected,
        onReceiveMessage: (listener) => {
          this.#receive = listener
          return () => {}
        },
        onStatusChange: () => () => {},
        restart() {
          throw new Error('the stock client gave its connection up')
        },
        close() {},
      },
      presence: atom('presence', null),
      presenceMode: atom('presence mode', 'full'),
      onLoad() {},
      onSyncError(reason) {
        throw new Error(`the stock client stopped: ${reason}`)
      },
    })
  }

  receive(text) {
    this.#receive(JSON.parse(text))
  }

  answer(shapes) {
    const { connectRequestId } = JSON.parse(this.sent[0])
    const diff = Object.fromEntries(shapes.map((shape) => [shape.id, ['put', shape]]))
    return JSON.stringify({
      type: 'connect', connectRequestId, hydrationType: 'wipe_all', protocolVersion: 8, schema: SCHEMA, diff,
      serverClock: 1, isReadonly: false, objectAccess: 'write',
    })
  }
}

export const works = {
  /** W5: a client of these shapes with `unconfirmed` changes hears `patches` of other shapes, a frame each. */
  rebase({ shapes, unconfirmed, patches }) {
    const client = new Client()
    client.receive(client.answer(shapes))
    pass(FRAMES)
    for (let number = 0; number < unconfirmed; number++) {
      client.store.update(shapeId(number), (shape) => ({ ...shape, x: shape.x + 1 }))
    }
    pass(FRAMES)
    let ns = 0
    for (let step = 1; step <= patches; step++) {
      const diff = dragDiff(unconfirmed + (step % (shapes.length - unconfirmed)), step)
      const text = JSON.stringify({ type: 'data', data: [{ type: 'patch', diff, serverClock: step + 1 }] })
      ns += timed(() => {
        client.receive(text)
        pass(FRAMES)
      })
    }
    const last = client.store.get(shapeId(unconfirmed + (patches % (shapes.length - unconfirmed))))
    if (last.x !== patches + 0.5) throw new Error('the stock client did not take the patches')
    return { ns, sent: 0 }
  },

  /** W5: the answer that brings these shapes. */
  hydration({ shapes }) {
    const client = new Client()
    const text = client.answer(shapes)
    const ns = timed(() => {
      client.receive(text)
      pass(FRAMES)
    })
    if (client.store.allRecords().length !== shapes.length) throw new Error('the stock client did not take the shapes')
    return { ns, sent: 0 }
  },
}
