// What can happen in an exchange with a room? Each function makes one step, or several, of an exchange.

import { makeSchema } from './schema.mjs'

/** The versions of the tables' sequences, as peers tell them. */
export const SCHEMA = makeSchema().serialize()

/** Those of the schema that has come a long way, with some of another version, or without. */
export function migratingSchema(changes = {}) {
  const sequences = { ...makeSchema({ migrating: true }).serialize().sequences }
  for (const [name, version] of Object.entries(changes)) {
    if (version === null) delete sequences[`com.example.${name}`]
    else sequences[`com.example.${name}`] = version
  }
  return { schemaVersion: 2, sequences }
}

/** A room that nobody has touched. */
export const EMPTY = { documentClock: 0, tombstoneHistoryStartsAtClock: 0, tombstones: {}, documents: [], schema: SCHEMA }

/** A room at clock 3: note `1` changed at 1 and note `2` at 3, and the note `gone` removed at 2. */
export const USED = {
  ...EMPTY,
  documentClock: 3,
  tombstones: { 'note:gone': 2 },
  documents: [
    { state: note('1', { x: 1, text: 'one' }), lastChangedClock: 1 },
    { state: note('2', { x: 2, text: 'two' }), lastChangedClock: 3 },
  ],
}

// Records.

export function note(id, fields = {}) {
  return { id: `note:${id}`, typeName: 'note', ...fields }
}

export function pin(id, fields = {}) {
  return { id: `pin:${id}`, typeName: 'pin', ...fields }
}

export function cursor(name, fields = {}) {
  return { id: 'cursor:mine', typeName: 'cursor', name, ...fields }
}

/** The presence of the nth session of an exchange, as the others see it. */
export function cursorOf(nth, name, fields = {}) {
  return { ...cursor(name, fields), id: `cursor:${nth}` }
}

// Ops.

export const put = (value) => ['put', value]
export const patch = (diff) => ['patch', diff]
export const append = (value, offset) => ['append', value, offset]
export const remove = () => ['remove']
export const del = () => ['delete']

/** The diff that puts these records. */
export const puts = (...records) => Object.fromEntries(records.map((record) => [record.id, put(record)]))

// What sessions do. A socket is called like its session unless it says otherwise.

export function open(socket, { session = socket, readonly = false, objectAccess = 'write' } = {}) {
  return { do: 'open', socket, session, readonly, objectAccess }
}

/** A message, as JSON or as the text that it is. */
export function says(socket, message) {
  return { do: 'message', socket, text: typeof message === 'string' ? message : JSON.stringify(message) }
}

export function connect(socket, fields = {}) {
  return says(socket, {
    type: 'connect', connectRequestId: `${socket} asks`, lastServerClock: -1, protocolVersion: 8, schema: SCHEMA, ...fields,
  })
}

/** A session comes in: opens a socket and connects. */
export function join(socket, { protocolVersion, lastServerClock, schema, ...rest } = {}) {
  const given = { protocolVersion, lastServerClock, schema }
  for (const key of Object.keys(given)) if (given[key] === undefined) delete given[key]
  return atOnce(open(socket, rest), connect(socket, given))
}

/** Everybody comes in, as they usually do. */
export const everybody = (...sockets) => sockets.map((socket) => join(socket))

export function push(socket, diff, { clock = 1, presence } = {}) {
  return says(socket, { type: 'push', clientClock: clock, diff, presence })
}

/** A push of presence alone. */
export const shows = (socket, presence, clock = 1) => push(socket, undefined, { clock, presence })

export const ping = (socket) => says(socket, { type: 'ping' })

/** The transport of a socket ends. */
export const drop = (socket) => ({ do: 'drop', socket })

// What the host does.

export const hostPuts = (...records) => ({ do: 'transact', put: records, remove: [] })
export const hostRemoves = (...ids) => ({ do: 'transact', put: [], remove: ids })
export const load = (...records) => ({
  do: 'load',
  snapshot: { ...EMPTY, documentClock: 1, documents: records.map((state) => ({ state, lastChangedClock: 1 })) },
})
export const loadSnapshot = (snapshot) => ({ do: 'load', snapshot })
export const custom = (socket, data) => ({ do: 'custom', socket, data })
export const closeSession = (socket, reason) => ({ do: 'closeSession', socket, reason })
export const shutdown = () => ({ do: 'shutdown' })
/** The room is taken out of memory and put back, while these sockets stay open. */
export const hibernate = (...sockets) => ({ do: 'hibernate', sockets })
/** Compares the rooms' snapshots. */
export const snapshot = () => ({ do: 'snapshot' })

// Time.

/** Milliseconds pass. Between steps some always do; see `BEAT_MS`. */
export const wait = (ms) => ({ do: 'wait', ms })

/** Steps with no time between them. */
export const atOnce = (...steps) => ({ atOnce: steps.flat(Infinity).flatMap((step) => step.atOnce ?? step) })

// Where our room does something else.

/** At this step our room, by that rule of docs/protocol.md, says what `ours` says: by socket, what it hears. */
export const differs = (rule, step, ours) => ({ differs: { rule, ours }, step })

export const closed = (reason) => ({ closed: reason })
/** A session is refused for good. */
export const leaves = (socket, reason) => ({ [socket]: [closed(reason)], host: [{ left: socket }] })
export const RETRY = closed('to retry')
export const data = (...entries) => ({ type: 'data', data: entries })
export const told = (serverClock, diff) => ({ type: 'patch', diff, serverClock })
export const result = (serverClock, action, clientClock = 1) => ({ type: 'push_result', clientClock, serverClock, action })
export const commit = (serverClock, clientClock) => result(serverClock, 'commit', clientClock)
export const discard = (serverClock, clientClock) => result(serverClock, 'discard', clientClock)
export const rebase = (serverClock, diff, clientClock) => result(serverClock, { rebaseWithDiff: diff }, clientClock)
export const hydration = (socket, type, serverClock, diff, fields = {}) => ({
  type: 'connect', connectRequestId: `${socket} asks`, hydrationType: type, protocolVersion: 8, schema: SCHEMA, diff,
  serverClock, isReadonly: false, objectAccess: 'write', ...fields,
})
