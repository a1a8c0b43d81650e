// How does a client go from one connection to the next?

import {
  RESETS, answer, append, atOnce, catchUp, commit, cursorOf, differs, drop, enter, note, open, patch, push, put, putRecords, puts, remove,
  removeRecords, says, set, store, tells, told, wait,
} from '../../lib/table/client-steps.mjs'

const one = note('1', { x: 1, text: 'one' })
const two = note('2', { x: 2 })
const inside = (...steps) => [enter(one, two), ...steps]
const incompatible = {
  clientTooOld: 'CLIENT_TOO_OLD', serverTooOld: 'SERVER_TOO_OLD', invalidRecord: 'INVALID_RECORD', invalidOperation: 'UNKNOWN_ERROR',
}
const PING = { type: 'ping' }
const pong = () => says({ type: 'pong' })

export default {
  'a first request': [open()],
  'a connection that ends before the answer': [open(), drop(), open(), answer()],
  'edits while offline are one push': inside(
    drop(),
    set('note:1', { x: 7 }),
    putRecords(note('3')),
    set('note:1', { text: 'uno' }),
    removeRecords('note:2'),
    open(),
    catchUp(),
    tells(commit(2, 1)),
  ),
  'a record is put and removed while offline': inside(drop(), putRecords(note('3')), removeRecords('note:3'), open(), catchUp()),
  'a record is changed and changed back while offline': inside(drop(), set('note:1', { x: 7 }), set('note:1', { x: 1 }), open(), catchUp()),
  'a record is removed and put back while offline': inside(drop(), removeRecords('note:1'), putRecords(one), open(), catchUp()),
  'a record is changed and removed while offline': inside(drop(), set('note:1', { x: 7 }), removeRecords('note:1'), open(), catchUp()),
  'a push without answer, and the room has not got it': inside(set('note:1', { x: 7 }), drop(), open(), catchUp(), tells(commit(2, 2))),
  'a push without answer, and the room has got it': inside(
    set('note:1', { x: 7 }),
    drop(),
    open(),
    catchUp(puts({ ...one, x: 7 }), { clock: 2 }),
  ),
  'a new record without answer, and the room has got it': inside(putRecords(note('3')), drop(), open(), catchUp(puts(note('3')), { clock: 2 })),
  'a removal without answer, and the room has got it': inside(removeRecords('note:1'), drop(), open(), catchUp({ 'note:1': remove() }, { clock: 2 })),
  'text that grew without answer, and the room has got it': inside(
    set('note:1', { text: 'one!' }),
    drop(),
    open(),
    catchUp(puts({ ...one, text: 'one!' }), { clock: 2 }),
  ),
  'a push without answer, and more while offline': inside(
    set('note:1', { x: 7 }),
    drop(),
    set('note:1', { x: 8 }),
    set('note:2', { x: 9 }),
    open(),
    catchUp(),
  ),
  'a push without answer that is undone while offline': inside(set('note:1', { x: 7 }), drop(), set('note:1', { x: 1 }), open(), catchUp()),
  'a new record without answer is removed while offline, and the room has got it': inside(
    putRecords(note('3')),
    drop(),
    removeRecords('note:3'),
    open(),
    differs('CLIENT-2', catchUp(puts(note('3')), { clock: 2 }), { app: ['online'], room: [push(2, { 'note:3': remove() })] }),
  ),
  'a change without answer is undone while offline, and the room has got it': inside(
    set('note:1', { x: 7 }),
    drop(),
    set('note:1', { x: 1 }),
    open(),
    differs('CLIENT-2', catchUp(puts({ ...one, x: 7 }), { clock: 2 }), {
      app: ['online'],
      room: [push(2, { 'note:1': patch({ x: put(1) }) })],
    }),
  ),
  'text grew without answer and grows on while offline, and the room has got the first': inside(
    set('note:1', { text: 'one a' }),
    drop(),
    set('note:1', { text: 'one a b' }),
    open(),
    differs('CLIENT-2', catchUp(puts({ ...one, text: 'one a' }), { clock: 2 }), {
      app: ['online'],
      room: [push(2, { 'note:1': patch({ text: append(' b', 5) }) })],
    }),
  ),
  'a new record without answer, and others have removed it': inside(
    putRecords(note('3')),
    drop(),
    open(),
    differs('CLIENT-14', catchUp({ 'note:3': remove() }, { clock: 3 }), { app: ['online'], store: store(one, two) }),
  ),
  'an old change over newer ones of others': inside(
    set('note:1', { x: 7 }),
    drop(),
    open(),
    catchUp(puts({ ...one, x: 99 }), { clock: 3 }),
  ),
  'two cuts while a change waits': inside(drop(), set('note:1', { x: 7 }), open(), drop(), set('note:2', { x: 8 }), open(), catchUp()),
  'an answer that comes after the cut': inside(set('note:1', { x: 7 }), drop(), tells(commit(2, 1)), open(), catchUp()),
  'an answer of the connection before': inside(set('note:1', { x: 7 }), drop(), open(), catchUp(), tells(commit(2, 1))),
  'a cut at the moment of an edit': inside(
    differs('CLIENT-1', atOnce(set('note:1', { x: 7 }), drop()), {
      room: [push(1, { 'note:1': patch({ x: put(7) }) })],
      store: store({ ...one, x: 7 }, two),
    }),
    open(),
  ),

  'the room refuses': [open(), drop('FORBIDDEN')],
  'the room refuses with a reason of its own': [open(), drop('on vacation')],
  'the room ends it while the client is in': inside(drop('NOT_FOUND'), set('note:1', { x: 7 })),
  ...Object.fromEntries(
    Object.entries(incompatible).map(([reason, refused]) => [
      `an older room says ${reason}`,
      [open(), differs('CLIENT-3', says({ type: 'incompatibility_error', reason }), { room: ['reset'], app: [{ refused }] })],
    ]),
  ),
  'a custom message': inside(says({ type: 'custom', data: { hello: [1, null] } })),
  'a custom message before the answer': [open(), says({ type: 'custom', data: 'x' })],
  'a message that nobody knows': inside(differs('CLIENT-4', says({ type: 'zap' }), RESETS)),
  'a message without a type': inside(differs('CLIENT-4', says({}), RESETS)),
  'a data message without data': inside(differs('CLIENT-4', says({ type: 'data' }), RESETS)),
  'a data message with a number in it': inside(says({ type: 'data', data: [5] })),
  'an answer without a diff': [open(), differs('CLIENT-4', says({ type: 'connect', hydrationType: 'wipe_all', serverClock: 1 }), RESETS)],

  'pings that are answered': inside(wait(5_000), pong(), wait(5_000), pong(), wait(5_000)),
  'pings that are not answered': inside(wait(14_000), differs('CLIENT-7', wait(4_000), RESETS)),
  'pings that are not answered while the room talks': inside(
    wait(8_000),
    tells(told(2, { 'note:1': patch({ x: put(5) }) })),
    wait(6_000),
    tells(told(3, { 'note:1': patch({ x: put(6) }) })),
    wait(6_000),
  ),
  'no pings before the answer': [open(), wait(9_000)],
  'no pings while offline': inside(drop(), wait(20_000)),
  'a dead link is left, and the next one taken': inside(
    set('note:1', { x: 7 }),
    differs('CLIENT-7', wait(24_000), { room: [PING, PING, 'reset'] }),
    open(),
    catchUp(),
  ),
  'presence of others goes with a dead link': [
    open(),
    answer(puts(one, cursorOf(7, 'bob'))),
    differs('CLIENT-7', wait(24_000), { room: [PING, PING, 'reset'], store: store(one) }),
  ],
}
