// What does a session hear of what the host does?

import {
  EMPTY, USED, atOnce, custom, data, differs, everybody, hostPuts, hostRemoves, hydration, join, load, loadSnapshot, note, open,
  patch, ping, pin, push, put, puts, remove, snapshot, told, wait,
} from '../../lib/table/steps.mjs'

const used = (...steps) => ({ snapshot: USED, steps: [everybody('a', 'b'), ...steps] })
const [one, two] = USED.documents.map(({ state }) => state)

/** Everybody hears of what differs inside of the record, where a stock room tells it whole. */
const insideOnly = (step, id, diff, clock = 4) => {
  const heard = [data(told(clock, { [id]: patch(diff) }))]
  return differs('ROOM-10', step, { a: heard, b: heard })
}

export default {
  'the host puts a record': used(hostPuts(note('3')), snapshot()),
  'the host puts several records': used(hostPuts(note('3'), pin('1'), note('4'))),
  'the host puts an equal record': used(differs('ROOM-10', hostPuts(one), {})),
  'the host changes a record': used(insideOnly(hostPuts({ ...one, x: 9 }), 'note:1', { x: put(9) }), snapshot()),
  'the host removes a record': used(hostRemoves('note:1'), snapshot()),
  'the host brings a record back': used(hostPuts(note('gone')), snapshot()),
  'the host changes what a session just pushed': used(push('a', puts(note('3'))), insideOnly(hostPuts(note('3', { x: 1 })), 'note:3', { x: put(1) }, 5)),
  'a session pushes what the host removed': used(hostRemoves('note:1'), push('a', { 'note:1': patch({ x: put(5) }) })),
  'the host writes in a room without sessions': { snapshot: USED, steps: [hostPuts(note('3')), join('a', { lastServerClock: 3 })] },

  'a loaded snapshot adds a record': used(load(one, two, note('3')), snapshot()),
  'a loaded snapshot lacks a record': used(load(one), snapshot()),
  'a loaded snapshot has another record': used(insideOnly(load({ ...one, x: 7 }, two), 'note:1', { x: put(7) }), snapshot()),
  'a loaded snapshot is empty': used(load(), snapshot()),
  'a loaded snapshot is the room itself': used(load(one, two), snapshot()),
  'a loaded snapshot brings a record back': used(load(one, two, note('gone')), snapshot()),
  'a snapshot is loaded twice': used(load(one), load(one), snapshot()),
  'a loaded snapshot has tombstones and a later clock': used(
    loadSnapshot({ ...USED, documentClock: 50, tombstones: { 'note:other': 40 }, documents: USED.documents.slice(1) }),
    snapshot(),
  ),
  'a loaded snapshot has records that are no documents': used(
    differs('ROOM-12', load(one, two, { id: 'tool:1', typeName: 'tool' }, { id: 'cursor:9', typeName: 'cursor', name: 'x' }), {}),
  ),
  'a session pushes after a load': used(load(one), push('a', { 'note:2': patch({ x: put(1) }), 'note:1': patch({ x: put(5) }) })),
  'a snapshot is loaded while data is collected': used(
    atOnce(push('a', puts(note('3'))), push('a', { 'note:3': remove() }, { clock: 2 }), load(one, two)),
  ),
  'a client that was away over a load': { snapshot: USED, steps: [load(one), join('a', { lastServerClock: 3 })] },
  'a room is opened from a snapshot with the older clock field': {
    snapshot: { ...EMPTY, documentClock: undefined, clock: 4 },
    steps: [join('a', { lastServerClock: 4 }), push('a', puts(note('1')))],
  },
  'a room is opened with records that are no documents': {
    snapshot: { ...USED, documents: [...USED.documents, { state: { id: 'tool:1', typeName: 'tool' }, lastChangedClock: 2 }] },
    steps: [differs('ROOM-12', join('a'), { a: [hydration('a', 'wipe_all', 3, puts(one, two))] })],
  },

  'a custom message': used(custom('a', { hello: [1, null] })),
  'custom messages of every kind of value': used(...[null, 0, 'x', [], {}].map((it) => custom('a', it))),
  'a custom message stands behind what was collected': used(
    atOnce(push('b', puts(note('3'))), push('b', puts(note('4')), { clock: 2 }), custom('a', 'now'), push('b', puts(note('5')), { clock: 3 })),
  ),
  'a custom message to one that has not connected': [
    open('a'),
    differs('ROOM-20', custom('a', 1), { host: [{ refused: 'there is no such connection in the room' }] }),
  ],
  'a snapshot after some life': used(
    push('a', { 'note:1': remove(), 'note:3': put(note('3')) }),
    push('b', { 'note:2': patch({ x: put(3) }) }),
    hostPuts(pin('1')),
    snapshot(),
  ),
  'a pong overtakes what is collected': used(
    atOnce(push('b', puts(note('3'))), push('b', puts(note('4')), { clock: 2 }), ping('a')),
  ),
  'data that follows a quiet spell goes at once': used(
    atOnce(push('b', puts(note('3'))), wait(5), push('b', puts(note('4')), { clock: 2 }), ping('a'), wait(5), push('b', puts(note('5')), { clock: 3 })),
    atOnce(push('b', puts(note('6')), { clock: 4 }), ping('a')),
  ),
}
