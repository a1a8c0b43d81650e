// Which random choice comes next? Every choice of a test comes from one seed, so that a failure can be run again.

export class Random {
  #state

  constructor(seed) {
    this.seed = String(seed)
    this.#state = hash(this.seed)
  }

  /** An independent stream: what one client does never shifts the choices of another. */
  fork(label) {
    return new Random(`${this.seed}/${label}`)
  }

  /** A number in [0, 1), by splitmix32. */
  next() {
    this.#state = (this.#state + 0x9e3779b9) >>> 0
    let z = this.#state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to n - 1. */
  below(n) {
    return Math.floor(this.next() * n)
  }

  between(low, high) {
    return low + this.below(high - low + 1)
  }

  chance(probability) {
    return this.next() < probability
  }

  pick(items) {
    return items[this.below(items.length)]
  }

  /** One key of `weights`, each as likely as its number says. */
  weighted(weights) {
    const entries = Object.entries(weights)
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [key, weight] of entries) {
      left -= weight
      if (left < 0) return key
    }
    return entries.at(-1)[0]
  }
}

/** FNV-1a over the UTF-16 units. */
function hash(text) {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}
