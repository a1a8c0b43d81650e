// What does a client make of what others do?

import {
  RESETS, append, atOnce, commit, cursorOf, del, differs, drop, enter, note, open, patch, push, put, putRecords, puts, remove, removeRecords,
  says, set, store, tells, told, tool,
} from '../../lib/table/client-steps.mjs'

const one = note('1', { x: 1, text: 'one', list: [1, 2, 3], props: { a: 1, o: { b: 1 } } })
const two = note('2', { x: 2 })
const hears = (...steps) => [enter(one, two), ...steps]
const tell = (diff, clock = 2) => tells(told(clock, diff))

export default {
  'a new record': hears(tell(puts(note('3')))),
  'a record that is there is put': hears(tell(puts(note('1', { x: 5 })))),
  'an equal record is put': hears(tell(puts(one))),
  'a record is patched': hears(tell({ 'note:1': patch({ x: put(5), text: append('!', 3), list: patch({ 1: put(9) }), y: put(1) }) })),
  'a record is patched deep inside': hears(tell({ 'note:1': patch({ props: patch({ o: patch({ b: put(2) }), a: del() }) }) })),
  'a record is patched without effect': hears(tell({ 'note:1': patch({ x: put(1), text: append('!', 1), no: patch({ a: put(1) }) }) })),
  'a list is patched beyond its end': hears(
    differs('CLIENT-12', tell({ 'note:1': patch({ list: patch({ 3: put(4) }), x: put(5) }) }), { store: store({ ...one, x: 5 }, two) }),
  ),
  'a record is removed': hears(tell({ 'note:1': remove() })),
  'what is not there is patched': hears(tell({ 'note:9': patch({ x: put(1) }) })),
  'what is not there is removed': hears(tell({ 'note:9': remove() })),
  'several changes in one message': hears(
    tells(told(2, { 'note:1': patch({ x: put(5) }) }), told(3, { 'note:1': remove() }), told(4, puts(note('3')))),
  ),
  'a record is removed and put in one message': hears(tells(told(2, { 'note:1': remove() }), told(3, puts(note('1', { x: 9 }))))),
  'an empty message': hears(tells()),
  'a change outside of a data message': hears(says(told(2, { 'note:1': patch({ x: put(5) }) }))),
  'the clock is told to the next room': hears(tell({ 'note:1': patch({ x: put(5) }) }, 8), drop(), open()),
  'somebody comes, moves and goes': hears(
    tell(puts(cursorOf(7, 'bob')), 1),
    tell({ 'cursor:7': patch({ x: put(3), name: append('by', 3) }) }, 1),
    tell({ 'cursor:7': remove() }, 1),
  ),
  'somebody moves who is not there': hears(tell({ 'cursor:9': patch({ x: put(1) }) }, 1)),
  'somebody and a document at once': hears(tell({ ...puts(cursorOf(7, 'bob')), 'note:1': patch({ x: put(4) }) })),

  'a record that is changed here is changed by another': hears(
    set('note:1', { x: 7 }),
    tell({ 'note:1': patch({ text: put('uno') }) }),
    tells(commit(3, 1)),
  ),
  'the same field is changed here and by another': hears(set('note:1', { x: 7 }), tell({ 'note:1': patch({ x: put(9) }) }), tells(commit(3, 1))),
  'text grows here and by another': hears(
    set('note:1', { text: 'one a' }),
    tell({ 'note:1': patch({ text: append(' b', 3) }) }),
    tells(told(3, {})),
  ),
  'a record that is changed here is removed by another': hears(set('note:1', { x: 7 }), tell({ 'note:1': remove() })),
  'a record that is removed here is changed by another': hears(removeRecords('note:1'), tell({ 'note:1': patch({ x: put(9) }) }), tells(commit(3, 1))),
  'a record that is removed here is removed by another': hears(removeRecords('note:1'), tell({ 'note:1': remove() })),
  'a record that is put here is put by another': hears(putRecords(note('3', { x: 1 })), tell(puts(note('3', { x: 2 })))),
  'a record that is put here is removed by another': hears(putRecords(note('3')), tell({ 'note:3': remove() })),
  'another record is changed than here': hears(set('note:1', { x: 7 }), tell({ 'note:2': patch({ x: put(9) }) }), tells(commit(3, 1))),
  'an edit without effect, then a change of another, then an edit': hears(
    set('note:1', { props: { a: 1, o: { b: 1 } } }),
    tell({ 'note:1': patch({ x: put(5) }) }),
    differs('CLIENT-13', set('note:1', { text: 'uno', props: { a: 1, o: { b: 1 } } }), {
      room: [push(1, { 'note:1': patch({ text: put('uno') }) })],
      store: store({ ...one, x: 5, text: 'uno' }, two),
    }),
  ),
  'a change comes at the moment of an edit': hears(atOnce(set('note:1', { x: 7 }), tell({ 'note:1': patch({ text: put('uno') }) }))),

  'a record that is not valid': hears(differs('CLIENT-15', tell(puts(note('3', { x: 'left' }))), {})),
  'a patch that makes a record not valid': hears(
    differs('CLIENT-15', tell({ 'note:1': patch({ x: put('left') }) }), { store: store(two) }),
  ),
  'a record that is not valid beside a good one': hears(
    differs('CLIENT-15', tell({ ...puts(note('4')), ...puts(note('3', { x: 'left' })) }), { store: store(one, two, note('4')) }),
  ),
  'a record of a type that nobody knows': hears(differs('CLIENT-15', tell(puts({ id: 'zap:1', typeName: 'zap' })), {})),
  'a record under another key': hears(differs('CLIENT-6', tell({ 'note:3': put(note('4')) }), RESETS)),
  'an op that nobody knows': hears(differs('CLIENT-4', tell({ 'note:1': ['zap'] }), RESETS)),
  'a patch of the id': hears(differs('CLIENT-6', tell({ 'note:1': patch({ id: put('note:3') }) }), RESETS)),
  'a put of a record of session scope': hears(putRecords(tool('1')), differs('CLIENT-15', tell(puts(tool('1', { x: 1 }))), {})),
}
