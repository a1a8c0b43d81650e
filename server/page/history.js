// Undo and redo of this user's own edits.
//
// A step holds each record that it touched before and after. Undoing applies what leads from after to before as a diff
// onto the record as it is now, so that what others did to it meanwhile stays.

import { applyRecordOp, recordOp } from './diff.js'

const MAX_STEPS = 200

export class History {
  #store
  #open = null // the step being recorded: id -> {before, after}
  #undo = []
  #redo = []

  constructor(store) {
    this.#store = store
  }

  get canUndo() {
    return this.#undo.length > 0
  }

  get canRedo() {
    return this.#redo.length > 0
  }

  /** Everything until `commit` is one step. */
  begin() {
    this.commit()
    this.#open = new Map()
  }

  commit() {
    const step = this.#open && [...this.#open].filter(([, { before, after }]) => before !== after)
    this.#open = null
    if (!step || step.length === 0) return
    this.#undo.push(step)
    if (this.#undo.length > MAX_STEPS) this.#undo.shift()
    this.#redo = []
  }

  /** Takes back everything since `begin`, as if it had not been. */
  cancel() {
    const step = this.#open ? [...this.#open] : []
    this.#open = null
    this.#apply(step, 'after', 'before')
  }

  put(record) {
    this.#note(record.id, record)
    this.#store.put(record)
  }

  remove(id) {
    this.#note(id, undefined)
    this.#store.remove(id)
  }

  /** Runs `edits` as one step. */
  step(edits) {
    this.begin()
    edits()
    this.commit()
  }

  undo() {
    this.#move(this.#undo, this.#redo, 'after', 'before')
  }

  redo() {
    this.#move(this.#redo, this.#undo, 'before', 'after')
  }

  #note(id, after) {
    if (!this.#open) return
    const before = this.#open.has(id) ? this.#open.get(id).before : this.#store.get(id)
    this.#open.set(id, { before, after })
  }

  #move(from, to, now, then) {
    this.commit()
    const step = from.pop()
    if (!step) return
    this.#apply(step, now, then)
    to.push(step)
  }

  #apply(step, now, then) {
    for (const [id, states] of step) {
      const op = recordOp(states[now], states[then])
      const record = op && applyRecordOp(this.#store.get(id), op)
      if (record) this.#store.put(record)
      else if (op) this.#store.remove(id)
    }
  }
}
