// How does our client take part in an exchange? As a process; there is one link at a time.

import { text } from './play.mjs'
import { Wire } from './wire.mjs'

const FATAL = 4099

export class OurClient {
  #machines
  #now = 0
  #link = null
  #wire = new Wire()
  #shown = '{}'

  static async begin({ machines, solo }) {
    await machines.ask({ begin: 'client', solo })
    return new OurClient(machines)
  }

  constructor(machines) {
    this.#machines = machines
  }

  /** Does a step and returns what was said since, as `[to, what]`. */
  async step(step) {
    if (step.do === 'wait') this.#now += step.ms
    const line = { ...step, now: this.#now }
    if (step.do === 'message' || step.do === 'drop') {
      if (this.#link === null) return []
      line.link = this.#link
    }
    if (step.do === 'message') line.text = JSON.stringify(this.#wire.received(step.message)) ?? ''
    if (step.do === 'drop') Object.assign(line, { code: step.reason ? FATAL : 1006, reason: step.reason ?? '' })
    const { actions = [], answer, refused } = await this.#machines.ask(line)
    if (step.do === 'open') this.#link = answer
    if (step.do === 'drop') this.#link = null
    const said = actions.map((action) => this.#said(action))
    if (refused) said.push(['app', 'the edit is refused'])
    return said
  }

  /** The store, if it looks different. */
  async look() {
    const { answer: records } = await this.#machines.ask({ do: 'records', now: this.#now })
    const before = this.#shown
    this.#shown = text(records)
    return this.#shown === before ? [] : [['store', records]]
  }

  async end() {}

  #said({ send, close, app }) {
    if (send) return ['room', this.#wire.sent(JSON.parse(send.text))]
    if (app) return ['app', app]
    if (close.link === this.#link) this.#link = null
    return ['room', 'reset']
  }
}
