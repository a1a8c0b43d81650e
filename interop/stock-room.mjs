// A server of stock rooms, with the flags of roomsync-server, to run these tests (or anything else) against:
//   node stock-room.mjs [--listen 127.0.0.1:8787] [--data FILE] [--admin-token TOKEN]

import { parseArgs } from 'node:util'

import { startStockServer } from './lib/stock-server.mjs'

const { values } = parseArgs({
  options: {
    listen: { type: 'string', default: '127.0.0.1:8787' },
    data: { type: 'string' },
    'admin-token': { type: 'string' },
  },
})
const [host, port] = values.listen.split(':')
const server = await startStockServer({
  host,
  port: Number(port),
  dataFile: values.data,
  token: values['admin-token'],
})
console.log(`listening on ${server.base}`)
