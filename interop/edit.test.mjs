// Do roomsync clients work with a stock room? Three edit one alone, then two of them edit one together with two stock
// clients, while the server cuts connections; in the end everybody agrees with the room.

import { assertSame, snapshotDocuments } from './lib/compare.mjs'
import { startEditing, writeSchemaFile } from './lib/edit-process.mjs'
import { Editor } from './lib/editor.mjs'
import { StockClient, assertNoFaults, untilSettled } from './lib/stock-client.mjs'
import { startStockServer } from './lib/stock-server.mjs'
import { assert, assertReached, test } from './lib/test.mjs'
import { sleep, until } from './lib/wait.mjs'

const EDITS = 300
const CUTS = 24

await test('roomsync clients in a stock room', async ({ random, step, directory, cleanup }) => {
  const schemaFile = await writeSchemaFile(directory)
  const server = await startStockServer({})
  cleanup(() => server.close())
  step(`stock server at ${server.base}`)
  await editTogether({ room: 'alone', programs: 3, stockNames: [] })
  await editTogether({ room: 'mixed', programs: 2, stockNames: ['ann', 'bob'] })

  async function editTogether({ room, programs, stockNames }) {
    const lane = random.fork(room)
    const stockRoom = server.openRoom(room)
    let changedAt = performance.now()
    stockRoom.storage.onChange(() => (changedAt = performance.now()))
    const start = (session, edits) =>
      startEditing({ base: server.base, room, session, seed: lane.below(1e9), edits, schemaFile })

    const running = Array.from({ length: programs }, (_, i) => start(`rust-${i}`, EDITS))
    const clients = stockNames.map((name) => new StockClient({ base: server.base, room, name }))
    cleanup(() => clients.forEach((client) => client.close()))
    await until('the stock clients to be connected', () => clients.every((client) => client.told.connected))
    const editors = clients.map((client) => new Editor(client, lane.fork(client.name)))
    const stockEditing = Promise.all(editors.map((editor) => editor.editAtPace(EDITS)))

    const ended = Promise.all(running.map((program) => program.done()))
    const cuts = await cutNowAndThen(server, () => running.every((program) => program.hasEnded()), lane.fork('cuts'))
    await stockEditing
    const results = await ended
    step(`${room}: ${programs} programs have ended; cuts: ${JSON.stringify(cuts)}`)

    await untilSettled(clients)
    results.push(await start('rust-late', 0).done())

    const snapshot = snapshotDocuments(server.snapshot(room))
    // A program that ended before the others were done cannot have all; the late one always does.
    const complete = results.filter(({ endedAt }) => endedAt > changedAt)
    assert(complete.length > 0, 'no program ended after the last change')
    for (const { session, documents } of complete) {
      assertSame("the room's snapshot", snapshot, `what ${session} printed`, documents)
    }
    for (const client of clients) {
      assertSame("the room's snapshot", snapshot, `${client.name}'s store`, client.documents())
    }
    assertNoFaults(clients)
    assert(server.fatalCloses.length === 0, `the stock room refused sessions:\n${server.fatalCloses.join('\n')}`)
    assertReached({ 'cuts with a closing handshake': cuts.close, 'cuts without one': cuts.terminate })
    const records = Object.keys(snapshot).length
    assert(stockRoom.getCurrentDocumentClock() > programs * 10 && records > 3, 'hardly anything was edited')
    step(`${room}: ${complete.length} of ${results.length} programs, ${clients.length} stock stores and the room agree on ${records} records`)
  }
})

/** Cuts a random connection now and then, `CUTS` in all, half of them without a closing handshake. */
async function cutNowAndThen(server, isOver, random) {
  const cuts = { close: 0, terminate: 0 }
  while (cuts.close + cuts.terminate < CUTS && !isOver()) {
    await sleep(random.between(60, 240))
    const ws = random.pick([...server.sockets])
    if (!ws) continue
    const how = random.pick(Object.keys(cuts))
    if (how === 'close') ws.close(1001, 'going away')
    else ws.terminate()
    cuts[how] += 1
  }
  return cuts
}
