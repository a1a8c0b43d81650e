// How does our room take part in an exchange? As a process; its connections are known here by the names of sockets.

const FATAL = 4099

export class OurRoom {
  #machines
  #now = 0
  #connections = new Map()

  static async begin({ machines, ...options }) {
    await machines.ask({ begin: 'room', ...options })
    return new OurRoom(machines)
  }

  constructor(machines) {
    this.#machines = machines
  }

  /** Does a step and returns what was said since, as `[to, what]`. */
  async step(step) {
    if (step.do === 'wait') this.#now += step.ms
    const { socket, sockets, ...rest } = step
    const line = { ...rest, now: this.#now }
    if (sockets) line.connections = sockets.map((one) => this.#connections.get(one))
    if (socket && step.do !== 'open') line.connection = this.#connections.get(socket)
    const { actions, answer, refused } = await this.#machines.ask(line)
    if (step.do === 'open' && answer !== undefined) this.#connections.set(socket, answer)
    // A new room counts its connections anew.
    if (step.do === 'hibernate') this.#connections = new Map(sockets.map((one, i) => [one, answer[i]]))
    const said = actions.map((action) => this.#said(action))
    if (step.do === 'snapshot') said.push(['host', { snapshot: answer }])
    if (refused) said.push(['host', { refused }])
    return said
  }

  async end() {}

  #said({ send, close, left }) {
    if (left) return ['host', { left: left.session }]
    if (send) return [this.#socket(send.connection), JSON.parse(send.text)]
    return [this.#socket(close.connection), { closed: close.code === FATAL ? close.reason : 'to retry' }]
  }

  #socket(connection) {
    return [...this.#connections].find(([, its]) => its === connection)[0]
  }
}
