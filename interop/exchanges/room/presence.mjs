// What do others see of a session?

import {
  append, atOnce, cursor, data, del, differs, everybody, join, leaves, note, patch, push, put, puts, remove, shows, snapshot, told,
} from '../../lib/table/steps.mjs'

/** Ann is seen by Bob, then shows more. */
const ann = (...steps) => [everybody('a', 'b'), shows('a', put(cursor('ann', { x: 1, props: { s: 'abc' } }))), ...steps]
/** Presence that is no op breaks the protocol, and what others saw is gone. */
const breaks = (presence) =>
  ann(differs('ROOM-3', shows('a', presence, 2), { ...leaves('a', 'UNKNOWN_ERROR'), b: [data(told(0, { 'cursor:0': remove() }))] }))
const invalid = { 'a name that is none': put(cursor(5)), 'no name': put({ id: 'x' }) }
const malformed = { 'a number': put(5), 'null': put(null), 'too much in it': ['put', cursor('ann'), 1] }

export default {
  'presence is put': ann(),
  'presence is patched': ann(shows('a', patch({ x: put(2), props: patch({ s: append('d', 3) }) }), 2)),
  'presence is patched without effect': ann(shows('a', patch({ x: put(1) }), 2)),
  'presence is patched with an empty diff': ann(shows('a', patch({}), 2)),
  'presence is patched with a part that has an effect': ann(shows('a', patch({ x: put(1), y: put(2) }), 2)),
  'presence is patched deep inside': ann(shows('a', patch({ props: patch({ s: put('abcd'), o: put({ a: 1 }), no: del() }) }), 2)),
  'presence is put again, equal': ann(shows('a', put(cursor('ann', { x: 1, props: { s: 'abc' } })), 2)),
  'presence is put again, changed': ann(shows('a', put(cursor('anna', { x: 1, props: { s: 'abcd' } })), 2)),
  'presence is patched before it is put': [everybody('a', 'b'), shows('a', patch({ x: put(1) }))],
  'presence is removed': breaks(remove()),
  'presence is null': ann(shows('a', null, 2)),
  'presence is a string': breaks('x'),
  'presence of another id': [everybody('a', 'b'), shows('a', put({ ...cursor('ann'), id: 'cursor:other' }))],
  'presence of another type': [everybody('a', 'b'), shows('a', put(note('1')))],
  'presence that patches its id and type': ann(shows('a', patch({ id: put('x'), typeName: put('note'), x: put(5) }), 2)),
  ...Object.fromEntries(
    Object.entries(invalid).map(([what, op]) => [`presence with ${what}`, [everybody('a', 'b'), push('a', puts(note('1')), { presence: op })]]),
  ),
  ...Object.fromEntries(
    Object.entries(malformed).map(([what, op]) => [
      `presence that puts ${what}`,
      [everybody('a', 'b'), differs('ROOM-3', push('a', puts(note('1')), { presence: op }), leaves('a', 'UNKNOWN_ERROR'))],
    ]),
  ),
  'presence that a patch makes invalid': ann(shows('a', patch({ name: put(5) }), 2)),
  'presence rides with documents': [everybody('a', 'b'), push('a', puts(note('1')), { presence: put(cursor('ann')) })],
  'presence rides with a diff without effect': [everybody('a', 'b'), push('a', {}, { presence: put(cursor('ann')) })],
  'presence without effect rides with documents': ann(push('a', puts(note('1')), { clock: 2, presence: patch({ x: put(1) }) })),
  'presence rides with a push that is rebased': ann(
    push('a', puts(note('1', { x: 1 })), { clock: 2 }),
    push('a', { 'note:1': patch({ x: put(1), y: put(1) }) }, { clock: 3, presence: patch({ x: put(2) }) }),
  ),
  'presence is not stored': ann(snapshot()),
  'presence of all at once': [
    everybody('a', 'b', 'c'),
    atOnce(shows('a', put(cursor('ann'))), shows('b', put(cursor('bob'))), shows('c', put(cursor('cem')))),
    join('d'),
  ],
  'a document with the id of a presence': ann(differs('ROOM-18', push('b', puts({ id: 'cursor:0', typeName: 'note' })), leaves('b', 'INVALID_RECORD'))),
}
