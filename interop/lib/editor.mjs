// What does a busy user do? Random edits of valid stock records, all from one seed.

import { PageRecordType, toRichText } from '@tldraw/tlschema'

import { randomJson, randomText } from './json.mjs'
import { sleep } from './wait.mjs'

const MOST_SHAPES = 25
const COLORS = ['black', 'grey', 'blue', 'light-blue', 'yellow', 'orange', 'green', 'red', 'violet']
const INDEXES = ['a0', 'a1', 'a1V', 'a2', 'a5', 'aG', 'b00', 'Zz']
const WEIGHTS = {
  addPage: 1, addGeo: 6, addStroke: 3, drawOn: 22, move: 16, restyle: 10, write: 5, note: 12, grow: 6, pokeItem: 5,
  forget: 3, renamePage: 5, remove: 6, removeAndPutBack: 1, several: 3, look: 14,
}

export class Editor {
  /** How many edits were made. */
  edits = 0
  /** What the counter, a record that nobody else writes, was last set to. */
  count = 0
  #client
  #store
  #random
  #made = 0
  #stroke = ''

  constructor(client, random) {
    this.#client = client
    this.#store = client.store
    this.#random = random
    this.counterId = `page:counter-${client.name}`
  }

  /** One random edit, and often one more on the counter. */
  edit() {
    this.edits += 1
    this.#step(this.#random.weighted(WEIGHTS))
    if (this.#random.chance(0.5)) this.#countUp()
  }

  /** Makes that many edits at a user's pace; `then(i)` follows each. */
  async editAtPace(edits, then = () => {}) {
    for (let i = 0; i < edits; i++) {
      this.edit()
      then(i)
      await sleep(this.#random.between(5, 25))
    }
    this.#countUp()
  }

  /** Removes the counter, which is sure to be there after `editAtPace`. */
  removeCounter() {
    this.#store.remove([this.counterId])
  }

  /** A text so long that the push must travel in chunks; without surrogate pairs, since stock chunks may split them. */
  writeAtLength() {
    const text = 'Wörter, 言葉, "λόγια"\n'.repeat(15_000)
    this.#put(page(`page:long-${this.#client.name}`, 'long', 'a1', { text }))
  }

  #step(kind) {
    const random = this.#random
    const shape = this.#any('shape')
    const pageRecord = this.#any('page')
    switch (kind) {
      case 'addPage':
        return this.#put(page(this.#newId('page'), randomText(random, 8), random.pick(INDEXES), {}))
      case 'addGeo':
        if (this.#all('shape').length >= MOST_SHAPES) return this.#step('remove')
        return this.#put(this.#geo())
      case 'addStroke':
        this.#stroke = this.#newId('shape')
        return this.#put(this.#draw(this.#stroke))
      case 'drawOn':
        return this.#drawOn()
      case 'move':
        return this.#update(shape, (s) => ({ x: s.x + random.between(-50, 50) / 4, y: random.between(-1e3, 1e3) }))
      case 'restyle':
        return this.#update(shape, (s) => ({ props: { ...s.props, ...this.#style(s) } }))
      case 'write':
        return this.#update(this.#any('geo'), (s) => ({
          props: { ...s.props, richText: toRichText(randomText(random, 12)) },
        }))
      case 'note':
        return this.#updateMeta(shape ?? pageRecord, random.pick(['a', 'b', 'ключ', '']), () => randomJson(random, 4))
      case 'grow':
        return this.#updateMeta(pageRecord, 'log', (log) => this.#grown(log))
      case 'pokeItem':
        return this.#updateMeta(pageRecord, 'cells', (cells) => this.#poked(cells))
      case 'forget':
        return this.#update(shape, (s) => ({ meta: without(s.meta, random.pick(Object.keys(s.meta))) }))
      case 'renamePage':
        return this.#update(pageRecord, (p) => ({
          name: random.chance(0.5) ? p.name + randomText(random, 3) : randomText(random, 8),
          index: random.pick(INDEXES),
        }))
      case 'remove':
        return shape && this.#store.remove([shape.id])
      case 'removeAndPutBack':
        if (!shape) return
        this.#store.remove([shape.id])
        return this.#put({ ...shape, x: 0 })
      case 'several':
        return this.#store.atomic(() => {
          for (let i = random.between(2, 5); i > 0; i--) this.#step(random.weighted({ ...WEIGHTS, several: 0 }))
        })
      case 'look':
        return this.look()
      default:
        throw new Error(`no such edit: ${kind}`)
    }
  }

  #countUp() {
    this.count += 1
    this.#put(page(this.counterId, `counter of ${this.#client.name}`, 'a1', { count: this.count }))
  }

  #put(record) {
    this.#store.put([record])
  }

  #update(record, change) {
    // Within one atomic step a record may be gone again.
    if (record && this.#store.has(record.id)) this.#store.update(record.id, (r) => ({ ...r, ...change(r) }))
  }

  #updateMeta(record, key, change) {
    this.#update(record, (r) => ({ meta: { ...r.meta, [key]: change(r.meta[key]) } }))
  }

  /** A pen stroke: its path only ever grows, which goes over the wire as string appends. */
  #drawOn() {
    const stroke = this.#store.get(this.#stroke)
    if (!stroke) return this.#step('addStroke')
    const [first, ...rest] = stroke.props.segments
    const path = first.path + Array.from({ length: this.#random.between(1, 8) }, () => 'QmA9').join('')
    this.#update(stroke, (s) => ({ props: { ...s.props, segments: [{ ...first, path }, ...rest] } }))
  }

  #grown(log) {
    const line = randomText(this.#random, 6)
    if (Array.isArray(log)) return log.length > 20 ? [] : [...log, line]
    if (typeof log === 'string') return this.#random.chance(0.1) ? [line] : log + line
    return this.#random.chance(0.5) ? line : [line]
  }

  /** Changes one or two items of an array in place, among them objects. */
  #poked(cells) {
    if (!Array.isArray(cells)) return Array.from({ length: 8 }, (_, i) => ({ n: i, text: '' }))
    const next = [...cells]
    for (let i = this.#random.between(1, 2); i > 0; i--) {
      const at = this.#random.below(next.length)
      next[at] = { ...next[at], n: this.#random.below(100), text: `${next[at].text}${randomText(this.#random, 2)}` }
    }
    return next
  }

  #style(shape) {
    const style = { color: this.#random.pick(COLORS) }
    if (shape.type !== 'geo') return { ...style, isComplete: this.#random.chance(0.5) }
    return { ...style, w: this.#random.between(1, 4000) / 7, fill: this.#random.pick(['none', 'solid', 'semi']) }
  }

  /** A change of presence. */
  look() {
    this.#client.presence.update((presence) => ({
      ...presence,
      cursor: { x: this.#random.below(1000), y: this.#random.next(), rotation: 0, type: 'default' },
      chatMessage: this.#random.chance(0.7) ? presence.chatMessage : randomText(this.#random, 6),
      selectedShapeIds: this.#random.chance(0.8) ? presence.selectedShapeIds : [this.#any('shape')?.id].filter(Boolean),
      lastActivityTimestamp: this.#random.below(1e9),
    }))
  }

  #geo() {
    const random = this.#random
    return shape(this.#newId('shape'), 'geo', random, {
      geo: random.pick(['rectangle', 'ellipse', 'star']), w: random.between(1, 500), h: random.between(1, 500), url: '',
      growY: 0, flipX: false, flipY: false, scale: 1, labelColor: 'black', color: random.pick(COLORS), fill: 'none',
      dash: 'draw', size: 'm', font: 'draw', align: 'middle', verticalAlign: 'middle',
      richText: toRichText(randomText(random, 5)),
    })
  }

  #draw(id) {
    return shape(id, 'draw', this.#random, {
      color: 'black', fill: 'none', dash: 'draw', size: 'm', isComplete: false, isClosed: false, isPen: true, scale: 1,
      scaleX: 1, scaleY: 1, segments: [{ type: 'free', path: 'AAAA' }],
    })
  }

  /** Any record of that type (or type of shape) that all may edit. */
  #any(type) {
    return this.#random.pick(this.#all(type))
  }

  #all(type) {
    return this.#store
      .allRecords()
      .filter((r) => (r.typeName === type || r.type === type) && !/^page:(counter|long)-/.test(r.id))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  #newId(type) {
    this.#made += 1
    return `${type}:${this.#client.name}-${this.#made}`
  }
}

function page(id, name, index, meta) {
  return PageRecordType.create({ id, name, index, meta })
}

function shape(id, type, random, props) {
  return {
    id, typeName: 'shape', type, props, x: random.between(-500, 500), y: random.between(-500, 500), rotation: 0,
    index: random.pick(INDEXES), parentId: 'page:page', isLocked: false, opacity: 1, meta: {},
  }
}

function without(object, key) {
  const { [key]: _, ...rest } = object
  return rest
}
