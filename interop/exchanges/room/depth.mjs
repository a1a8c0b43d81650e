// What does a patch do inside of a record?

import { EMPTY, append, commit, data, del, differs, discard, everybody, leaves, note, patch, push, put, told } from '../../lib/table/steps.mjs'

const RECORD = note('1', {
  text: 'one',
  list: [1, 2, 3],
  props: { s: 'abc', n: 1, o: { a: 1, b: { c: 1 } }, list: ['x', 'y'], cells: [{ v: 1 }, { v: 2 }], nil: null },
  meta: { s: 'meta' },
  other: { s: 'abc', deep: { s: 'x' } },
})
const room = (...steps) => ({
  snapshot: { ...EMPTY, documentClock: 1, documents: [{ state: RECORD, lastChangedClock: 1 }] },
  steps: [everybody('a', 'b'), ...steps],
})
const pushes = (diff) => push('a', { 'note:1': patch(diff) })
const patches = (diff) => room(pushes(diff))
/** Taken and told as it was asked, where a stock room makes a diff of its own. */
const asAsked = (diff, rule = 'ROOM-1') =>
  room(differs(rule, pushes(diff), { a: [data(commit(2))], b: [data(told(2, { 'note:1': patch(diff) }))] }))
/** Ignored, where a stock room makes something of it. */
const ignored = (diff) => room(differs('ROOM-14', pushes(diff), { a: [data(discard(1))] }))
/** The same ops at the top, in `props`, and in an object that is not diffed inside. */
const at = { 'the top': (diff) => diff, props: (diff) => ({ props: patch(diff) }), 'another object': (diff) => ({ other: patch(diff) }) }
const strings = {}
for (const [where, inside] of Object.entries(at)) {
  const field = where === 'the top' ? 'text' : 's'
  const make = where === 'another object' ? asAsked : patches
  strings[`an append to a string at ${where}`] = make(inside({ [field]: append('def', 3) }))
  strings[`a put of a new field at ${where}`] = make(inside({ fresh: put({ a: [1] }) }))
  strings[`a delete of a field at ${where}`] = make(inside({ [field]: del() }))
}
const appends = {
  'at an offset too small': append('d', 2),
  'at an offset too large': append('d', 4),
  'of nothing': append('', 3),
  'of an array': append(['d'], 3),
}
for (const [what, op] of Object.entries(appends)) appends[what] = patches({ text: op, props: patch({ n: put(2) }) })
const indexes = {
  'in the middle': [patches, { 1: put(9) }],
  'that is equal': [patches, { 1: put(2) }],
  'one past the end': [ignored, { 3: put(4) }],
  'far past the end': [ignored, { 7: put(4) }],
  'that is negative': [patches, { '-1': put(4) }],
  'with a leading zero': [ignored, { '01': put(4) }],
  'that is a word': [patches, { length: put(0) }],
  'that is deleted': [ignored, { 1: del() }],
}
for (const [what, [make, diff]] of Object.entries(indexes)) indexes[what] = make({ list: patch(diff) })

export default {
  ...strings,
  ...Object.fromEntries(Object.entries(appends).map(([what, exchange]) => [`an append to a string ${what}`, exchange])),
  ...Object.fromEntries(Object.entries(indexes).map(([what, exchange]) => [`an index ${what}`, exchange])),
  'an append at a negative offset': room(differs('ROOM-3', pushes({ text: append('d', -1) }), leaves('a', 'UNKNOWN_ERROR'))),
  'an append counts UTF-16 units': room(
    push('a', { 'note:1': patch({ text: put('😀') }) }),
    push('a', { 'note:1': patch({ text: append('é', 2) }) }, { clock: 2 }),
    push('a', { 'note:1': patch({ text: append('!', 2) }) }, { clock: 3 }),
  ),
  'an append to an array': patches({ list: append([4, 5], 3) }),
  'an append to an array at another offset': patches({ list: append([4], 2) }),
  'an append of nothing to an array': patches({ list: append([], 3) }),
  'an append of a string to an array': patches({ list: append('4', 3) }),
  'an append to a number, null, an object and what is missing': patches({
    props: patch({ n: append('x', 0), nil: append('x', 0), o: append('x', 0), no: append('x', 0) }),
  }),
  'a patch deep inside of an object that is not diffed': asAsked({ other: patch({ deep: patch({ s: put('y') }) }) }),
  'a patch deep inside of props': asAsked({ props: patch({ o: patch({ b: patch({ c: put(2) }) }) }) }),
  'a patch of an item': patches({ props: patch({ cells: patch({ 1: patch({ v: put(3) }) }) }) }),
  'a put of an item': asAsked({ props: patch({ cells: patch({ 0: put({ v: 9, w: 1 }) }) }) }),
  'an item that turns into an array': asAsked({ props: patch({ cells: patch({ 0: put([1]) }) }) }, 'ROOM-15'),
  'every item is put': asAsked({ list: patch({ 0: put(7), 1: put(8), 2: put(9) }) }),
  'a put of a whole string that grew': asAsked({ text: put('one more') }),
  'a put of a whole array that grew': asAsked({ list: put([1, 2, 3, 4]) }),
  'a put of a whole array with one item changed': asAsked({ list: put([1, 2, 4]) }),
  'a put of whole props': asAsked({ props: put({ ...RECORD.props, n: 2 }) }),
  'a put of equal props': patches({ props: put({ ...RECORD.props }), text: put('won') }),
  'props turn into an array': asAsked({ props: put([]) }, 'ROOM-15'),
  'props turn into null': patches({ props: put(null) }),
  'a patch of a string, a number, null and what is missing': patches({
    props: patch({ s: patch({ 0: put('x') }), n: patch({ a: put(1) }), nil: patch({ a: put(1) }), no: patch({ a: put(1) }) }),
  }),
  'an empty patch inside of another': patches({ props: patch({ o: patch({}) }), text: put('won') }),
  'a put of null and of a number that is written otherwise': patches({ props: patch({ n: put(1.0), nil: put(null), s: put(null) }) }),
  '__proto__ as a field': room(
    differs('ROOM-11', pushes({ props: patch(JSON.parse('{"__proto__":["put",{"bad":true}],"n":["put",2]}')) }), {
      a: [data(commit(2))],
      b: [data(told(2, { 'note:1': patch({ props: patch({ n: put(2) }) }) }))],
    }),
  ),
}
