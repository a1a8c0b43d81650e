// Do roomsync clients and stock clients work together in one room of roomsync-server? Two of each edit at random while
// connections are cut and the server is killed and restarted; in the end everybody agrees.

import path from 'node:path'

import { assertSame, snapshotDocuments } from './lib/compare.mjs'
import { startCuttingProxy } from './lib/cutting-proxy.mjs'
import { startEditing, writeSchemaFile } from './lib/edit-process.mjs'
import { Editor } from './lib/editor.mjs'
import { Server } from './lib/process.mjs'
import { StockClient, assertNoFaults, untilSettled } from './lib/stock-client.mjs'
import { assert, assertReached, test } from './lib/test.mjs'
import { sleep, until } from './lib/wait.mjs'

const STOCK_NAMES = ['ann', 'bob']
const PROGRAMS = 2
const EDITS = 300
const ROOM = 'mixed'

await test('stock and roomsync clients in a room of roomsync-server', async ({ random, step, directory, cleanup }) => {
  const schemaFile = await writeSchemaFile(directory)
  const server = new Server({ data: path.join(directory, 'rooms.db') })
  cleanup(() => server.stop())
  await server.start()
  const proxy = await startCuttingProxy(server.base)
  cleanup(() => proxy.close())
  step(`server at ${server.base}, behind a proxy that cuts`)

  const start = (session, edits) =>
    startEditing({ base: proxy.base, room: ROOM, session, seed: random.below(1e9), edits, schemaFile })
  const clients = STOCK_NAMES.map((name) => new StockClient({ base: proxy.base, room: ROOM, name }))
  cleanup(() => clients.forEach((client) => client.close()))
  await until('all stock clients to be connected', () => clients.every((client) => client.told.connected))

  const running = Array.from({ length: PROGRAMS }, (_, i) => start(`rust-${i}`, EDITS))
  const programs = Promise.all(running.map((program) => program.done()))
  let isEditing = true
  const editors = clients.map((client) => new Editor(client, random.fork(client.name)))
  const editing = Promise.all(editors.map((editor) => editor.editAtPace(EDITS)))
  const cutting = cutWhile(() => isEditing, proxy, random.fork('cuts'))

  await until('a good part of the edits', () => editors.every((editor) => editor.edits > EDITS / 3))
  await server.kill()
  step('server killed')
  await sleep(500)
  await server.start()
  step('server is back')
  await editing
  isEditing = false
  const cuts = await cutting
  const results = await programs
  step(`all edits are made, ${cuts} connections were cut`)

  await untilSettled(clients)
  server.assertAlive()

  const changedAt = Math.max(...clients.map((client) => client.told.heardAt))
  results.push(await start('rust-late', 0).done())
  const snapshot = snapshotDocuments(await server.snapshot(ROOM))
  // A program that ended before the others were done cannot have all; the late one always does.
  const complete = results.filter(({ endedAt }) => endedAt > changedAt)
  for (const { session, documents } of complete) {
    assertSame("the server's snapshot", snapshot, `what ${session} printed`, documents)
  }
  for (const client of clients) {
    assertSame("the server's snapshot", snapshot, `${client.name}'s store`, client.documents())
    assertSame("the server's snapshot", snapshot, `what ${client.name} was told`, client.told.documents)
  }
  assertNoFaults(clients)
  assert(complete.length > 0, 'no program ended after the last change')
  assertReached({ cuts, restarts: server.restarts, records: Object.keys(snapshot).length })
  step(`${complete.length} of ${results.length} programs and ${clients.length} stock clients agree on ${Object.keys(snapshot).length} records`)
})

/** Cuts a random connection now and then, for as long as `isOn()`. */
async function cutWhile(isOn, proxy, random) {
  let cuts = 0
  while (isOn()) {
    await sleep(random.between(80, 320))
    if (proxy.cut(random)) cuts += 1
  }
  return cuts
}
