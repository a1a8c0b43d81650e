// A small shared whiteboard: puts the parts together.
//
// Records flow one way: input -> editor -> store -> (pushed by sync) -> room -> store -> drawn. Whatever changes asks
// for a frame; a frame draws all that there is to see and tells the others where this user is.
//
// For tests and the curious, `window.roomsync` has
//   state()    {connection, reason, readonly, clock, unconfirmed, tool, selection, canUndo, camera, user}
//   shapes()   the shapes of the page in drawing order, as records
//   presence() the presence records of the others
//   records()  all synced records

import { Editor } from './editor.js'
import { randomId } from './ids.js'
import { listenToInput } from './input.js'
import { Overlay } from './overlay.js'
import { onThemeChange } from './palette.js'
import { Person } from './person.js'
import { Board } from './render.js'
import { Store } from './store.js'
import { SyncClient } from './sync.js'
import { Ui } from './ui.js'

let frame = null // the requested animation frame, if any
let shown = false // whether the first content was brought into view

const canvas = document.getElementById('board')
const board = new Board(canvas)
const overlay = new Overlay(document.getElementById('overlay'))
const room = roomOf(location.pathname)
const person = new Person()
const store = new Store()
const editor = new Editor(store, requestFrame)
const sync = new SyncClient({ url: connectUrl(room), store, onState: connectionChanged, onHydrated: hydrated })
const ui = new Ui({ editor, person, room, onRename: requestFrame })

listenToInput(editor, canvas)
onThemeChange(requestFrame)
addEventListener('resize', resized)
addEventListener('beforeunload', (event) => {
  if (store.unconfirmed > 0 && sync.state !== 'refused') event.preventDefault()
})
resized()

function resized() {
  editor.screen = { w: innerWidth, h: innerHeight }
  requestFrame()
}

function connectionChanged() {
  editor.canEdit = sync.hydrated && !sync.readonly && sync.state !== 'refused'
  requestFrame()
}

function hydrated() {
  connectionChanged()
  if (editor.canEdit) editor.ensureDocument()
  if (!shown && editor.shapes.length > 0) editor.zoomToFit()
  if (!shown && editor.shapes.length === 0) editor.setTool('pen')
  shown = true
}

function requestFrame() {
  frame ??= requestAnimationFrame(draw)
}

function draw(now) {
  frame = null
  board.draw(editor)
  if (overlay.draw(editor, now)) requestFrame()
  ui.show(sync)
  sync.setPresence(person.presence(editor))
}

/** `/r/{room}` names the room; `/` is the room `main`. */
function roomOf(path) {
  const name = path.match(/^\/r\/([^/]+)/)?.[1]
  return name ? decodeURIComponent(name) : 'main'
}

function connectUrl(room) {
  const url = new URL(`/connect/${encodeURIComponent(room)}`, location.href)
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
  url.searchParams.set('sessionId', randomId())
  const own = new URLSearchParams(location.search)
  if (own.get('readonly') === 'true') url.searchParams.set('readonly', 'true')
  if (own.has('token')) url.searchParams.set('token', own.get('token'))
  return url.href
}

window.roomsync = {
  state: () => ({
    connection: sync.state,
    reason: sync.reason,
    readonly: sync.readonly,
    clock: sync.clock,
    unconfirmed: store.unconfirmed,
    tool: editor.tool,
    selection: [...editor.selection],
    canUndo: editor.history.canUndo,
    camera: { x: editor.camera.x, y: editor.camera.y, z: editor.camera.z },
    user: { name: person.name, color: person.color },
  }),
  shapes: () => editor.shapes,
  presence: () => [...store.presence()],
  records: () => [...store.records()],
}
