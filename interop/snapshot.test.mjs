// Do stock rooms load the snapshots of roomsync-server, and it theirs? One board goes from room to room, through the
// admin API and through files, and is edited by stock clients wherever it comes; nothing of it changes on the way.

import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { assertSame, snapshotDocuments } from './lib/compare.mjs'
import { Editor } from './lib/editor.mjs'
import { Server } from './lib/process.mjs'
import { StockClient, assertNoFaults, untilSettled } from './lib/stock-client.mjs'
import { startStockServer } from './lib/stock-server.mjs'
import { assert, assertReached, test } from './lib/test.mjs'
import { until } from './lib/wait.mjs'

const EDITS = 60

await test('snapshots between roomsync-server and stock rooms', async ({ random, step, directory, cleanup }) => {
  const file = (name) => path.join(directory, name)
  const server = new Server({ data: file('rooms.db') })
  cleanup(() => server.stop())
  await server.start()

  const first = await edit(server.base, 'first', 'ann')
  const ours = await server.snapshot('first')
  assertSame("ann's store", first, 'our snapshot', snapshotDocuments(ours))
  step(`ours: ${sizes(ours)}`)

  // Through a file to a stock room.
  await server.stop()
  await server.tool('export', 'first', '--output', file('first.json'))
  const exported = JSON.parse(await readFile(file('first.json'), 'utf8'))
  assertSame('the export', comparable(exported), 'our snapshot', comparable(ours))
  await writeFile(file('stock.json'), JSON.stringify({ board: exported }))
  const stock = await startStockServer({ dataFile: file('stock.json') })
  cleanup(() => stock.close())
  assertSame('the stock room', comparable(stock.snapshot('board')), 'our snapshot', comparable(ours))
  step('a stock room has loaded it')

  const second = await edit(stock.base, 'board', 'bob', first)
  const theirs = JSON.parse(JSON.stringify(stock.snapshot('board')))
  assertSame("bob's store", second, "the stock room's snapshot", snapshotDocuments(theirs))
  step(`theirs: ${sizes(theirs)}`)

  // Back through a file into a new room, and through the admin API over another one that is in use.
  await writeFile(file('theirs.json'), JSON.stringify(theirs))
  await server.tool('import', 'imported', file('theirs.json'))
  await server.start()
  assertSame('the imported room', comparable(await server.snapshot('imported')), 'theirs', comparable(theirs))
  const onlooker = new StockClient({ base: server.base, room: 'first', name: 'cid', presence: false })
  cleanup(() => onlooker.close())
  await until('the onlooker to be settled', () => onlooker.isSettled())
  await server.loadSnapshot('first', theirs)
  await untilSettled([onlooker])
  assertSame("cid's store", onlooker.documents(), 'theirs', snapshotDocuments(theirs))
  step('our rooms have loaded it, an open one before the eyes of its client')

  await edit(server.base, 'imported', 'dee', second)
  const last = await edit(server.base, 'first', 'eve', second)
  await untilSettled([onlooker])
  assertSame("cid's store", onlooker.documents(), "eve's store", last)
  assertNoFaults([onlooker])
  assert(stock.fatalCloses.length === 0, `the stock room refused: ${stock.fatalCloses}`)
  assertReached({
    'tombstones of ours': ours.tombstones && Object.keys(ours.tombstones).length,
    'tombstones of theirs': theirs.tombstones && Object.keys(theirs.tombstones).length,
  })

  /** A stock client that finds `expected` in the room and edits it. Returns what it has at the end. */
  async function edit(base, room, name, expected = null) {
    const client = new StockClient({ base, room, name })
    cleanup(() => client.close())
    await until(`${name} to be settled`, () => client.isSettled())
    if (expected) assertSame(`${name}'s store`, client.documents(), 'what was there before', expected)
    const editor = new Editor(client, random.fork(name))
    await editor.editAtPace(EDITS)
    await untilSettled([client])
    // By chance alone, some users remove nothing.
    editor.removeCounter()
    await untilSettled([client])
    assertNoFaults([client])
    const documents = client.documents()
    client.close()
    return documents
  }
})

/** What a snapshot says, whatever the order of its documents. */
function comparable({ documents, ...rest }) {
  return { ...rest, documents: Object.fromEntries(documents.map((document) => [document.state.id, document])) }
}

function sizes({ documentClock, documents, tombstones }) {
  return `${documents.length} documents and ${Object.keys(tombstones ?? {}).length} tombstones at clock ${documentClock}`
}
