// What may a session change?

import { USED, cursor, everybody, hostPuts, join, load, note, patch, pin, push, put, puts, remove, shows, snapshot } from '../../lib/table/steps.mjs'

/** Notes and a pin, which is an object; a guest with these rights, and Bob, who may do everything. */
const withGuest = (rights, ...steps) => ({
  objectTypes: ['pin'],
  snapshot: { ...USED, documents: [...USED.documents, { state: pin('1', { at: 1 }), lastChangedClock: 3 }] },
  steps: [join('guest', rights), join('b'), ...steps],
})
const guests = {
  'read-only': { readonly: true, objectAccess: 'write' },
  'of no objects': { readonly: false, objectAccess: 'read' },
  'of nothing': { readonly: true, objectAccess: 'read' },
}
const diffs = {
  'puts a note': puts(note('3')),
  'puts a pin': puts(pin('3')),
  'patches a note': { 'note:1': patch({ x: put(4) }) },
  'patches a pin': { 'pin:1': patch({ at: put(4) }) },
  'removes a note': { 'note:1': remove() },
  'removes a pin': { 'pin:1': remove() },
  'changes both': { 'note:1': patch({ x: put(4) }), 'pin:1': remove(), 'pin:2': put(pin('2')) },
}
const table = {}
for (const [who, rights] of Object.entries(guests)) {
  for (const [does, diff] of Object.entries(diffs)) table[`a session ${who} ${does}`] = withGuest(rights, push('guest', diff))
}
const readonly = (...steps) => withGuest(guests['read-only'], ...steps)

export default {
  ...table,
  'a read-only session pushes what is invalid': readonly(push('guest', puts(note('3', { x: 'left' })))),
  'a read-only session pushes a type that nobody knows': readonly(push('guest', puts({ id: 'zap:1', typeName: 'zap' }))),
  'a read-only session pushes presence as a document': readonly(push('guest', puts(cursor('ann')))),
  'a read-only session is seen': readonly(shows('guest', put(cursor('ann')))),
  'a read-only session is seen and pushes': readonly(push('guest', puts(note('3')), { presence: put(cursor('ann')) })),
  'a read-only session hears others': readonly(push('b', { 'note:1': patch({ x: put(4) }) }), hostPuts(note('4'))),
  'a session of no objects pushes an invalid object': withGuest(guests['of no objects'], push('guest', puts({ ...pin('3'), id: 5 }))),
  'an object turns into a note': withGuest(guests['of no objects'], push('guest', puts({ ...note('1'), id: 'pin:1' }))),
  'a note turns into an object': withGuest({}, push('guest', puts({ ...pin('1'), id: 'note:1' }))),
  'a session that may do everything changes both': withGuest({}, push('guest', diffs['changes both'])),
  'a snapshot of a room with objects': withGuest({}, push('guest', diffs['changes both']), snapshot()),
  'a snapshot with the same objects is loaded': withGuest({}, load(...USED.documents.map(({ state }) => state), pin('1', { at: 1 })), snapshot()),
  'a snapshot without objects is loaded': withGuest({}, load(...USED.documents.map(({ state }) => state)), snapshot()),
  'a snapshot with more objects is loaded': withGuest(
    {},
    load(...USED.documents.map(({ state }) => state), pin('1', { at: 1 }), pin('2')),
    snapshot(),
  ),
  'a client comes back to a room with objects': withGuest({}, push('b', { 'pin:1': remove(), 'pin:2': put(pin('2')) }), join('c', { lastServerClock: 3 })),
  'objects are notes like others where no type is an object': {
    steps: [everybody('a', 'b'), join('c', { objectAccess: 'read' }), push('c', puts(pin('1')))],
  },
}
