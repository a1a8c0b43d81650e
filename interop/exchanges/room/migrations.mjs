// How does a room serve clients of an older schema, and open what was stored in one? See lib/table/schema.mjs for what its
// migrations do: a note's `title` became its `text`, its `props` got a `color`, and its `x` is ten times what it was.

import {
  EMPTY, append, atOnce, commit, connect, cursor, data, del, differs, discard, drop, hostPuts, hostRemoves, join, loadSnapshot,
  migratingSchema, note, patch, pin, push, put, puts, rebase, remove, shows, snapshot, told,
} from '../../lib/table/steps.mjs'

const NOW = migratingSchema()
const CLOCK = 4
const stored = (schema, ...records) => ({
  ...EMPTY,
  documentClock: CLOCK,
  schema,
  documents: records.map((state, i) => ({ state, lastChangedClock: i + 1 })),
})
const one = note('1', { text: 'one', x: 10, props: { color: 'black', n: 1 } })
const red = note('red', { text: 'one', x: 10, props: { color: 'red', n: 1 } })
const two = note('2', { x: 20 })
const room = (...steps) => ({ migrating: true, snapshot: stored(NOW, one, two, red, pin('1', { sharp: true })), steps: steps })
/** The schema of clients, and whether they are let in. */
const older = {
  'notes by one': { note: 2 },
  'notes by two': { note: 1 },
  'notes by all': { note: 0 },
  'notes, without their sequence': { note: null },
  'presence': { cursor: 0 },
  'notes and presence': { note: 1, cursor: 0 },
  'pins, which cannot go down': { pin: 0 },
  'all records at once': { trash: 0 },
  'what is left alone without its sequence': { extra: null },
  'what cannot go down': { extra: 0 },
}
const newer = {
  'newer notes': { note: 4 },
  'newer notes and older pins': { note: 4, pin: 0 },
  'older notes and newer presence': { note: 0, cursor: 2 },
}

/** An old client, to whom notes have a title, and a current one. */
const both = (...steps) => room(join('old', { schema: migratingSchema({ note: 0 }) }), join('b', { schema: NOW }), ...steps)
const oldPushes = (diff) => both(push('old', diff))
/** What an old client asks happens, which is a commit; a stock room says again what happened. */
const oldCommits = (diff, others) =>
  both(differs('ROOM-25', push('old', diff), { old: [data(commit(CLOCK + 1))], b: [data(told(CLOCK + 1, others))] }))
/** What an old client asks of a note whose color it does not see, and which keeps it. */
const oldKeeps = (op, action, others) =>
  both(differs('ROOM-26', push('old', { 'note:red': op }), { old: [data(action)], ...(others && { b: others }) }))
const newPushes = (diff) => both(push('b', diff))

const opened = {
  'notes by all': { note: 0 },
  'notes, without their sequence': { note: null },
  'pins': { pin: 0 },
  'all records at once': { trash: 0 },
  'everything': { note: 0, pin: 0, trash: 0, cursor: 0, extra: 0 },
  'what is not left alone': { extra: 0 },
}
const gone = { 'note:2': remove(), 'note:red': remove(), 'pin:1': remove() }
const inTens = (...notes) => notes.map((it) => ({ ...it, x: it.x / 10 }))
const opens = (snapshot, ...steps) => ({ migrating: true, snapshot, steps })
const beforeAll = [note('1', { title: 'one', x: 1, props: { n: 1 } }), note('2', { x: 2, trash: true }), pin('1')]

export default {
  ...Object.fromEntries(
    Object.entries(older).map(([what, changes]) => [
      `a client is older by ${what}`,
      room(join('old', { schema: migratingSchema(changes) }), join('old again', { schema: migratingSchema(changes), lastServerClock: 1 })),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(newer).map(([what, changes]) => [`a client has ${what}`, room(join('a', { schema: migratingSchema(changes) }))]),
  ),
  'an old client puts a new note': oldCommits(
    puts(note('3', { title: 'three', x: 3, props: {} })),
    puts(note('3', { text: 'three', x: 30, props: { color: 'black' } })),
  ),
  'an old client puts a note that is there': oldPushes(puts(note('1', { title: 'won', x: 1, props: { n: 1 } }))),
  'an old client puts a note as it is to it': oldPushes(puts(note('1', { title: 'one', x: 1, props: { n: 1 } }))),
  'an old client puts what is as it was': oldPushes(puts(note('2', { x: 2 }))),
  'an old client patches a field that has another name': oldCommits({ 'note:1': patch({ title: put('won') }) }, { 'note:1': patch({ text: put('won') }) }),
  'an old client appends to a text that has another name': oldCommits({ 'note:1': patch({ title: append('!', 3) }) }, { 'note:1': patch({ text: append('!', 3) }) }),
  'an old client patches a number that is counted otherwise': oldCommits({ 'note:1': patch({ x: put(5) }) }, { 'note:1': patch({ x: put(50) }) }),
  'an old client patches beside what it does not see': oldKeeps(
    patch({ props: patch({ n: put(2) }) }),
    commit(CLOCK + 1),
    [data(told(CLOCK + 1, { 'note:red': patch({ props: patch({ n: put(2) }) }) }))],
  ),
  'an old client puts a note of which it does not see all': oldKeeps(
    put({ ...red, text: undefined, title: 'won', x: 1, props: { n: 1 } }),
    rebase(CLOCK + 1, { 'note:red': patch({ title: put('won') }) }),
    [data(told(CLOCK + 1, { 'note:red': patch({ text: put('won') }) }))],
  ),
  'an old client puts a note as it is to it, of which it does not see all': oldKeeps(
    put({ ...red, text: undefined, title: 'one', x: 1, props: { n: 1 } }),
    discard(CLOCK),
  ),
  'an old client patches a note of which it does not see all without effect': oldKeeps(patch({ x: put(1), title: append('!', 9) }), discard(CLOCK)),
  'an old client patches without effect': oldPushes({ 'note:1': patch({ x: put(1), title: append('!', 9) }) }),
  'an old client patches a part that has an effect': oldPushes({ 'note:1': patch({ x: put(1), title: put('won') }) }),
  'an old client deletes a field': oldCommits({ 'note:1': patch({ title: del() }) }, { 'note:1': patch({ text: del() }) }),
  'an old client adds a field': oldPushes({ 'note:1': patch({ y: put({ a: 1 }) }) }),
  'an old client removes a note': oldPushes({ 'note:1': remove() }),
  'an old client patches what is missing': oldPushes({ 'note:9': patch({ x: put(1) }) }),
  'an old client pushes several': oldCommits(
    { 'note:1': patch({ x: put(5) }), 'note:2': remove(), 'note:3': put(note('3', { title: 'three' })) },
    { 'note:1': patch({ x: put(50) }), 'note:2': remove(), 'note:3': put(note('3', { text: 'three' })) },
  ),
  'an old client puts a pin': oldPushes(puts(pin('2'))),
  'an old client pushes what is not valid': oldPushes(puts(note('3', { title: 5 }))),
  'an old client patches what becomes not valid': oldPushes({ 'note:1': patch({ title: put(5) }) }),
  'an old client is shown': both(shows('old', put(cursor('ann'))), shows('b', put(cursor('bob')))),
  'an old client and a current one at one note': both(
    push('b', { 'note:1': patch({ text: append(' more', 3) }) }),
    push('old', { 'note:1': patch({ x: put(1), title: append('!', 8) }) }),
    push('b', { 'note:1': patch({ text: append('?', 9) }) }, { clock: 2 }),
    push('old', { 'note:1': patch({ x: put(1), title: append('?', 9) }) }, { clock: 2 }),
    snapshot(),
  ),

  'a current client puts a new note': newPushes(puts(note('3', { text: 'three', x: 30, props: { color: 'red' } }))),
  'a current client puts a note that is there': newPushes(puts(note('1', { text: 'won', x: 50, props: { color: 'red', n: 2 } }))),
  'a current client patches a text': newPushes({ 'note:1': patch({ text: put('won') }) }),
  'a current client appends to a text': newPushes({ 'note:1': patch({ text: append('!', 3) }) }),
  'a current client patches a number': newPushes({ 'note:1': patch({ x: put(70) }) }),
  'a current client patches a number by less than an old one sees': both(
    differs('ROOM-27', push('b', { 'note:1': patch({ x: put(11) }) }), { b: [data(commit(CLOCK + 1))] }),
  ),
  'a current client patches what an old one does not see': both(
    differs('ROOM-27', push('b', { 'note:1': patch({ props: patch({ color: put('blue') }) }) }), { b: [data(commit(CLOCK + 1))] }),
  ),
  'a current client patches what an old one sees and what not': newPushes({ 'note:1': patch({ x: put(70), props: patch({ color: put('blue') }) }) }),
  'a current client deletes a field': newPushes({ 'note:1': patch({ text: del(), props: del() }) }),
  'a current client removes a note': newPushes({ 'note:1': remove() }),
  'a current client patches what has no migrations': newPushes({ 'pin:1': patch({ at: put(1) }) }),
  'the host writes': both(hostPuts(note('3', { text: 'three', x: 30 })), hostRemoves('note:2')),

  'clients of three versions': room(
    join('v0', { schema: migratingSchema({ note: 0 }) }),
    join('v2', { schema: migratingSchema({ note: 2 }) }),
    join('v3', { schema: NOW }),
    push('v0', { 'note:1': patch({ title: put('zero'), x: put(2), list: append([1], 0) }) }),
    push('v2', { 'note:1': patch({ text: put('two'), x: put(3), props: patch({ color: put('blue'), n: put(1) }) }) }),
    push('v3', { 'note:1': patch({ text: put('three'), x: put(40) }) }),
  ),
  'two clients of one old version': room(
    join('a', { schema: migratingSchema({ note: 0 }) }),
    join('b', { schema: migratingSchema({ note: 0 }) }),
    differs('ROOM-25', push('a', { 'note:1': patch({ title: put('won') }) }), {
      a: [data(commit(CLOCK + 1))],
      b: [data(told(CLOCK + 1, { 'note:1': patch({ title: put('won') }) }))],
    }),
    push('b', puts(note('1', { title: 'two', x: 1, props: { n: 1 } }))),
  ),
  'presence between versions': room(
    join('old', { schema: migratingSchema({ cursor: 0 }) }),
    join('b', { schema: NOW }),
    shows('old', put(cursor('ann', { x: 1 }))),
    shows('b', put(cursor('bob', { x: 1, shape: 'hand' }))),
    shows('old', patch({ x: put(2) }), 2),
    shows('b', patch({ x: put(2), name: put('rob') }), 2),
    differs('ROOM-27', shows('b', patch({ shape: put('arrow') }), 3), { b: [data(commit(CLOCK, 3))] }),
    join('late', { schema: migratingSchema({ cursor: 0 }) }),
  ),
  'an old client comes back': both(
    push('b', { 'note:1': patch({ text: put('won') }), 'note:2': remove() }),
    drop('old'),
    join('old', { schema: migratingSchema({ note: 0 }), lastServerClock: CLOCK }),
  ),
  'an old client connects again as a current one': both(
    connect('old', { connectRequestId: 'again', schema: NOW, lastServerClock: CLOCK }),
    push('b', { 'note:1': patch({ text: put('won') }) }),
  ),
  'an old client of an old protocol': room(
    join('old', { schema: migratingSchema({ note: 0 }), protocolVersion: 7 }),
    join('b', { schema: NOW }),
    push('old', puts(note('1', { title: 'won', x: 1, props: { n: 1 } }))),
    push('b', { 'note:1': patch({ x: put(70) }) }),
  ),
  'what is collected for an old client': both(
    atOnce(push('b', puts(note('3', { text: 'three' }))), push('b', { 'note:3': patch({ x: put(10) }) }, { clock: 2 }), push('old', puts(note('4')))),
  ),

  ...Object.fromEntries(
    Object.entries(opened).map(([what, changes]) => [
      `a room is opened that is older by ${what}`,
      opens(stored(migratingSchema(changes), ...beforeAll), snapshot(), join('a', { schema: NOW })),
    ]),
  ),
  'a room is opened that is older by what is left alone without its sequence': opens(
    stored(migratingSchema({ extra: null }), ...beforeAll),
    differs('ROOM-28', snapshot(), { host: [{ snapshot: stored(NOW, ...beforeAll) }] }),
    join('a', { schema: NOW }),
  ),
  'a client that knows the room from before it was migrated': opens(
    stored(migratingSchema({ note: 0 }), ...beforeAll),
    join('old', { schema: migratingSchema({ note: 0 }), lastServerClock: CLOCK }),
    join('a', { schema: NOW, lastServerClock: CLOCK }),
  ),
  'a snapshot is loaded that is older': both(
    differs('ROOM-10', loadSnapshot(stored(migratingSchema({ note: 0 }), note('1', { title: 'won', x: 1 }))), {
      old: [data(told(CLOCK + 1, { ...gone, 'note:1': patch({ props: del(), title: put('won') }) }))],
      b: [data(told(CLOCK + 1, { ...gone, 'note:1': patch({ props: del(), text: put('won') }) }))],
    }),
    snapshot(),
  ),
  'a snapshot is loaded that is older and the same': room(
    join('b', { schema: NOW }),
    differs('ROOM-10', loadSnapshot(stored(migratingSchema({ note: 2 }), ...inTens(one, two, red), pin('1', { sharp: true }))), {}),
  ),
}
