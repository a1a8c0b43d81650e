// How do messages of a client compare? Ids of requests are random, and clocks of pushes begin where a client likes:
// both are counted here instead.

/** Counts a client's requests and pushes: the first of an exchange is 1 on this side, whatever it is on the wire. */
export class Wire {
  #requests = []
  #pushes = []

  /** What the client sent, as it compares. */
  sent(message) {
    if (message.type === 'connect') {
      this.#requests.push(message.connectRequestId)
      return { ...message, connectRequestId: this.#requests.length }
    }
    if (message.type === 'push') {
      this.#pushes.push(message.clientClock)
      return { ...message, clientClock: this.#pushes.length }
    }
    return message
  }

  /** A message of an exchange, as the client shall hear it. */
  received(message) {
    if (message?.type === 'connect') {
      const { connectRequestId: nth = this.#requests.length } = message
      return { ...message, connectRequestId: this.#requests[nth - 1] ?? 'another request' }
    }
    if (message?.type === 'push_result') {
      const { clientClock: nth } = message
      return { ...message, clientClock: this.#pushes[nth - 1] ?? 1_000 + nth }
    }
    if (message?.type === 'data' && Array.isArray(message.data)) {
      return { ...message, data: message.data.map((entry) => this.received(entry)) }
    }
    return message
  }
}
