// How does a test cut the connections of a program that it cannot reach into? By standing between it and the server.

import { connect, createServer } from 'node:net'
import { once } from 'node:events'

/** A proxy to `base` (an http address); `cut(random)` breaks one of its connections, if there is any. */
export async function startCuttingProxy(base) {
  const target = new URL(base)
  const pairs = new Set()
  const server = createServer((near) => {
    const far = connect({ host: target.hostname, port: Number(target.port) })
    const pair = { near, far }
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) socket.on('error', end).on('close', end).setNoDelay()
    near.pipe(far)
    far.pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    base: `http://127.0.0.1:${server.address().port}`,
    cut(random) {
      const pair = random.pick([...pairs])
      pair?.near.destroy()
      return pair !== undefined
    },
    close() {
      for (const { near } of pairs) near.destroy()
      server.close()
    },
  }
}
