// How do sessions go on when the room was taken out of memory while their sockets stayed open?

import {
  USED, atOnce, commit, connect, cursor, cursorOf, data, differs, discard, drop, everybody, hibernate, hostPuts, join, note, patch, pin, ping,
  push, put, puts, remove, shows, snapshot, told, wait,
} from '../../lib/table/steps.mjs'

const used = (...steps) => ({ snapshot: USED, steps: [everybody('a', 'b'), ...steps] })
const slept = (...steps) => used(hibernate('a', 'b'), ...steps)
const annShown = [shows('a', put(cursor('ann', { x: 1 }))), shows('b', put(cursor('bob')))]

export default {
  'a room that sleeps says nothing': slept(snapshot()),
  'pings are answered': slept(ping('a'), ping('b')),
  'pushes are served': slept(push('a', puts(note('3'))), push('b', { 'note:1': patch({ x: put(7) }) }), push('a', { 'note:2': remove() }, { clock: 2 })),
  'the clock goes on': used(push('a', puts(note('3'))), hibernate('a', 'b'), push('a', puts(note('4')), { clock: 2 }), snapshot()),
  'the host writes': slept(hostPuts(note('3'))),
  'others come': used(annShown, hibernate('a', 'b'), join('c')),
  'presence goes on': used(annShown, hibernate('a', 'b'), shows('a', patch({ x: put(2) }), 2), shows('b', put(cursor('bobby')), 2)),
  'a presence that is too large to keep': used(
    shows('a', put(cursor('ann', { x: 'x'.repeat(300) }))),
    differs('ROOM-23', hibernate('a', 'b'), { b: [data(told(3, puts(cursorOf(0, 'ann', { x: '' }))))] }),
  ),
  'presence is put first': slept(shows('a', put(cursor('ann')))),
  'a session leaves': used(annShown, hibernate('a', 'b'), drop('a'), wait(8_000)),
  'a session comes back': used(annShown, hibernate('a', 'b'), drop('a'), join('a', { lastServerClock: 3 })),
  'a session connects again': slept(connect('a', { connectRequestId: 'again', lastServerClock: 3 }), push('b', puts(note('3')))),
  'silence ends a session': slept(wait(15_000), ping('b'), wait(8_500), ping('b'), wait(9_000)),
  'a read-only session stays so': {
    snapshot: USED,
    steps: [join('a', { readonly: true }), join('b'), hibernate('a', 'b'), push('a', puts(note('3'))), push('b', puts(note('4')))],
  },
  'a session of no objects stays so': {
    snapshot: USED,
    objectTypes: ['pin'],
    steps: [join('a', { objectAccess: 'read' }), join('b'), hibernate('a', 'b'), push('a', puts(pin('3'), note('3')))],
  },
  ...Object.fromEntries(
    [5, 6, 7].map((version) => [
      `a session of version ${version} stays so`,
      {
        snapshot: USED,
        steps: [
          join('a', { protocolVersion: version }),
          join('b'),
          hibernate('a', 'b'),
          push('b', { 'note:1': patch({ x: put(9) }) }),
          push('a', puts(note('3', { x: 'left' }))),
        ],
      },
    ]),
  ),
  'it sleeps twice': slept(push('a', puts(note('3'))), hibernate('a', 'b'), push('b', puts(note('4'))), join('c')),
  'it sleeps while data is collected': used(
    differs('ROOM-24', atOnce(push('b', puts(note('3'))), push('b', puts(note('4')), { clock: 2 }), hibernate('a', 'b')), {
      a: [data(told(4, puts(note('3')))), data(told(5, puts(note('4'))))],
      b: [data(commit(4)), data(discard(5, 2), told(5, puts(note('4'))))],
    }),
    push('b', puts(note('5')), { clock: 3 }),
  ),
}
