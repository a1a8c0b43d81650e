import { StoreSchema, createRecordType } from '@tldraw/store'

/** Two record types without validators and migrations: what either side does besides is not what is measured. */
export function makeSchema() {
  const validator = { validate: (record) => record }
  return StoreSchema.create({
    shape: createRecordType('shape', { scope: 'document', validator }),
    instance_presence: createRecordType('instance_presence', { scope: 'presence', validator }),
  })
}
