// What is a stock server? Rooms of the stock `TLSocketRoom` behind `ws`, with the addresses of roomsync-server.

import { createServer } from 'node:http'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

import { InMemorySyncStorage, TLSocketRoom, TLSyncErrorCloseEventCode } from '@tldraw/sync-core'
import { createTLSchema } from '@tldraw/tlschema'
import { WebSocketServer } from 'ws'

globalThis.requestAnimationFrame ??= (callback) => setTimeout(() => callback(performance.now()), 16)
globalThis.cancelAnimationFrame ??= clearTimeout

/**
 * `/connect/{room}?sessionId=…&readonly=true`, `/snapshot/{room}`, and with a `token` also
 * `/admin/rooms/{room}/snapshot`. With a `dataFile` a room is written before anyone is told of a change.
 */
export async function startStockServer({ host = '127.0.0.1', port = 0, token, dataFile }) {
  const saved = dataFile && existsSync(dataFile) ? JSON.parse(readFileSync(dataFile, 'utf8')) : {}
  const rooms = new Map()
  const sockets = new Set()
  const fatalCloses = []

  const http = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://host')
    const [, admin, name] = /^(\/admin\/rooms\/|\/snapshot\/)([^/]+)/.exec(pathname) ?? []
    const allowed = admin === '/snapshot/' || (token && request.headers.authorization === `Bearer ${token}`)
    if (pathname === '/health') return response.end('ok')
    if (!name || !(rooms.has(name) || saved[name])) return response.writeHead(404).end()
    if (!allowed) return response.writeHead(401).end()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(snapshot(name)))
  })
  new WebSocketServer({ server: http }).on('connection', (ws, request) => {
    const url = new URL(request.url, 'http://host')
    const name = /^\/connect\/([^/]+)$/.exec(url.pathname)?.[1]
    const sessionId = url.searchParams.get('sessionId')
    if (!name || !sessionId) return ws.close(TLSyncErrorCloseEventCode, 'NOT_FOUND')
    sockets.add(ws)
    ws.on('close', () => sockets.delete(ws))
    ws.on('error', () => {}); // always followed by 'close'
    openRoom(name).handleSocketConnect({
      sessionId,
      isReadonly: url.searchParams.get('readonly') === 'true',
      socket: hostSocket(ws, sessionId),
    })
  })
  await new Promise((resolve, reject) => http.once('error', reject).listen(port, host, resolve))

  function openRoom(name) {
    if (!rooms.has(name)) {
      const storage = new InMemorySyncStorage(saved[name] ? { snapshot: saved[name] } : {})
      rooms.set(name, new TLSocketRoom({ schema: createTLSchema(), storage, log: {} }))
    }
    return rooms.get(name)
  }

  function snapshot(name) {
    return openRoom(name).getCurrentSnapshot()
  }

  function hostSocket(ws, sessionId) {
    return {
      get readyState() {
        return ws.readyState
      },
      // The stock room sends before a host could save, so the saving happens in the sending.
      send(text) {
        if (dataFile) save()
        ws.send(text)
      },
      close(code, reason) {
        if (code === TLSyncErrorCloseEventCode) fatalCloses.push(`${sessionId}: ${reason}`)
        ws.close(code, reason)
      },
      addEventListener: (type, listener) => ws.addEventListener(type, listener),
      removeEventListener: (type, listener) => ws.removeEventListener(type, listener),
    }
  }

  function save() {
    let changed = false
    for (const [name, room] of rooms) {
      if (saved[name]?.documentClock === room.getCurrentDocumentClock()) continue
      saved[name] = snapshot(name)
      changed = true
    }
    if (!changed) return
    writeFileSync(`${dataFile}.new`, JSON.stringify(saved))
    renameSync(`${dataFile}.new`, dataFile)
  }

  return {
    base: `http://${host}:${http.address().port}`,
    snapshot,
    openRoom,
    /** The open connections, for a test to cut. */
    sockets,
    /** The sessions that a room has refused for good, with its reasons. */
    fatalCloses,
    close: () => {
      for (const ws of sockets) ws.terminate()
      for (const room of rooms.values()) room.close()
      http.close()
    },
  }
}
