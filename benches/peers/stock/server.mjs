// An empty stock room behind `ws`, in memory: prints its port, then serves.

import { createServer } from 'node:http'

import { InMemorySyncStorage, TLSocketRoom } from '@tldraw/sync-core'
import { WebSocketServer } from 'ws'

import { makeSchema } from './schema.mjs'

const room = new TLSocketRoom({ schema: makeSchema(), storage: new InMemorySyncStorage({ snapshot: { documentClock: 0, documents: [], schema: makeSchema().serialize() } }), log: {} })
const http = createServer()
new WebSocketServer({ server: http }).on('connection', (socket, request) => {
  const sessionId = new URL(request.url, 'http://host').searchParams.get('sessionId')
  room.handleSocketConnect({ sessionId, isReadonly: false, socket })
})
http.listen(0, '127.0.0.1', () => console.log(http.address().port))
