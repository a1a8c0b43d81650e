// What does a client push, and what becomes of it?

import {
  REFUSES, append, atOnce, commit, differs, discard, edits, enter, note, patch, pin, push, put, putRecords, puts, rebase, remove,
  removeRecords, result, says, set, store, tells, told, tool, wait,
} from '../../lib/table/client-steps.mjs'

const one = note('1', { x: 1, text: 'one', list: [1, 2, 3, 4, 5], props: { a: 1, text: 'abc', o: { b: 1 } } })
const two = note('2', { x: 2 })
const inside = (...steps) => [enter(one, two), ...steps]
/** Steps right after a push: what they change is collected. */
const soon = (...steps) => inside(atOnce(set('note:2', { x: 9 }), wait(20), ...steps))

export default {
  'a new record is committed': inside(putRecords(note('3')), tells(commit(2, 1))),
  'a new record is discarded': inside(putRecords(note('3')), tells(discard(1, 1))),
  'a new record is rebased': inside(putRecords(note('3')), tells(rebase(2, puts(note('3', { x: 1 })), 1))),
  'a change is committed': inside(set('note:1', { x: 7 }), tells(commit(2, 1))),
  'a change is discarded': inside(set('note:1', { x: 7 }), tells(discard(1, 1))),
  'a change is rebased': inside(set('note:1', { x: 7 }), tells(rebase(2, { 'note:1': patch({ x: put(6) }) }, 1))),
  'a change is rebased to another field': inside(set('note:1', { x: 7 }), tells(rebase(2, { 'note:1': patch({ text: put('uno') }) }, 1))),
  'a change is rebased to nothing': inside(set('note:1', { x: 7 }), tells(rebase(2, {}, 1))),
  'a change is rebased to a removal': inside(set('note:1', { x: 7 }), tells(rebase(2, { 'note:1': remove() }, 1))),
  'a removal is committed': inside(removeRecords('note:1'), tells(commit(2, 1))),
  'a removal is discarded': inside(removeRecords('note:1'), tells(discard(1, 1))),
  'a removal is rebased to a change': inside(removeRecords('note:1'), tells(rebase(2, { 'note:1': patch({ x: put(3) }) }, 1))),
  'several records in one push': inside(edits(putRecords(note('3'), pin('1')), set('note:1', { x: 7 }), removeRecords('note:2')), tells(commit(2, 1))),
  'an equal record is no change': inside(putRecords(one)),
  'a change to what it was is none': inside(edits(set('note:1', { x: 7 }), set('note:1', { x: 1 }))),
  'session records are not pushed': inside(putRecords(tool('1')), set('tool:1', { x: 1 }), removeRecords('tool:1')),
  'session records beside documents': inside(putRecords(tool('1'), note('3'))),
  'text that grows is appended': inside(set('note:1', { text: 'one more' })),
  'text that changes is put': inside(set('note:1', { text: 'two' })),
  'a field is added': inside(set('note:1', { fresh: { a: [1] } })),
  'a field inside of props': inside(set('note:1', { props: { ...one.props, a: 2, text: 'abcd' } })),
  'an object inside of props': inside(set('note:1', { props: { ...one.props, o: { b: 2 } } })),
  'a field of props goes': inside(set('note:1', { props: { a: 1 } })),
  'a list grows': inside(set('note:1', { list: [...one.list, 6] })),
  'an item of a list changes': inside(set('note:1', { list: [1, 2, 9, 4, 5] })),
  'many items of a list change': inside(set('note:1', { list: [9, 8, 7, 4, 5] })),
  'a list shrinks': inside(set('note:1', { list: [1] })),
  'a whole record is put over another': inside(putRecords(note('1', { x: 1, y: 2 }))),
  'a record that is not valid': inside(putRecords(note('3', { x: 'left' }))),
  'a change that makes a record not valid': inside(set('note:1', { x: 'left' })),
  'a change of a record that is not there': inside(differs('CLIENT-11', set('note:9', { x: 1 }), REFUSES)),
  'a record of a type that nobody knows': inside(putRecords({ id: 'zap:1', typeName: 'zap' })),

  'props turn into an array': inside(
    differs('CLIENT-12', set('note:1', { props: [] }), {
      room: [push(1, { 'note:1': patch({ props: put([]) }) })],
      store: store({ ...one, props: [] }, two),
    }),
  ),
  'an edit after a quiet spell is pushed at once': inside(
    differs('CLIENT-1', atOnce(set('note:1', { x: 7 }), wait(2), set('note:1', { x: 8 })), {
      room: [push(1, { 'note:1': patch({ x: put(7) }) }), push(2, { 'note:1': patch({ x: put(8) }) })],
      store: store({ ...one, x: 8 }, two),
    }),
  ),
  'several edits between pushes are one': soon(
    set('note:1', { x: 7 }), wait(2), set('note:1', { x: 8 }), wait(2), set('note:1', { text: 'one!' }), putRecords(note('3')),
  ),
  'a record is put and removed at once': soon(putRecords(note('3')), removeRecords('note:3')),
  'a record is changed and changed back at once': soon(set('note:1', { x: 7 }), set('note:1', { x: 1 })),
  'a record is removed and put back at once': soon(removeRecords('note:1'), putRecords(one)),
  'a record is removed and put back otherwise at once': soon(removeRecords('note:1'), putRecords(note('1', { x: 9 }))),
  'a record is put and changed at once': soon(putRecords(note('3')), set('note:3', { x: 1 })),
  'a record is changed and removed at once': soon(set('note:1', { x: 7 }), removeRecords('note:1')),

  'a second push before the first is answered': inside(
    set('note:1', { x: 7 }),
    set('note:1', { x: 8 }),
    tells(commit(2, 1)),
    tells(commit(3, 2)),
  ),
  'two pushes are answered at once': inside(set('note:1', { x: 7 }), set('note:2', { x: 8 }), tells(commit(2, 1), commit(3, 2))),
  'the first of two is discarded': inside(set('note:1', { x: 7 }), set('note:1', { text: 'uno' }), tells(discard(1, 1)), tells(commit(2, 2))),
  'the second of two is discarded': inside(set('note:1', { x: 7 }), set('note:1', { text: 'uno' }), tells(commit(2, 1), discard(2, 2))),
  'a new record is discarded and then changed': inside(putRecords(note('3')), set('note:3', { x: 1 }), tells(discard(1, 1)), tells(discard(1, 2))),
  'the first of two is rebased': inside(
    set('note:1', { x: 7 }),
    set('note:1', { x: 8 }),
    tells(rebase(2, { 'note:1': patch({ x: put(5) }) }, 1)),
    tells(commit(3, 2)),
  ),
  'text grows twice and the first is rebased': inside(
    set('note:1', { text: 'one a' }),
    set('note:1', { text: 'one a b' }),
    tells(rebase(2, { 'note:1': patch({ text: append('!', 3) }) }, 1)),
    tells(discard(2, 2)),
  ),
  'a record is put, then removed before it is answered': inside(putRecords(note('3')), removeRecords('note:3'), tells(commit(2, 1), commit(3, 2))),
  'a record is removed, then put before it is answered': inside(removeRecords('note:1'), putRecords(note('1', { x: 4 })), tells(commit(2, 1), commit(3, 2))),
  'answers outside of a data message': inside(set('note:1', { x: 7 }), says(commit(2, 1))),

  'a change of another stands before the answer': inside(
    set('note:1', { x: 7 }),
    tells(told(2, { 'note:1': patch({ text: put('uno') }) }), commit(3, 1)),
  ),
  'a change of another stands behind the answer': inside(
    set('note:1', { x: 7 }),
    tells(commit(2, 1), told(3, { 'note:1': patch({ x: put(9) }) })),
  ),
  'an answer that is of no push': inside(tells(commit(2, 1)), wait(100)),
  'an answer that is of a later push': inside(set('note:1', { x: 7 }), set('note:2', { x: 8 }), tells(commit(2, 2))),
  'an answer that comes twice': inside(set('note:1', { x: 7 }), tells(commit(2, 1)), tells(commit(2, 1))),
  'an answer that nobody knows': inside(set('note:1', { x: 7 }), tells(result(2, 'zap', 1))),
}
