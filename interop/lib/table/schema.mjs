// What are records in the tables? Small ones, so that exchanges are short. interop/machines/src/schema.rs says the same to
// our machines.

import { StoreSchema, createMigrationIds, createMigrationSequence, createRecordType } from '@tldraw/store'

/** Throws unless a record has its type, an id and these fields, each of that type; those with a `?` may be absent. */
function validator(typeName, fields) {
  const validate = (record) => {
    if (record.typeName !== typeName) throw new Error(`this is no ${typeName}`)
    for (const [field, type] of Object.entries({ id: 'string', ...fields })) {
      const mayBeAbsent = type.endsWith('?') && !Object.hasOwn(record, field)
      if (!mayBeAbsent && typeof record[field] !== type.replace('?', '')) throw new Error(`${field} is no ${type}`)
    }
    return record
  }
  return { validate }
}

/** A sequence of so many migrations that lead up and not down. */
function oneWay(sequenceId, count) {
  const versions = Object.fromEntries(Array.from({ length: count }, (_, i) => [`v${i + 1}`, i + 1]))
  const ids = Object.values(createMigrationIds(sequenceId, versions))
  const sequence = ids.map((id) => ({ id, scope: 'record', up: () => {} }))
  return createMigrationSequence({ sequenceId, retroactive: true, sequence })
}

const TYPES = {
  note: type('note', 'document', { x: 'number?', text: 'string?' }),
  pin: type('pin', 'document', {}),
  tool: type('tool', 'session', {}),
  cursor: type('cursor', 'presence', { name: 'string' }),
}

function type(name, scope, fields) {
  return createRecordType(name, { scope, validator: validator(name, fields) })
}

/** Of one version, which clients must have, too; or, with `migrating`, one that has come a long way. */
export function makeSchema({ migrating = false } = {}) {
  const migrations = migrating ? migrationsOfAll() : [oneWay('com.example.note', 2), oneWay('com.example.pin', 1)]
  return StoreSchema.create({ ...TYPES }, { migrations })
}

function migrationsOfAll() {
  const sequence = (sequenceId, migrations, options) =>
    createMigrationSequence({
      sequenceId,
      retroactive: true,
      sequence: migrations.map((migration, i) => ({ scope: 'record', ...migration, id: `${sequenceId}/${i + 1}` })),
      ...options,
    })
  const of = (typeName) => (record) => record.typeName === typeName
  const notes = [
    // The text was called title.
    { filter: of('note'), up: (note) => rename(note, 'title', 'text'), down: (note) => rename(note, 'text', 'title') },
    // Notes with props have a color there.
    {
      filter: (record) => record.typeName === 'note' && isObject(record.props),
      up: (note) => (note.props = { color: 'black', ...note.props }) && undefined,
      down: (note) => {
        const { color, ...props } = note.props
        note.props = props
      },
    },
    // x was counted in tens.
    { filter: of('note'), up: (note) => scale(note, 10), down: (note) => scale(note, 1 / 10) },
  ]
  return [
    sequence('com.example.note', notes),
    sequence('com.example.pin', [{ filter: of('pin'), up: (pin) => (pin.sharp = true) && undefined }]),
    sequence('com.example.cursor', [
      { filter: of('cursor'), up: (cursor) => (cursor.shape = 'arrow') && undefined, down: (cursor) => void delete cursor.shape },
    ]),
    // What was trash is gone.
    sequence('com.example.trash', [
      {
        scope: 'store',
        up: (store) => {
          for (const [id, { trash }] of Object.entries(store)) if (trash) delete store[id]
        },
      },
    ]),
    // Those that lack it are left alone.
    sequence('com.example.extra', [{ filter: of('note'), up: (note) => (note.extra = 1) && undefined }], { retroactive: false }),
  ]
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

function rename(record, from, to) {
  if (!Object.hasOwn(record, from)) return
  record[to] = record[from]
  delete record[from]
}

function scale(record, factor) {
  if (typeof record.x === 'number') record.x = Math.round(record.x * factor)
}
