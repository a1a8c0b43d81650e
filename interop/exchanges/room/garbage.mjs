// What becomes of a session that says what is no message, and of messages in pieces?

import { append, commit, data, differs, everybody, leaves, note, patch, ping, push, put, puts, says, told } from '../../lib/table/steps.mjs'

const texts = {
  'a word': 'garbage',
  'an empty text': '',
  'an array': '[1]',
  'null': 'null',
  'a number': '12',
  'a string': '"x"',
  'a message behind a blank': ' {"type":"ping"}',
  'half a message': '{"type":',
  'an object with something behind it': '{"type":"ping"} {',
  'an empty object': '{}',
  'a type of null': '{"type":null}',
  'a type that nobody knows': '{"type":"zap"}',
  'a message of the room\'s': '{"type":"pong"}',
  'a ping with more in it': '{"type":"ping","x":[1]}',
}
const says1 = Object.entries(texts).map(([what, it]) => [`a session says ${what}`, [everybody('a', 'b'), says('a', it), push('b', puts(note('1')))]])

const pieces = {
  'a message in two pieces': ['1_{"type":', '0_"ping"}'],
  'a message in one piece': ['0_{"type":"ping"}'],
  'a message in twelve pieces': [...'{"type":"pi'].map((it, i) => `${11 - i}_${it}`).concat('0_ng"}'),
  'pieces that hold line ends and underscores': ['1_{"type":"ping",\n', '0_"a_b":"0_1"}'],
  'a piece is missing': ['2_{"type":', '0_"ping"}'],
  'a piece comes twice': ['1_{"type":', '1_"ping"}'],
  'pieces begin anew': ['2_{"ty', '2_{"type":'],
  'a whole message between pieces': ['1_{"type":', '{"type":"ping"}'],
  'a piece without a number': ['_{"type":"ping"}'],
  'a piece with a number that is none': ['x_{"type":"ping"}'],
  'garbage between pieces': ['1_{"type":', 'garbage'],
}
const inPieces = Object.entries(pieces).map(([what, its]) => [what, [everybody('a', 'b'), ...its.map((it) => says('a', it)), ping('a')]])

const long = JSON.stringify({ type: 'push', clientClock: 1, diff: puts(note('long', { text: 'é😀"\\'.repeat(60_000) })) })
const third = Math.ceil(long.length / 3)

export default {
  ...Object.fromEntries(says1),
  ...Object.fromEntries(inPieces),
  'pieces that make half a message': [
    everybody('a', 'b'),
    says('a', '1_{"type'),
    differs('ROOM-6', says('a', '0_":'), leaves('a', 'UNKNOWN_ERROR')),
  ],
  'pieces that make no message': [
    everybody('a', 'b'),
    says('a', '1_gar'),
    differs('ROOM-6', says('a', '0_bage'), leaves('a', 'UNKNOWN_ERROR')),
  ],
  'a custom message of a session': [everybody('a', 'b'), differs('ROOM-16', says('a', { type: 'custom', data: 1 }), {}), ping('b')],
  'a long push in pieces': [
    everybody('a', 'b'),
    says('a', `2_${long.slice(0, third)}`),
    says('a', `1_${long.slice(third, 2 * third)}`),
    says('a', `0_${long.slice(2 * third)}`),
  ],
  'numbers that are written in other ways': [
    everybody('a', 'b'),
    says('a', '{"type":"push","clientClock":1,"diff":{"note:1":["put",{"id":"note:1","typeName":"note","x":1.0,"y":-0,"z":1e3,"w":0.1}]}}'),
  ],
  'a key that stands twice': [
    everybody('a', 'b'),
    says('a', '{"type":"push","clientClock":1,"diff":{"note:1":["put",{"id":"note:1","typeName":"note","x":1,"x":2}]}}'),
  ],
  'half a pair of surrogates': [
    everybody('a', 'b'),
    differs('ROOM-17', says('a', '{"type":"push","clientClock":1,"diff":{"note:1":["put",{"id":"note:1","typeName":"note","text":"\\ud83d"}]}}'), {
      a: [data(commit(1))],
      b: [data(told(1, puts(note('1', { text: '\ufffd' }))))],
    }),
  ],
  'the other half of the pair': [
    everybody('a', 'b'),
    push('a', puts(note('1', { text: '' }))),
    says('a', '{"type":"push","clientClock":2,"diff":{"note:1":["patch",{"text":["append","\\ud83d\\ude00",0]}]}}'),
    push('a', { 'note:1': patch({ text: append('!', 2), x: put(1) }) }, { clock: 3 }),
  ],
  '__proto__ in a record': [
    everybody('a', 'b'),
    differs('ROOM-11', says('a', '{"type":"push","clientClock":1,"diff":{"note:1":["put",{"id":"note:1","typeName":"note","__proto__":{"x":1}}]}}'), {
      a: [data(commit(1))],
      b: [data(told(1, puts(note('1'))))],
    }),
  ],
}
