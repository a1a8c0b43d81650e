// What does a client show of its user, and how often does it speak?

import {
  REFUSES, answer, atOnce, catchUp, commit, cursor, differs, drop, enter, mode, note, open, putRecords, puts, set, shows, tells, wait,
} from '../../lib/table/client-steps.mjs'

const one = note('1', { x: 1 })
const inside = (...steps) => [enter(one), ...steps]
const ann = cursor('ann', { x: 1, props: { a: 'abc' } })
const solo = (...steps) => ({ solo: true, steps })

export default {
  'presence is put': inside(shows(ann), tells(commit(1, 1))),
  'presence is patched': inside(shows(ann), tells(commit(1, 1)), shows({ ...ann, x: 2, props: { a: 'abcd' } })),
  'presence is shown before the first connection': [shows(ann), enter(one)],
  'presence is equal': inside(shows(ann), shows({ ...ann })),
  'presence changes back': inside(atOnce(shows(ann), wait(20), shows({ ...ann, x: 2 }), shows(ann))),
  'presence is put again on the next connection': inside(shows(ann), drop(), open(), catchUp()),
  'presence changes while offline': inside(shows(ann), drop(), shows({ ...ann, x: 5 }), open(), catchUp()),
  'presence is taken back': inside(shows(ann), shows(null), shows({ ...ann, x: 3 })),
  'presence is taken back while offline': inside(shows(ann), drop(), shows(null), open(), catchUp()),
  'presence and documents at once': inside(atOnce(shows(ann), set('note:1', { x: 5 })), tells(commit(2, 1))),
  'presence and documents of an offline time': inside(drop(), shows(ann), set('note:1', { x: 5 }), open(), catchUp()),
  'presence moves often': inside(atOnce(shows(ann), wait(20), ...[2, 3, 4].flatMap((x) => [shows({ ...ann, x }), wait(2)]))),
  'presence is not shown in solo mode': solo(
    enter(one),
    shows(ann),
    shows({ ...ann, x: 2 }),
    drop(),
    open(),
    differs('CLIENT-9', catchUp(), { app: ['online'] }),
  ),
  'presence is shown when solo mode ends': solo(enter(one), shows(ann), mode('full'), wait(1_000), shows({ ...ann, x: 2 })),
  'presence is not shown when solo mode begins': inside(shows(ann), mode('solo'), shows({ ...ann, x: 2 }), wait(2_000), mode('full'), wait(1_000)),
  'documents are pushed in solo mode': solo(enter(one), wait(2_000), set('note:1', { x: 5 }), wait(1_500), set('note:1', { x: 6 }), wait(1_500)),
  'documents that change often are pushed once a second in solo mode': solo(
    enter(one),
    wait(3_000),
    atOnce(...[2, 3, 4, 5, 6].flatMap((x) => [set('note:1', { x }), wait(100)]), wait(1_500)),
  ),
  'a read-only client is seen': [open(), answer(puts(one), { isReadonly: true }), shows(ann)],
  'a read-only client edits': [
    open(),
    answer(puts(one), { isReadonly: true }),
    differs('CLIENT-10', set('note:1', { x: 5 }), REFUSES),
    differs('CLIENT-10', putRecords(note('3')), REFUSES),
  ],
}
