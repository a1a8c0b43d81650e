// Does our room tell its sessions what a stock room tells them? Every exchange of exchanges/room is played to both.

import { OurRoom } from './lib/table/our-room.mjs'
import { EMPTY } from './lib/table/steps.mjs'
import { StockRoom } from './lib/table/stock-room.mjs'
import { playTable } from './lib/table/table.mjs'

await playTable('exchanges with a room', {
  folder: 'exchanges/room',
  rules: 'ROOM',
  least: 150,
  peers: async ({ clock, machines, snapshot = EMPTY, objectTypes = [], authors = false, migrating = false }) => {
    const options = { snapshot, objectTypes, authors, migrating }
    return [new StockRoom({ clock, ...options }), await OurRoom.begin({ machines, ...options })]
  },
})
