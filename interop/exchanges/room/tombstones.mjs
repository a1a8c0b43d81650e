// For how long does a room know what was removed?

import { USED, differs, hostRemoves, hydration, join, note, push, puts, remove, snapshot, wait } from '../../lib/table/steps.mjs'

const [, two] = USED.documents
/** A room that has removed so many notes, `each` of them at a clock, and has two. */
function removed(count, each = 1) {
  const clockOf = (i) => Math.floor(i / each) + 1
  const tombstones = Object.fromEntries(Array.from({ length: count }, (_, i) => [`note:gone-${i}`, clockOf(i)]))
  return { ...USED, documentClock: Math.max(3, clockOf(count)), tombstones }
}
/** What is known of it after a removal of note 1 that was one too many: what was removed after `clock`. */
function after(room, clock) {
  const documentClock = room.documentClock + 1
  const tombstones = Object.entries({ ...room.tombstones, 'note:1': documentClock }).filter(([, at]) => at > clock)
  return { ...room, documentClock, tombstoneHistoryStartsAtClock: clock, tombstones: Object.fromEntries(tombstones), documents: [two] }
}
/** Removes note 1 and looks what is known. A stock room does not serve who knows all that is forgotten. */
function removesOne(room, clock, step = push('a', { 'note:1': remove() })) {
  const look = differs('ROOM-22', snapshot(), { host: [{ snapshot: after(room, clock) }] })
  return { snapshot: room, steps: [join('a'), step, wait(1_000), look] }
}

const full = removed(5_000)
const known = after(full, 1_001)

export default {
  'a removal is told to who was away': { snapshot: USED, steps: [join('a', { lastServerClock: 1 }), join('b', { lastServerClock: 2 })] },
  'a removal of what a client never had': { snapshot: USED, steps: [join('a', { lastServerClock: 0 })] },
  'what came and went while one was away': {
    snapshot: USED,
    steps: [join('a'), push('a', puts(note('3'))), push('a', { 'note:3': remove() }, { clock: 2 }), join('b', { lastServerClock: 3 })],
  },
  'what went and came while one was away': {
    snapshot: USED,
    steps: [join('a'), push('a', { 'note:1': remove() }), push('a', puts(note('1')), { clock: 2 }), join('b', { lastServerClock: 3 })],
  },
  'a client from before the known history': {
    snapshot: { ...USED, tombstoneHistoryStartsAtClock: 2 },
    steps: [join('a', { lastServerClock: 1 }), join('b', { lastServerClock: 2 }), join('c', { lastServerClock: 3 })],
  },
  '5,000 removals are known': { snapshot: removed(4_999), steps: [join('a'), push('a', { 'note:1': remove() }), wait(1_000), snapshot()] },
  'with one more 1,001 are forgotten': removesOne(full, 1_001),
  'with one more of the host\'s 1,001 are forgotten': removesOne(full, 1_001, hostRemoves('note:1')),
  'removals of one clock are forgotten together': removesOne(removed(5_000, 3), 334),
  'removals of one clock alone are forgotten': removesOne(removed(5_000, 5_000), 1),
  'who was away since before what is forgotten gets all': {
    snapshot: full,
    steps: [
      join('a'),
      push('a', { 'note:1': remove() }),
      wait(1_000),
      ...[1, 1_000, 1_002, 5_000].map((clock) => join(`at ${clock}`, { lastServerClock: clock })),
      differs('ROOM-22', join('at 1001', { lastServerClock: 1_001 }), {
        'at 1001': [
          hydration('at 1001', 'wipe_presence', known.documentClock, Object.fromEntries(Object.keys(known.tombstones).map((id) => [id, remove()]))),
        ],
      }),
    ],
  },
}
