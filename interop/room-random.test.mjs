// Does our room tell its sessions what a stock room tells them, whatever happens? Random scripts are played to both.

import { OurRoom } from './lib/table/our-room.mjs'
import { RandomRoomScript } from './lib/table/random-room.mjs'
import { EMPTY } from './lib/table/steps.mjs'
import { StockRoom } from './lib/table/stock-room.mjs'
import { playRandom } from './lib/table/table.mjs'

await playRandom('random scripts in a room', {
  kinds: ['commit', 'discard', 'rebaseWithDiff', 'patch', 'append', 'cursor:0', 'wipe_all', 'wipe_presence', 'closed', 'left', 'custom', 'pong'],
  async script({ clock, machines, random }) {
    const options = { snapshot: EMPTY, objectTypes: random.chance(0.3) ? ['pin'] : [], authors: random.chance(0.3) }
    const stock = new StockRoom({ clock, ...options })
    const ours = await OurRoom.begin({ machines, ...options })
    return { steps: new RandomRoomScript(random, stock).units(), stock, ours, end: () => stock.end() }
  },
})
