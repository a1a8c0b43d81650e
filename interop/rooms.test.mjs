// Does our room tell its sessions what a stock room tells them? Every exchange of exchanges/room is played to both.

import { fileURLToPath } from 'node:url'

import { Clock } from './lib/table/clock.mjs'
import { Machines } from './lib/table/machine.mjs'
import { OurRoom } from './lib/table/our-room.mjs'
import { play, readTable, reasons, ruleFaults } from './lib/table/play.mjs'
import { EMPTY } from './lib/table/steps.mjs'
import { StockRoom } from './lib/table/stock-room.mjs'
import { assert, test } from './lib/test.mjs'

const FOLDER = fileURLToPath(new URL('exchanges/room', import.meta.url))
const LEAST = 150

await test('exchanges with a room', async ({ step, cleanup }) => {
  const table = await readTable(FOLDER)
  const machines = new Machines()
  cleanup(() => machines.close())
  const clock = new Clock()
  cleanup(() => clock.uninstall())

  // Stock rooms write much of what exchanges make them refuse.
  const { log, warn, error } = console
  cleanup(() => Object.assign(console, { log, warn, error }))
  Object.assign(console, { log() {}, warn() {}, error() {} })

  const faults = []
  const used = []
  for (const [chapter, name, exchange] of table) {
    const { steps, objectTypes = [], snapshot = EMPTY } = Array.isArray(exchange) ? { steps: exchange } : exchange
    const stock = new StockRoom({ clock, snapshot, objectTypes })
    const ours = await OurRoom.begin({ machines, snapshot, objectTypes })
    const wrong = await play(steps, stock, ours)
    await stock.end()
    if (wrong.length > 0) faults.push(`${chapter}: ${name}`, ...wrong.map((line) => `  ${line}`))
    used.push(...reasons(steps))
  }
  faults.push(...ruleFaults('ROOM', 'interop/exchanges/room', used))
  assert(faults.length === 0, `\n${faults.join('\n')}`)
  assert(table.length >= LEAST, `only ${table.length} exchanges`)
  Object.assign(console, { log })
  step(`${table.length} exchanges, which differ at ${used.length} steps, each by a rule`)
})
