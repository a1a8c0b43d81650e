// Does our client do what a stock client does? Every exchange of exchanges/client is played to both.

import { OurClient } from './lib/table/our-client.mjs'
import { StockClient } from './lib/table/stock-client.mjs'
import { playTable } from './lib/table/table.mjs'

await playTable('exchanges with a client', {
  folder: 'exchanges/client',
  rules: 'CLIENT',
  least: 80,
  peers: async ({ clock, machines, solo = false }) => [
    new StockClient({ clock, solo }),
    await OurClient.begin({ machines, solo }),
  ],
})
