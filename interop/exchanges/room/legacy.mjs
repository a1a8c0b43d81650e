// How is a session of an older protocol spoken to?

import {
  USED, append, commit, cursor, data, differs, everybody, hostPuts, join, note, patch, push, put, puts, rebase, says, shows, told,
} from '../../lib/table/steps.mjs'

const old = (version, ...steps) => ({ snapshot: USED, steps: [join('old', { protocolVersion: version }), join('b'), ...steps] })
const grows = patch({ text: append('!', 3) })
const isPut = patch({ text: put('one!') })
const whole = { ...USED.documents[0].state, text: 'one!' }
/** What a session is told of note 1. */
const hears = (op, clock = 4) => [data(told(clock, { 'note:1': op }))]

const each = {}
for (const version of [5, 6, 7]) {
  each[`version ${version} hears changes`] = old(version, push('b', { 'note:1': patch({ x: put(5) }), 'note:2': put(note('2')) }))
  each[`version ${version} pushes a string whole`] = old(
    version,
    differs('ROOM-1', push('old', { 'note:1': isPut }), { old: [data(commit(4))], b: hears(isPut) }),
  )
  each[`version ${version} is refused for an invalid record`] = old(version, push('old', puts(note('3', { x: 'left' }))), push('b', puts(note('3'))))
  each[`version ${version} says what nobody knows`] = old(version, says('old', { type: 'zap' }))
}
for (const version of [5, 6, 7]) {
  each[`version ${version} has no schema`] = [join('old', { protocolVersion: version, schema: null })]
}

export default {
  ...each,
  'a string grows while an old session listens': old(
    7,
    differs('ROOM-8', push('b', { 'note:1': grows }), { old: hears(isPut), b: [data(commit(4))] }),
  ),
  'a string grows by a put while an old session listens': old(
    7,
    differs('ROOM-8', push('b', puts(whole)), { old: hears(isPut), b: [data(rebase(4, { 'note:1': grows }))] }),
  ),
  'a string of the host grows while an old session listens': old(
    7,
    differs('ROOM-10', hostPuts(whole), { old: hears(isPut), b: hears(grows) }),
  ),
  'an array grows while an old session listens': old(
    7,
    push('b', puts(note('3', { list: [1] }))),
    push('b', { 'note:3': patch({ list: append([2], 1) }) }, { clock: 2 }),
  ),
  'an old session appends to a string': old(
    7,
    differs('ROOM-8', push('old', { 'note:1': grows }), { old: [data(commit(4))], b: hears(grows) }),
  ),
  'an old session puts a whole record whose string grew': old(
    7,
    differs('ROOM-8', push('old', puts(whole)), { old: [data(rebase(4, { 'note:1': isPut }))], b: hears(grows) }),
  ),
  'presence grows while an old session listens': old(
    7,
    shows('b', put(cursor('bo'))),
    differs('ROOM-8', shows('b', patch({ name: append('b', 2) }), 2), {
      old: [data(told(3, { 'cursor:1': patch({ name: put('bob') }) }))],
      b: [data(commit(3, 2))],
    }),
  ),
  'two old sessions': old(
    7,
    join('older', { protocolVersion: 5 }),
    differs('ROOM-1', push('old', { 'note:1': patch({ text: put('one!'), x: put(1) }) }), {
      old: [data(rebase(4, { 'note:1': isPut }))],
      older: hears(isPut),
      b: hears(isPut),
    }),
  ),
  'a current session after the old one has left': {
    snapshot: USED,
    steps: [everybody('a', 'b'), push('a', { 'note:1': grows })],
  },
}
