// Do stock clients work with roomsync-server? Four edit one room while their sockets are cut and the server is killed
// and restarted; in the end everybody agrees and nothing that was confirmed is lost.

import path from 'node:path'

import { assertSame, differences, snapshotDocuments } from './lib/compare.mjs'
import { Editor } from './lib/editor.mjs'
import { Server } from './lib/process.mjs'
import { StockClient, assertNoFaults, untilSettled } from './lib/stock-client.mjs'
import { assert, assertReached, test } from './lib/test.mjs'
import { sleep, until } from './lib/wait.mjs'

const NAMES = ['ann', 'bob', 'cid', 'dee']
const EDITS = 400
const ROOM = 'interop'

await test('stock clients in a room of roomsync-server', async ({ random, step, directory, cleanup }) => {
  const server = new Server({ data: path.join(directory, 'rooms.db') })
  cleanup(() => server.stop())
  await server.start()
  step(`server at ${server.base}`)

  const clients = NAMES.map((name) => new StockClient({ base: server.base, room: ROOM, name }))
  cleanup(() => clients.forEach((client) => client.close()))
  await until('all to be connected', () => clients.every((client) => client.told.connected))
  step(`${clients.length} clients are connected`)

  const cuts = { close: 0, terminate: 0, abandon: 0 }
  const editors = clients.map((client) => new Editor(client, random.fork(client.name)))
  const editing = Promise.all(
    clients.map((client, i) => {
      const lane = random.fork(`cuts of ${client.name}`)
      return editors[i].editAtPace(EDITS, (done) => {
        if (done === EDITS / 4) editors[i].writeAtLength()
        if (!lane.chance(0.04)) return
        const how = lane.chance(0.5) ? 'close' : lane.pick(['terminate', 'abandon'])
        if (client.socket.cut(how)) cuts[how] += 1
      })
    }),
  )

  await until('a good part of the edits', () => editors.every((editor) => editor.edits > EDITS / 3))
  await server.kill()
  const confirmed = clients.map((client, i) => counterIn(client.told.documents, editors[i]))
  const clocks = clients.map((client) => client.told.clock)
  step(`server killed; counters confirmed by then: ${confirmed.join(', ')}, at clock ${Math.max(...clocks)}`)
  await sleep(500)
  await server.start()
  const restored = await server.snapshot(ROOM)
  step(`server is back, restored clock ${restored.documentClock}`)
  assert(restored.documentClock >= Math.max(...clocks), 'the restored clock is older than what clients were told')
  clients.forEach((client, i) => {
    const count = counterIn(snapshotDocuments(restored), editors[i])
    assert(count >= confirmed[i], `${client.name} was told of ${confirmed[i]}, the restart brought back ${count}`)
  })

  await editing
  step('all edits are made')
  await untilSettled(clients)
  server.assertAlive()
  step('the room is quiet')

  const spectator = new StockClient({ base: server.base, room: ROOM, name: 'eve', readonly: true, presence: false })
  cleanup(() => spectator.close())
  await until('the spectator to be settled', () => spectator.isSettled())
  assert(spectator.isReadonly === true, 'the spectator was not told that it is read-only')

  const everyone = [...clients, spectator]
  const snapshot = snapshotDocuments(await server.snapshot(ROOM))
  for (const client of everyone) {
    assertSame("the server's snapshot", snapshot, `${client.name}'s store`, client.documents())
    assertSame("the server's snapshot", snapshot, `what ${client.name} was told`, client.told.documents)
  }
  step(`all ${everyone.length} stores and the snapshot agree on ${Object.keys(snapshot).length} records`)
  clients.forEach((client, i) => {
    const count = counterIn(snapshot, editors[i])
    assert(count === editors[i].count, `${client.name} counted to ${editors[i].count}, the room to ${count}`)
  })

  editors.forEach((editor) => editor.look())
  const presenceGaps = () => everyone.flatMap((client) => {
    const others = clients.filter((other) => other !== client)
    const expected = Object.fromEntries(others.map((other) => [`user:${other.name}`, other.ownPresence()]))
    return differences('the presence set', expected, `the presence seen by ${client.name}`, client.othersPresence())
  })
  await until('all presence to be seen', () => presenceGaps().length === 0, { detail: () => presenceGaps().join('\n') })
  step('everyone sees the presence of all others')

  assertNoFaults(everyone)

  const counts = total(clients.map((client) => client.told.counts))
  step(`cuts ${JSON.stringify(cuts)}, on the wire ${JSON.stringify(counts)}`)
  const { discards, rebases, ...always } = counts
  assertReached({ ...cuts, restarts: server.restarts, 'discards or rebases': discards + rebases, ...always })
})

function counterIn(documents, editor) {
  return documents[editor.counterId]?.meta.count ?? 0
}

function total(counts) {
  return Object.fromEntries(Object.keys(counts[0]).map((key) => [key, counts.reduce((sum, c) => sum + c[key], 0)]))
}
