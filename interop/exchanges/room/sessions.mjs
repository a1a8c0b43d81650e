// How does a session end, and how does it go on?

import {
  RETRY, USED, atOnce, closeSession, commit, connect, cursor, data, differs, drop, everybody, hydration, join,
  note, open, ping, push, put, puts, remove, shows, shutdown, told, wait,
} from '../../lib/table/steps.mjs'

/** Session `a` comes on a new socket while its old one lives. */
const comesAnew = differs('ROOM-7', atOnce(open('new a', { session: 'a' }), connect('new a', { lastServerClock: 0 })), {
  a: [RETRY],
  'new a': [hydration('new a', 'wipe_presence', 0, {})],
})
const bothLeft = [{ left: 'a' }, { left: 'b' }]

/** Ann is seen by Bob. */
const annShown = [everybody('a', 'b'), shows('a', put(cursor('ann')))]

export default {
  'a dropped session keeps its presence for a while': [annShown, drop('a'), wait(4_000), join('c')],
  'a dropped session goes with its presence': [annShown, drop('a'), wait(8_000), join('c')],
  'a dropped session without presence goes': [everybody('a', 'b'), drop('a'), wait(8_000)],
  'the last session goes': [join('a'), drop('a'), wait(8_000)],
  'a session comes back in time': [
    annShown,
    drop('a'),
    join('a', { lastServerClock: 0 }),
    wait(10_000),
  ],
  'a session comes back in time with the same presence': [
    annShown,
    drop('a'),
    join('a', { lastServerClock: 0 }),
    shows('a', put(cursor('ann'))),
  ],
  'a session comes back in time with another presence': [
    annShown,
    drop('a'),
    join('a', { lastServerClock: 0 }),
    shows('a', put(cursor('anna', { at: 'home' }))),
  ],
  'a session comes back too late': [
    annShown,
    drop('a'),
    wait(8_000),
    join('a', { lastServerClock: 0 }),
    shows('a', put(cursor('ann'))),
  ],
  'a session hears what it missed when it comes back': {
    snapshot: USED,
    steps: [
      everybody('a', 'b'),
      drop('a'),
      push('b', { 'note:1': remove(), 'note:3': put(note('3')) }),
      join('a', { lastServerClock: 3 }),
      push('b', puts(note('4')), { clock: 2 }),
    ],
  },
  'a session comes back with fewer rights': [
    join('a'),
    push('a', puts(note('1'))),
    drop('a'),
    join('a', { readonly: true, lastServerClock: 1 }),
    push('a', puts(note('2')), { clock: 2 }),
  ],
  'what a dropped socket says is ignored': [everybody('a', 'b'), drop('a'), push('a', puts(note('1')))],
  'two sessions have each their own presence': [
    everybody('a', 'b', 'c'),
    shows('a', put(cursor('ann'))),
    shows('b', put(cursor('bob'))),
    drop('b'),
    wait(8_000),
  ],
  'a session on a new socket while the old one lives': [
    annShown,
    comesAnew,
    push('b', puts(note('1'))),
  ],
  'the late close of a replaced socket': [
    annShown,
    comesAnew,
    differs('ROOM-7', drop('a'), {}),
    differs('ROOM-7', ping('new a'), { 'new a': [{ type: 'pong' }] }),
    differs('ROOM-7', wait(8_000), {}),
  ],
  'a socket that never connects': [join('b'), open('a'), wait(9_500), wait(3_000), wait(3_000)],
  'a socket that never connects but pings': [open('a'), ping('a'), wait(8_000), ping('a'), wait(4_000)],
  'a silent session': [annShown, wait(15_000), ping('b'), wait(8_500), ping('b'), wait(9_000)],
  'a session that pings stays': [annShown, wait(15_000), ping('a'), wait(15_000), ping('a'), wait(15_000)],
  'a session that pushes stays': [
    join('a'),
    wait(15_000),
    push('a', puts(note('1'))),
    wait(15_000),
    shows('a', put(cursor('ann')), 2),
    wait(15_000),
  ],
  'a silent session comes back in its grace': [
    join('b'),
    join('a'),
    wait(15_000),
    ping('b'),
    wait(8_500),
    join('a'),
    ping('b'),
    wait(10_000),
  ],
  'the host closes a session for good': [annShown, closeSession('a', 'FORBIDDEN'), ping('a'), join('c')],
  'the host closes a session with a reason of its own': [annShown, closeSession('a', 'on vacation'), wait(10_000)],
  'the host closes a session that may come back': [annShown, closeSession('a'), join('a')],
  'the host closes a session that has not connected': [join('b'), open('a'), closeSession('a', 'FORBIDDEN')],
  'the host closes sessions of each version': [
    ...[5, 6, 7, 8].map((version) => join(`v${version}`, { protocolVersion: version })),
    ...[5, 6, 7, 8].map((version) => closeSession(`v${version}`, 'NOT_FOUND')),
  ],
  'the host ends the room': [annShown, differs('ROOM-19', shutdown(), { a: [RETRY], b: [RETRY], host: bothLeft })],
  'the host ends the room while data is collected': [
    everybody('a', 'b'),
    differs('ROOM-19', atOnce(push('a', puts(note('1'))), push('a', puts(note('2')), { clock: 2 }), shutdown()), {
      a: [data(commit(1)), data(commit(2, 2)), RETRY],
      b: [data(told(1, puts(note('1')))), data(told(2, puts(note('2')))), RETRY],
      host: bothLeft,
    }),
  ],
}
