// What do records look like that are made and changed by chance? So that peers which compute diffs by different rules
// still agree on them: lists never shrink, nothing changes its kind, and no text begins with another one but what grew from it.

import { note, pin } from './steps.mjs'

export const RECORDS = ['note:1', 'note:2', 'note:3', 'pin:1']

export class RandomRecords {
  #random
  #textsGrow
  #count = 0

  constructor(random, { textsGrow = true } = {}) {
    this.#random = random
    this.#textsGrow = textsGrow
  }

  /** A number that was never given before. */
  next() {
    return (this.#count += 1)
  }

  make(id) {
    const record = id.startsWith('pin') ? pin(id.slice(4)) : note(id.slice(5))
    return { ...record, x: this.next(), text: this.#text(), list: [1, 2, 3], props: { n: this.next(), cells: [{ v: 1 }, { v: 2 }] } }
  }

  /** Some fields of the record, with other values. */
  changes(record) {
    const { text = this.#text(), list, props } = record
    const random = this.#random
    const changes = [
      { x: random.chance(0.2) ? record.x : this.next() },
      { text: this.#text() },
      { text: this.#textsGrow ? `${text}${random.pick(['!', 'é', '😀'])}` : this.#text() },
      { list: [...list, this.next()] },
      { list: list.with(random.below(3), this.next()) },
      { props: { ...props, [random.pick(['n', 'm', 'k'])]: random.chance(0.3) ? { o: this.next() } : this.next() } },
      { props: { ...props, cells: props.cells.with(random.below(2), { v: this.next() }) } },
      { props: Object.fromEntries(Object.entries(props).filter(([key]) => key === 'cells' || random.chance(0.5))) },
    ]
    return Object.assign({}, ...changes.filter(() => random.chance(0.25)))
  }

  #text() {
    return `t${this.next()};`
  }
}
