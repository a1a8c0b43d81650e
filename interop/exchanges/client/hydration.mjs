// What does a client make of the answer to its request?

import {
  RESETS, answer, atOnce, catchUp, cursorOf, differs, drop, enter, note, open, patch, pin, push, put, putRecords, puts, remove,
  removeRecords, set, store, tells, told, tool, wait,
} from '../../lib/table/client-steps.mjs'

const one = note('1', { x: 1, text: 'one', props: { a: 1, b: 1 } })
const two = note('2', { x: 2 })
/** Into a room with two notes, and out of it. */
const wasIn = [enter(one, two), drop()]
const unreadable = {
  'that is not valid': puts(note('3', { x: 'left' })),
  'of a type that nobody knows': puts({ id: 'zap:1', typeName: 'zap' }),
  'of session scope': puts(tool('1')),
}
/** What rooms say of their schema that is not the client's. */
const schemas = {
  'of a newer schema': { schemaVersion: 2, sequences: { 'com.example.note': 99, 'com.example.new': 1 } },
  'of an older schema': { schemaVersion: 2, sequences: {} },
  'that tells its schema as in version 1': { schemaVersion: 1, storeVersion: 1, recordVersions: {} },
}
/** An answer that cannot be applied. */
const badAnswer = (heard = RESETS, fields = {}) =>
  differs('CLIENT-5', answer({ ...puts(one), 'note:3': put(5) }, fields), heard)

export default {
  'an empty room': [open(), answer()],
  'a room with records': enter(one, two, pin('1')),
  'a room with somebody in it': [open(), answer(puts(one, cursorOf(7, 'bob')))],
  'a room that answers late': [open(), wait(3_000), answer(puts(one))],
  'rights are told': [open(), answer({}, { isReadonly: true, objectAccess: 'read' })],
  'an answer that does not tell of objects': [open(), answer({}, { objectAccess: undefined })],
  'an answer that patches and removes what is not there': [open(), answer({ 'note:1': patch({ x: put(1) }), 'note:2': remove() })],
  'an answer to another request': [open(), answer(puts(one), { connectRequestId: 9 }), answer(puts(two))],
  'an answer to the request before': [open(), drop(), open(), answer(puts(one), { connectRequestId: 1 }), answer(puts(two))],
  'a second answer': [open(), answer(puts(one)), answer(puts(two), { clock: 2 })],
  'data before the answer': [open(), tells(told(1, puts(one))), answer(puts(two))],
  ...Object.fromEntries(
    Object.entries(schemas).map(([what, schema]) => [
      `a room ${what}`,
      [open(), answer(puts(one), { schema }), set('note:1', { x: 7 }), tells(told(2, { 'note:1': patch({ text: put('won') }) })), drop(), open()],
    ]),
  ),
  'records from before the first connection': [putRecords(note('3'), tool('1')), enter(one)],
  'the same record on both sides': [putRecords(note('1', { x: 9 })), enter(one)],
  'an equal record on both sides': [putRecords(one), enter(one)],

  'nothing has changed since': [wasIn, open(), catchUp()],
  'a record has changed since': [wasIn, open(), catchUp(puts({ ...one, x: 5 }), { clock: 2 })],
  'a record was removed since': [wasIn, open(), catchUp({ 'note:1': remove() }, { clock: 2 })],
  'a record came since': [wasIn, open(), catchUp(puts(note('3')), { clock: 2 })],
  'the room has all anew': [wasIn, open(), answer(puts(two, note('3')), { clock: 9 })],
  'the room is empty now': [wasIn, open(), answer({}, { clock: 9 })],
  'the room\'s clock goes back': [enter(one), tells(told(5, puts(two))), drop(), open(), answer(puts(one), { clock: 2 }), drop(), open()],
  'session records stay over all': [putRecords(tool('1', { x: 1 })), wasIn, open(), answer({}, { clock: 9 })],
  'presence goes with the connection': [open(), answer(puts(one, cursorOf(7, 'bob'))), drop(), open(), catchUp(puts(cursorOf(8, 'cem')))],

  'a change over an unchanged record': [wasIn, set('note:1', { x: 7 }), open(), catchUp()],
  'a change over another change': [wasIn, set('note:1', { x: 7 }), open(), catchUp(puts({ ...one, text: 'won' }), { clock: 2 })],
  'a change over one of the same field': [wasIn, set('note:1', { x: 7 }), open(), catchUp(puts({ ...one, x: 8 }), { clock: 2 })],
  'a change over an equal one': [wasIn, set('note:1', { x: 7 }), open(), catchUp(puts({ ...one, x: 7 }), { clock: 2 })],
  'a change inside of props over another': [
    wasIn,
    set('note:1', { props: { a: 2, b: 1 } }),
    open(),
    catchUp(puts({ ...one, props: { a: 1, b: 3 } }), { clock: 2 }),
  ],
  'text that grew over text that grew': [wasIn, set('note:1', { text: 'one a' }), open(), catchUp(puts({ ...one, text: 'one b' }), { clock: 2 })],
  'text that grew over a change of another field': [wasIn, set('note:1', { text: 'one a' }), open(), catchUp(puts({ ...one, x: 4 }), { clock: 2 })],
  'a change over a removal': [wasIn, set('note:1', { x: 7 }), open(), catchUp({ 'note:1': remove() }, { clock: 2 })],
  'a change over a room without the record': [wasIn, set('note:1', { x: 7 }), open(), answer(puts(two), { clock: 9 })],
  'a removal over a change': [wasIn, removeRecords('note:1'), open(), catchUp(puts({ ...one, x: 8 }), { clock: 2 })],
  'a removal over a removal': [wasIn, removeRecords('note:1'), open(), catchUp({ 'note:1': remove() }, { clock: 2 })],
  'a removal over all anew': [wasIn, removeRecords('note:1'), open(), answer(puts(one, two), { clock: 9 })],
  'a new record over all anew': [wasIn, putRecords(note('3')), open(), answer(puts(one), { clock: 9 })],
  'a new record over the same of another': [wasIn, putRecords(note('3', { x: 1 })), open(), catchUp(puts(note('3', { x: 2 })), { clock: 2 })],

  ...Object.fromEntries(
    Object.entries(unreadable).map(([what, diff]) => [
      `a record ${what}`,
      [open(), differs('CLIENT-15', answer({ ...puts(one), ...diff }), { app: ['online'], store: store(one) })],
    ]),
  ),
  'a record that is a number': [open(), badAnswer(), open(), answer(puts(one))],
  'a record under another key': [open(), differs('CLIENT-6', answer({ 'note:3': put(note('4')) }), RESETS)],
  'a bad record in three answers': [
    [1, 2].map(() => [open(), badAnswer()]),
    open(),
    badAnswer({ room: ['reset'], app: [{ refused: 'UNKNOWN_ERROR' }] }),
  ],
  'two bad answers, a good one and two bad ones': [
    [1, 2].map(() => [open(), badAnswer()]),
    open(),
    answer(puts(one)),
    drop(),
    [1, 2].map(() => [open(), badAnswer()]),
  ],
  'a bad record over local changes': [
    wasIn,
    set('note:1', { x: 7 }),
    open(),
    badAnswer(RESETS, { clock: 2 }),
    open(),
    differs('CLIENT-5', catchUp(), { app: ['online'], room: [push(1, { 'note:1': patch({ x: put(7) }) })] }),
  ],
  'an edit at the moment of the answer': [
    open(),
    differs('CLIENT-8', atOnce(putRecords(note('3')), answer(puts(one))), {
      app: ['online'],
      room: [push(1, puts(note('3')))],
      store: store(one, note('3')),
    }),
  ],
  'an edit and a removal right after the answer': [
    open(),
    differs('CLIENT-1', atOnce(answer(puts(one)), putRecords(note('3')), removeRecords('note:1')), {
      app: ['online'],
      room: [push(1, puts(note('3'))), push(2, { 'note:1': remove() })],
      store: store(note('3')),
    }),
  ],
}
