// What can happen in an exchange with a client? Each function makes one step, or several, of an exchange. Records, ops
// and time are those of steps.mjs.

import { SCHEMA, puts, wait } from './steps.mjs'

export { append, atOnce, cursor, cursorOf, del, differs, note, patch, pin, put, puts, remove, wait } from './steps.mjs'
export { commit, discard, rebase, result, told } from './steps.mjs'

/** A record that never leaves its client. */
export const tool = (id, fields = {}) => ({ id: `tool:${id}`, typeName: 'tool', ...fields })

// What happens to the connection.

/** There is a connection: the client asks to be let in. */
export const open = () => ({ do: 'open' })
/** The connection ends, for good if the room says why. */
export const drop = (reason) => ({ do: 'drop', reason })

// What the room says. The clock of a push is its number in the exchange, and so is the id of a request.

export const says = (message) => ({ do: 'message', message })
export const tells = (...entries) => says({ type: 'data', data: entries })

/** The answer to the latest request. */
export const answer = (diff = {}, { clock = 1, ...fields } = {}) =>
  says({
    type: 'connect', hydrationType: 'wipe_all', protocolVersion: 8, schema: SCHEMA, diff, serverClock: clock, isReadonly: false,
    objectAccess: 'write', ...fields,
  })

/** The answer of a room that knows what changed since the client was there. */
export const catchUp = (diff = {}, fields = {}) => answer(diff, { hydrationType: 'wipe_presence', ...fields })

/** The client comes into a room with these records. */
export const enter = (...records) => [open(), answer(puts(...records))]

// What the application does.

const edit = (changes) => ({ do: 'edit', put: [], set: [], remove: [], ...changes })
/** Edits in one step of the application's. */
export const edits = (...steps) => {
  const all = (what) => steps.flatMap((step) => step[what])
  return edit({ put: all('put'), set: all('set'), remove: all('remove') })
}
export const putRecords = (...records) => edit({ put: records })
/** Sets fields of a record. */
export const set = (id, fields) => edit({ set: [{ id, ...fields }] })
export const removeRecords = (...ids) => edit({ remove: ids })
export const shows = (record) => ({ do: 'presence', record })
export const mode = (what) => ({ do: 'mode', solo: what === 'solo' })

// What our client does where it does something else.

/** The client gives the connection up and will ask for another. */
export const RESETS = { room: ['reset'] }
export const REFUSES = { app: ['the edit is refused'] }
/** What the room hears of a push. */
export const push = (nth, diff) => ({ type: 'push', clientClock: nth, diff })
export const store = (...records) => [Object.fromEntries(records.map((record) => [record.id, record]))]
