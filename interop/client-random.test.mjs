// Does our client do what a stock client does, whatever happens? Random scripts are played to both.

import { OurClient } from './lib/table/our-client.mjs'
import { RandomClientScript } from './lib/table/random-client.mjs'
import { EMPTY } from './lib/table/steps.mjs'
import { StockClient } from './lib/table/stock-client.mjs'
import { StockRoom } from './lib/table/stock-room.mjs'
import { playRandom } from './lib/table/table.mjs'

await playRandom('random scripts with a client', {
  kinds: ['connect', 'push', 'store', 'online', 'append', 'remove', 'presence'],
  async script({ clock, machines, random }) {
    // Where notes belong to their authors, pushes are rebased and discarded.
    const room = new StockRoom({ clock, snapshot: EMPTY, objectTypes: [], authors: random.chance(0.5) })
    const stock = new StockClient({ clock, solo: false })
    const ours = await OurClient.begin({ machines, solo: false })
    const sent = []
    const watched = {
      look: () => stock.look(),
      async step(step) {
        const said = await stock.step(step)
        sent.push(...said.flatMap(([to, what]) => (to === 'room' && what.type ? [what] : [])))
        return said
      },
    }
    const script = new RandomClientScript({ random, client: stock, room, sent: () => sent.splice(0) })
    const end = async () => {
      await stock.end()
      await room.end()
    }
    return { steps: script.units(), stock: watched, ours, end }
  },
})
