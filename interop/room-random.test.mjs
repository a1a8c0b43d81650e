// Does our room tell its sessions what a stock room tells them, whatever happens? Random scripts are played to both.

import { parseArgs } from 'node:util'

import { Clock } from './lib/table/clock.mjs'
import { Machines } from './lib/table/machine.mjs'
import { OurRoom } from './lib/table/our-room.mjs'
import { play } from './lib/table/play.mjs'
import { RandomRoomScript } from './lib/table/random-room.mjs'
import { StockRoom } from './lib/table/stock-room.mjs'
import { EMPTY } from './lib/table/steps.mjs'
import { muteConsole } from './lib/table/table.mjs'
import { assert, assertReached, test } from './lib/test.mjs'

const counts = {
  commit: 0, discard: 0, rebases: 0, patches: 0, appends: 0, presence: 0, collected: 0, wipe_all: 0, wipe_presence: 0, closes: 0, leaves: 0,
}
const { values } = parseArgs({ options: { seed: { type: 'string' }, scripts: { type: 'string', default: '40' } } })

await test('random scripts in a room', async ({ random, step, cleanup }) => {
  const machines = new Machines()
  cleanup(() => machines.close())
  const clock = new Clock()
  cleanup(() => clock.uninstall())
  cleanup(muteConsole())

  for (let i = 0; i < Number(values.scripts); i++) {
    const stock = new StockRoom({ clock, snapshot: EMPTY, objectTypes: [] })
    const ours = await OurRoom.begin({ machines, snapshot: EMPTY, objectTypes: [] })
    const steps = new RandomRoomScript(random.fork(`script ${i}`), stock)
    const faults = await play(steps.units(), counted(stock), ours)
    await stock.end()
    assert(faults.length === 0, `script ${i}\n${faults.slice(0, 30).join('\n')}`)
  }
  assertReached(counts)
  step(`${values.scripts} scripts: ${Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', ')}`)
})

/** The peer, with what it says counted. */
function counted(peer) {
  const note = (what) => (counts[what] += 1)
  return {
    async step(step) {
      const said = await peer.step(step)
      for (const [, what] of said) {
        if (what.closed) note('closes')
        if (what.left) note('leaves')
        if (what.hydrationType) note(what.hydrationType)
        if (what.data?.length > 1) note('collected')
        for (const { type, action, diff } of Array.isArray(what.data) ? what.data : []) {
          const text = JSON.stringify(action ?? diff)
          if (text.includes('"append"')) note('appends')
          if (text.includes('"cursor:')) note('presence')
          note(type === 'patch' ? 'patches' : action.rebaseWithDiff ? 'rebases' : action)
        }
      }
      return said
    },
  }
}
