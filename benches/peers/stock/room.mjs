// The stock room in process: JSON text in, JSON text out, as its socket adapters do.

import { InMemorySyncStorage, TLSocketRoom } from '@tldraw/sync-core'

import { callWaiting } from './clock.mjs'
import { SCHEMA, connectText, dragDiff, fresh, pushText, shapeId } from './records.mjs'
import { makeSchema } from './schema.mjs'
import { timed } from './timed.mjs'

const A_FRAME = 17

export class Room {
  sent = 0
  /** Texts that slow sockets have not sent yet, when they are kept. */
  kept = null
  #isOver = false
  #clocks = []

  constructor(shapes) {
    const snapshot = {
      documentClock: 1,
      tombstoneHistoryStartsAtClock: 0,
      documents: shapes.map((state) => ({ state, lastChangedClock: 1 })),
      tombstones: {},
      schema: SCHEMA,
    }
    this.room = new TLSocketRoom({ schema: makeSchema(), storage: new InMemorySyncStorage({ snapshot }), log: {} })
  }

  connect(number, lastServerClock = -1) {
    const socket = {
      readyState: 1,
      send: (text) => {
        this.sent += 1
        this.kept?.push(text)
      },
      close: (_, reason) => {
        if (!this.#isOver) throw new Error(`the stock room closed session ${number}: ${reason}`)
      },
      addEventListener() {},
      removeEventListener() {},
    }
    this.#clocks[number] = 0
    this.room.handleSocketConnect({ sessionId: `session ${number}`, isReadonly: false, socket })
    this.message(number, connectText(number, lastServerClock))
  }

  connectAll(sessions) {
    for (let number = 0; number < sessions; number++) this.connect(number)
  }

  message(number, text) {
    this.room.handleSocketMessage(`session ${number}`, text)
  }

  /** The text of a session's next push. */
  pushText(number, diff, presence) {
    this.#clocks[number] += 1
    return pushText(this.#clocks[number], diff, presence)
  }

  flush() {
    callWaiting(A_FRAME)
  }

  close() {
    this.#isOver = true
    this.room.close()
  }
}

export const works = {
  /** W1: one of `sessions` drags; flushed after every `burst` pushes. */
  drag({ shapes, sessions, pushes, burst }) {
    const room = new Room(shapes)
    room.connectAll(sessions)
    const texts = Array.from({ length: pushes }, (_, step) => room.pushText(0, dragDiff(7, step + 1)))
    return finish(room, timed(() => {
      for (let step = 1; step <= pushes; step++) {
        room.message(0, texts[step - 1])
        if (step % burst === 0) room.flush()
      }
    }))
  },

  /** W2: all push in turn a patch of a shape of their own and their cursor. */
  everyone({ shapes, sessions, rounds }) {
    const room = new Room(shapes)
    room.connectAll(sessions)
    const cursor = (number, step) =>
      step === 1
        ? ['put', { id: `p${number}`, typeName: 'instance_presence', userName: `user ${number}`, cursor: { x: 0, y: 0 } }]
        : ['patch', { cursor: ['put', { x: step + 0.5, y: number }] }]
    const texts = []
    for (let step = 1; step <= rounds; step++) {
      for (let number = 0; number < sessions; number++) {
        texts.push(room.pushText(number, dragDiff(number, step), cursor(number, step)))
      }
    }
    return finish(room, timed(() => {
      texts.forEach((text, at) => {
        room.message(at % sessions, text)
        room.flush()
      })
    }))
  },

  /** W3: a string grows to `length` by appends of 60; the time of each tenth of the way. */
  stroke({ shapes, sessions, length }) {
    const room = new Room(shapes)
    room.connectAll(sessions)
    const piece = 'abcdefghij'.repeat(6)
    const pushes = Math.ceil(length / piece.length)
    const append = (push) => ['append', piece, 'hello'.length + push * piece.length]
    const texts = Array.from({ length: pushes }, (_, push) =>
      room.pushText(0, { [shapeId(7)]: ['patch', { props: ['patch', { label: append(push) }] }] })
    )
    const deciles = []
    for (let decile = 0; decile < 10; decile++) {
      const until = Math.round((pushes * (decile + 1)) / 10)
      const from = Math.round((pushes * decile) / 10)
      deciles.push(timed(() => {
        for (let step = from; step < until; step++) {
          room.message(0, texts[step])
          room.flush()
        }
      }))
    }
    return { ...finish(room, deciles.reduce((a, b) => a + b)), deciles }
  },

  /** W4: `clients` enter one after the other; before each something changes if it shall be `cold`. */
  hydrate({ shapes, clients, cold, upToDate }) {
    const room = new Room(shapes)
    room.connect(0)
    room.connect(1)
    let ns = 0
    for (let number = 2; number < clients + 2; number++) {
      if (cold) room.message(0, room.pushText(0, dragDiff(7, number)))
      room.flush()
      const clock = upToDate ? room.room.getCurrentDocumentClock() : -1
      ns += timed(() => room.connect(number, clock))
    }
    return finish(room, ns)
  },

  /** W4: `clients` return at once, to sockets that send nothing until all are answered. */
  storm({ shapes, clients }) {
    const room = new Room(shapes)
    globalThis.gc()
    const before = process.memoryUsage().heapUsed
    room.kept = []
    const ns = timed(() => room.connectAll(clients))
    const bytes = process.memoryUsage().heapUsed - before
    return { ...finish(room, ns), bytes }
  },

  /** W7: live bytes per record of a room. */
  records({ shapes }) {
    const count = shapes.length
    shapes = null
    const empty = live()
    const room = new Room(fresh(count))
    const bytes = live() - empty
    return { ...finish(room, 0), bytes }
  },

  /** W7: live bytes of sessions that entered a small room and do nothing. */
  sessions({ shapes, sessions }) {
    const room = new Room(shapes)
    room.connect(0)
    const empty = live()
    for (let number = 1; number <= sessions; number++) room.connect(number)
    room.flush()
    const bytes = live() - empty
    return { ...finish(room, 0), bytes }
  },
}

function live() {
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

function finish(room, ns) {
  room.close()
  return { ns, sent: room.sent }
}
