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

export function makeSchema() {
  const type = (name, scope, fields) => createRecordType(name, { scope, validator: validator(name, fields) })
  const types = {
    note: type('note', 'document', { x: 'number?', text: 'string?' }),
    pin: type('pin', 'document', {}),
    tool: type('tool', 'session', {}),
    cursor: type('cursor', 'presence', { name: 'string' }),
  }
  const migrations = [oneWay('com.example.note', 2), oneWay('com.example.pin', 1)]
  return StoreSchema.create(types, { migrations })
}
