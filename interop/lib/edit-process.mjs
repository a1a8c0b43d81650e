// How does a test run a roomsync client? As the example program `edit`, which edits at random, waits until all is
// confirmed and the room quiet, and prints the documents it ends with.

import { writeFile } from 'node:fs/promises'
import path from 'node:path'

import { createTLSchema } from '@tldraw/tlschema'

import { launch } from './process.mjs'

const COMMAND = process.env.ROOMSYNC_EDIT ?? 'target/release/examples/edit'

/** Starts `edit`; `done()` gives the documents it printed, by id, and `endedAt`. */
export function startEditing({ base, room, session, seed, edits, schemaFile }) {
  const url = `${base.replace('http', 'ws')}/connect/${room}`
  const args = [url, '--session', session, '--seed', String(seed), '--edits', String(edits), '--schema', schemaFile]
  const started = launch(COMMAND, args)
  return {
    session,
    hasEnded: () => started.ended !== null,
    done: async () => {
      const printed = await started.done()
      try {
        return { session, documents: JSON.parse(printed), endedAt: started.ended.at }
      } catch (error) {
        throw new Error(`${session} printed no JSON object: ${error.message}\n${started.output()}`)
      }
    },
  }
}

/** Writes the stock schema as roomsync reads schemas, and returns the file's name. */
export async function writeSchemaFile(directory) {
  const schema = createTLSchema()
  const types = Object.fromEntries(Object.values(schema.types).map(({ typeName, scope }) => [typeName, { scope }]))
  const file = path.join(directory, 'schema.json')
  await writeFile(file, JSON.stringify({ types, schema: schema.serialize() }))
  return file
}
