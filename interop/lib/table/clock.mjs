// How does time pass for stock peers in a table? Only when it is told to, and at once.

const REAL = {
  setTimeout, clearTimeout, setInterval, clearInterval, setImmediate,
  now: Date.now,
  requestAnimationFrame: globalThis.requestAnimationFrame,
  cancelAnimationFrame: globalThis.cancelAnimationFrame,
}
const FRAME_MS = 16
/** Many frames, and many seconds. */
const ALIGNED_MS = 1_000 * FRAME_MS
/** Where a table's time begins; any time will do. */
const EPOCH = 1_700_000_000_000

/** Stands in for the timers of this process until it is uninstalled. Must be installed before stock peers are made. */
export class Clock {
  now = EPOCH
  #timers = new Map()
  #last = 0

  constructor() {
    const at = (callback, ms, every) => {
      // A number beyond those of Node's own timers, so that either kind finds its own.
      const id = `fake ${(this.#last += 1)}`
      this.#timers.set(id, { callback, due: this.now + Math.max(1, Math.trunc(ms ?? 0)), every })
      return id
    }
    const clear = (real) => (id) => {
      if (!this.#timers.delete(id)) real?.(id)
    }
    Object.assign(globalThis, {
      setTimeout: (callback, ms, ...args) => at(() => callback(...args), ms),
      setInterval: (callback, ms, ...args) => at(() => callback(...args), ms, Math.max(1, ms)),
      requestAnimationFrame: (callback) => at(() => callback(this.now), FRAME_MS - ((this.now - EPOCH) % FRAME_MS)),
      clearTimeout: clear(REAL.clearTimeout),
      clearInterval: clear(REAL.clearInterval),
      cancelAnimationFrame: clear(),
    })
    Date.now = () => this.now
  }

  uninstall() {
    const { now, ...globals } = REAL
    Object.assign(globalThis, globals)
    Date.now = now
  }

  /** Lets that many milliseconds pass; timers fire when they are due, one after the other. */
  async pass(ms) {
    const end = this.now + ms
    await settled()
    for (;;) {
      const [id, timer] = this.#next()
      if (!timer || timer.due > end) break
      this.now = timer.due
      if (timer.every) timer.due += timer.every
      else this.#timers.delete(id)
      timer.callback()
      await settled()
    }
    this.now = end
  }

  /** Waits for a moment that is like any other that is waited for so. */
  align() {
    return this.pass(ALIGNED_MS - ((this.now - EPOCH) % ALIGNED_MS))
  }

  #next() {
    let next = []
    for (const entry of this.#timers) {
      if (!next[1] || entry[1].due < next[1].due) next = entry
    }
    return next
  }
}

/** Resolves when all that is to happen at once has happened. */
export const settled = () => new Promise((resolve) => REAL.setImmediate(resolve))
