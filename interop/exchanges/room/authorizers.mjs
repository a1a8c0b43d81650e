// What does the host let a session do with single records? Here notes belong to those who made them.

import {
  USED, append, atOnce, cursor, data, differs, discard, everybody, hostPuts, join, note, patch, pin, push, put, puts, remove, snapshot,
} from '../../lib/table/steps.mjs'

const by = (author) => ({ author })
/** Ann's note and Bob's, and one of nobody's. */
const room = (...steps) => ({
  authors: true,
  snapshot: {
    ...USED,
    documents: [
      { state: note('a', { ...by('a'), x: 1, text: 'one' }), lastChangedClock: 1 },
      { state: note('b', { ...by('b'), x: 2 }), lastChangedClock: 2 },
      { state: note('nobody'), lastChangedClock: 3 },
    ],
  },
  steps: [everybody('a', 'b'), ...steps],
})
const pushes = (diff) => room(push('a', diff))

export default {
  'a new note gets its author': pushes(puts(note('1', { x: 1 }))),
  'a new note that names its author': pushes(puts(note('1', by('a')))),
  'a new note that names another author': pushes(puts(note('1', by('b')))),
  'a new note that is refused': pushes(puts(note('1', { secret: true }))),
  'a new note that is refused beside a good one': pushes(puts(note('1', { secret: true }), note('2', by('a')))),
  'a new note that is refused and not valid': pushes(puts(note('1', { secret: true, x: 'left' }))),
  'one\'s own note is changed': pushes({ 'note:a': patch({ x: put(5), text: append('!', 3) }) }),
  'one\'s own note is put': pushes(puts(note('a', { ...by('a'), x: 5 }))),
  'one\'s own note is put equal': pushes(puts(note('a', { ...by('a'), x: 1, text: 'one' }))),
  'one\'s own note is given away': pushes({ 'note:a': patch({ author: put('b') }) }),
  'one\'s own note is removed': pushes({ 'note:a': remove() }),
  'another\'s note is changed': pushes({ 'note:b': patch({ x: put(5) }) }),
  'another\'s note is changed without effect': pushes({ 'note:b': patch({ x: put(2) }) }),
  'another\'s note is put': pushes(puts(note('b', { ...by('a'), x: 5 }))),
  'another\'s note is removed': pushes({ 'note:b': remove() }),
  'a note of another that is made not valid': room(differs('ROOM-21', push('a', { 'note:b': patch({ x: put('left') }) }), { a: [data(discard(3))] })),
  'a note of nobody\'s is changed': pushes({ 'note:nobody': patch({ x: put(5) }) }),
  'a part of a push is allowed': pushes({ 'note:a': patch({ x: put(5) }), 'note:b': patch({ x: put(5) }), 'pin:1': put(pin('1')) }),
  'a note that is made and changed in turn': room(push('a', puts(note('1'))), push('a', { 'note:1': patch({ x: put(1) }) }, { clock: 2 })),
  'a note that another puts again': room(push('a', { 'note:a': remove() }), push('b', puts(note('a'))), snapshot()),
  'presence rides with what is refused': room(push('a', { 'note:b': remove() }, { presence: put(cursor('ann')) })),
  'the host is not asked': room(hostPuts(note('1', { secret: true }))),
  'a read-only session is not asked': room(join('c', { readonly: true }), push('c', puts(note('1')))),
  'both change what is theirs at once': room(
    atOnce(push('a', { 'note:a': patch({ x: put(5) }), 'note:b': remove() }), push('b', { 'note:b': patch({ x: put(6) }) })),
  ),
}
