// Who is let in, and what is a session told first?

import {
  EMPTY, SCHEMA, USED, atOnce, closed, connect, cursor, differs, everybody, hydration, join, note, open, ping, push, put, puts, remove,
  says, shows,
} from '../../lib/table/steps.mjs'

const used = (...steps) => ({ snapshot: USED, steps })
const withSequences = (changes) => {
  const sequences = { ...SCHEMA.sequences, ...changes }
  for (const [id, version] of Object.entries(sequences)) if (version === undefined) delete sequences[id]
  return { schemaVersion: 2, sequences }
}

const versions = {}
for (const version of [5, 6, 7, 8]) {
  versions[`version ${version} is served`] = used(join('a', { protocolVersion: version }), ping('a'))
}
for (const version of [4, 1, 0, -1, null]) {
  versions[`version ${version} is too old`] = used(join('a', { protocolVersion: version }))
}
for (const version of [9, 100]) {
  versions[`version ${version} is too new`] = used(join('a', { protocolVersion: version }))
}
for (const version of [8.5, 'x', true]) {
  const step = differs('ROOM-3', join('a', { protocolVersion: version }), { a: [closed('UNKNOWN_ERROR')] })
  versions[`version ${JSON.stringify(version)} is none`] = used(step)
}

const clocks = {}
for (const clock of [-7, -1, 0, 1, 2, 3, 4, 1e6]) {
  clocks[`a client that knows clock ${clock}`] = used(join('a', { lastServerClock: clock }))
}
/** All that the room has. */
const everything = { a: [hydration('a', 'wipe_all', 3, puts(...USED.documents.map(({ state }) => state)))] }
for (const clock of [null, 'x', 1.5]) {
  const step = differs('ROOM-4', join('a', { lastServerClock: clock }), everything)
  clocks[`a client with the clock ${JSON.stringify(clock)}`] = used(step)
}

const schemas = {
  'an older sequence': withSequences({ 'com.example.note': 1 }),
  'a newer sequence': withSequences({ 'com.example.note': 3 }),
  'a missing sequence': withSequences({ 'com.example.pin': undefined }),
  'no sequences': { schemaVersion: 2, sequences: {} },
  'a newer sequence and an older one': withSequences({ 'com.example.note': 1, 'com.example.pin': 2 }),
  'null': null,
  'a string': 'x',
  'an object that is no schema': {},
}
for (const [what, schema] of Object.entries(schemas)) schemas[what] = [join('a', { schema })]
const unknown = {
  'an unknown sequence': withSequences({ 'com.other.thing': 1 }),
  'an unknown sequence at 0': withSequences({ 'com.other.thing': 0 }),
  'an unknown sequence and an older one': withSequences({ 'com.other.thing': 1, 'com.example.note': 1 }),
  'unknown sequences in the older form': { schemaVersion: 1, storeVersion: 1, recordVersions: {} },
}
for (const [what, schema] of Object.entries(unknown)) {
  schemas[what] = [differs('ROOM-5', join('a', { schema }), { a: [closed('SERVER_TOO_OLD')] })]
}

export default {
  ...versions,
  'a version is missing': [open('a'), connect('a', { protocolVersion: undefined })],
  ...clocks,
  'a clock is missing': used(open('a'), differs('ROOM-4', connect('a', { lastServerClock: undefined }), everything)),
  ...Object.fromEntries(Object.entries(schemas).map(([what, steps]) => [`a schema with ${what}`, steps])),
  'a schema is missing': [open('a'), connect('a', { schema: undefined })],

  'an empty room': [join('a')],
  'an empty room and a clock of 0': [join('a', { lastServerClock: 0 })],
  'fields that nobody knows': [open('a'), connect('a', { hello: { deep: [1] } })],
  'a request without id': [open('a'), differs('ROOM-3', connect('a', { connectRequestId: undefined }), { a: [closed('UNKNOWN_ERROR')] })],
  'a request whose id is a number': [open('a'), differs('ROOM-3', connect('a', { connectRequestId: 7 }), { a: [closed('UNKNOWN_ERROR')] })],
  'what a session may do is told': [
    join('a', { readonly: true }),
    join('b', { objectAccess: 'read' }),
    join('c', { readonly: true, objectAccess: 'read' }),
  ],
  'presence of others is part of the answer, not one\'s own': [
    join('a'),
    push('a', puts(note('1')), { presence: put(cursor('ann')) }),
    join('b'),
    connect('a', { connectRequestId: 'again' }),
  ],
  'a second connect is answered afresh': used(
    everybody('a', 'b'),
    connect('a', { connectRequestId: 'again', lastServerClock: 3 }),
    push('b', puts(note('3'))),
    push('a', puts(note('4'))),
  ),
  'a second connect takes what was collected': used(
    everybody('a', 'b'),
    atOnce(
      push('b', puts(note('3'))),
      push('b', puts(note('4')), { clock: 2 }),
      connect('a', { connectRequestId: 'again', lastServerClock: 3 }),
    ),
  ),
  'a second connect of another version': [
    everybody('a', 'b'),
    connect('a', { connectRequestId: 'again', protocolVersion: 9 }),
    push('b', puts(note('1'))),
  ],
  'a second connect with another schema': [
    everybody('a', 'b'),
    connect('a', { connectRequestId: 'again', schema: null }),
    push('b', puts(note('1'))),
  ],
  'three connects at once': used(
    join('b'),
    open('a'),
    atOnce(
      connect('a', { connectRequestId: '1' }),
      connect('a', { connectRequestId: '2', lastServerClock: 3 }),
      connect('a', { connectRequestId: '3', lastServerClock: 1 }),
    ),
    push('b', puts(note('3'))),
  ),
  'pushes and pings before connect are ignored': [
    open('a'),
    push('a', puts(note('1'))),
    ping('a'),
    connect('a'),
    ping('a'),
  ],
  'changes before the answer are in it, later ones follow it': [
    join('a'),
    open('b'),
    push('a', puts(note('1'))),
    atOnce(push('a', puts(note('2')), { clock: 2 }), connect('b'), push('a', { 'note:1': remove() }, { clock: 3 })),
  ],
  'no data comes to one that has not connected': [
    join('a'),
    open('b'),
    push('a', puts(note('1')), { presence: put(cursor('ann')) }),
    shows('a', put(cursor('anna')), 2),
  ],
  'a room that begins at a later clock': {
    snapshot: { ...EMPTY, documentClock: 10, tombstoneHistoryStartsAtClock: 5 },
    steps: [join('a', { lastServerClock: 4 }), join('b', { lastServerClock: 5 }), join('c', { lastServerClock: 6 })],
  },
  'a refused session may come again': [
    join('a', { protocolVersion: 4 }),
    join('a'),
  ],
  'what is said after a refusal is ignored': [
    join('a', { protocolVersion: 4 }),
    ping('a'),
    says('a', 'garbage'),
  ],
}
