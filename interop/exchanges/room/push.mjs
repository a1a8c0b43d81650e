// What becomes of a push, and who hears what of it?

import {
  USED, append, atOnce, commit, cursor, data, del, differs, everybody, join, leaves, note, patch, pin, push, put, puts, remove, says,
  snapshot,
} from '../../lib/table/steps.mjs'

/** In a room with notes 1 and 2, Ann pushes and Bob listens. */
const used = (...steps) => ({ snapshot: USED, steps: [everybody('a', 'b'), ...steps] })
const pushes = (diff) => used(push('a', diff))
/** What a stock room skips or takes as something else breaks the protocol here. */
const breaks = (step) => used(differs('ROOM-3', step, leaves('a', 'UNKNOWN_ERROR')))
/** Here every record that is not what its key says is invalid. */
const misnames = (diff) => used(differs('ROOM-2', push('a', diff), leaves('a', 'INVALID_RECORD')))
const one = USED.documents[0].state

export default {
  'a new record': pushes(puts(note('3', { text: 'three' }))),
  'several new records': pushes(puts(note('3'), note('4'), pin('1'))),
  'a put of an equal record': pushes(puts(one)),
  'a put that changes a record': pushes(puts(note('1', { x: 9, text: 'won' }))),
  'a put that drops and adds fields': pushes(puts(note('1', { y: 1 }))),
  'a put of an equal record beside a new one': pushes(puts(one, note('3'))),
  'a patch of a field': pushes({ 'note:1': patch({ x: put(5) }) }),
  'a patch that adds and deletes fields': pushes({ 'note:1': patch({ y: put({ z: 1 }), text: del() }) }),
  'a patch without effect': pushes({ 'note:1': patch({ x: put(1) }) }),
  'an empty patch': pushes({ 'note:1': patch({}) }),
  'a patch of which a part has an effect': pushes({ 'note:1': patch({ x: put(1), text: put('won') }) }),
  'a patch with a delete of what is not there': pushes({ 'note:1': patch({ y: del(), x: put(2) }) }),
  'a patch of a missing record': pushes({ 'note:9': patch({ x: put(1) }) }),
  'a patch of a missing record beside a good one': pushes({ 'note:9': patch({ x: put(1) }), 'note:1': patch({ x: put(2) }) }),
  'a removal': pushes({ 'note:1': remove() }),
  'a removal of a missing record': pushes({ 'note:9': remove() }),
  'a removal of a missing record beside a new one': pushes({ 'note:9': remove(), 'note:3': put(note('3')) }),
  'a removal of what was removed before': pushes({ 'note:gone': remove() }),
  'a record that comes back': pushes(puts(note('gone'))),
  'everything in one push': pushes({
    'note:1': patch({ x: put(5) }), 'note:2': remove(), 'note:3': put(note('3')), 'note:9': patch({ x: put(1) }),
  }),
  'an empty diff': pushes({}),
  'no diff': used(push('a')),
  'a diff of null': used(differs('ROOM-3', push('a', null), { a: [data(commit(3))] })),
  'a diff that is an array': breaks(push('a', [])),
  'a diff that is a string': breaks(push('a', 'x')),
  'an op that is a string': breaks(push('a', { 'note:1': 'x' })),
  'an op that nobody knows': breaks(push('a', { 'note:1': ['zap'] })),
  'a value op that nobody knows': breaks(push('a', { 'note:1': patch({ x: ['zap', 1] }) })),
  'a removal with too much in it': breaks(push('a', { 'note:1': ['remove', 1, 2] })),
  'a put with too much in it': breaks(push('a', { 'note:3': ['put', note('3'), 1] })),
  'a patch without a diff': used(push('a', { 'note:1': ['patch'] })),
  'an append without offset': breaks(push('a', { 'note:1': patch({ text: ['append', '!'] }) })),
  'a clock that is repeated': used(push('a', puts(note('3'))), push('a', puts(note('4'))), push('a', puts(note('5')), { clock: 0 })),
  'no clock': breaks(says('a', { type: 'push', diff: puts(note('3')) })),
  'a clock that is a string': breaks(says('a', { type: 'push', clientClock: 'x', diff: puts(note('3')) })),
  'fields that nobody knows': used(says('a', { type: 'push', clientClock: 1, diff: puts(note('3')), hello: 1 })),

  'a put of another type': pushes(puts({ ...pin('1'), id: 'note:1' })),
  'a put of another type beside a good one': pushes(puts({ ...pin('1'), id: 'note:1' }, note('3'))),
  'a put of a type that nobody knows': pushes(puts({ id: 'zap:1', typeName: 'zap' })),
  'a put of a type that nobody knows on a known record': pushes(puts({ id: 'note:1', typeName: 'zap' })),
  'a put of session scope': pushes(puts({ id: 'tool:1', typeName: 'tool' })),
  'a put of presence scope': pushes(puts(cursor('ann'))),
  'a put without a type': pushes(puts({ id: 'note:3' })),
  'a put without an id': pushes({ 'note:3': put({ typeName: 'note' }) }),
  'a put whose id is not its key': misnames({ 'note:3': put(note('4')) }),
  'a put of a known key whose id is another': misnames({ 'note:1': put(note('3')) }),
  'a put of a number': breaks(push('a', { 'note:3': put(5) })),
  'a put of null': pushes({ 'note:3': put(null) }),
  'a put that is not valid': pushes(puts(note('3', { x: 'left' }))),
  'a put that is not valid after a good one': used(push('a', puts(note('3'), note('4', { x: 'left' }))), snapshot()),
  'a put that is not valid on a known record': pushes(puts(note('1', { text: 5 }))),
  'a patch that makes a record not valid': pushes({ 'note:1': patch({ x: put('left') }) }),
  'a patch that is not valid after a good op': used(push('a', { 'note:2': remove(), 'note:1': patch({ x: put('left') }) }), snapshot()),
  'a patch that changes the id': misnames({ 'note:1': patch({ id: put('note:3') }) }),
  'a patch that deletes the id': pushes({ 'note:1': patch({ id: del() }) }),
  'a patch that changes the type': pushes({ 'note:1': patch({ typeName: put('pin') }) }),
  'a patch that changes the type to none': pushes({ 'note:1': patch({ typeName: put('zap') }) }),
  'others go on after one was refused': used(push('a', puts(note('3', { x: 'left' }))), push('b', puts(note('3')))),

  'two at the same record, one after the other': used(
    push('a', { 'note:1': patch({ x: put(5) }) }),
    push('b', { 'note:1': patch({ x: put(5), text: put('uno') }) }),
  ),
  'two append to the same text': used(
    push('a', { 'note:1': patch({ text: append(' a', 3) }) }),
    push('b', { 'note:1': patch({ text: append(' b', 3) }) }),
  ),
  'one removes what another changes': used(
    push('a', { 'note:1': remove() }),
    push('b', { 'note:1': patch({ x: put(7) }) }),
    push('b', puts(note('1', { x: 7 })), { clock: 2 }),
  ),
  'both put the same new record': used(push('a', puts(note('3', { x: 1 }))), push('b', puts(note('3', { x: 2 })))),
  'both remove the same record': used(push('a', { 'note:1': remove() }), push('b', { 'note:1': remove() })),
  'a record that is deleted and put in turn': used(
    push('a', { 'note:1': remove() }),
    push('a', puts(note('1', { x: 8 })), { clock: 2 }),
    join('c', { lastServerClock: 3 }),
    snapshot(),
  ),
  'pushes of both at once': used(
    atOnce(
      push('a', puts(note('3'))),
      push('b', puts(note('4'))),
      push('a', { 'note:4': patch({ x: put(1) }) }, { clock: 2 }),
      push('b', { 'note:3': remove() }, { clock: 2 }),
    ),
  ),
}
