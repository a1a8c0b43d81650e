// Draws what lies over the board: selections, the marquee, and where everyone is.

import { CANVAS, theme } from './palette.js'
import { personSeen } from './person.js'
import { prepare } from './render.js'
import { grown, looks, placeOnPage, toPage } from './shapes.js'

const SMOOTHING = 60 // ms in which a cursor covers most of the way to where it was last seen
const ARRIVED = 0.3 // CSS pixels
const GAP = 3 // CSS pixels between a shape and the line around it
const CURSOR = new Path2D('M0 0 L0 16.2 L4.3 12.4 L7.2 18.6 L10 17.3 L7.1 11.3 L12.6 11 Z')

export class Overlay {
  #canvas
  #shown = new Map() // presence id -> point on the page where its cursor is drawn
  #lastFrame = 0

  constructor(canvas) {
    this.#canvas = canvas
  }

  /** Draws one frame at time `now` (ms); true while something still moves and another frame is needed. */
  draw(editor, now) {
    const context = prepare(this.#canvas, editor.screen)
    const accent = CANVAS[theme()].accent
    const people = [...editor.store.presence()].map(personSeen).filter((person) => person.pageId === editor.pageId)

    for (const person of people) {
      outline(context, editor, person.selection, person.color, 1.5)
      if (person.brush) box(context, editor, person.brush, person.color)
    }
    outline(context, editor, editor.selection, accent, 1.5)
    if (editor.selection.size > 1) {
      const bounds = editor.boundsOf(editor.selection)
      if (bounds) box(context, editor, grown(bounds, 12 / editor.camera.z), accent, false)
    }
    if (editor.marquee) box(context, editor, editor.marquee, accent)
    return this.#drawCursors(context, editor, people, now)
  }

  #drawCursors(context, editor, people, now) {
    const part = 1 - Math.exp(-Math.min(now - this.#lastFrame, 34) / SMOOTHING)
    this.#lastFrame = now
    const here = new Set()
    let moving = false
    for (const { id, cursor, color, name } of people) {
      if (!cursor) continue
      here.add(id)
      const last = this.#shown.get(id) ?? cursor
      const at = { x: last.x + (cursor.x - last.x) * part, y: last.y + (cursor.y - last.y) * part }
      if (Math.hypot(cursor.x - at.x, cursor.y - at.y) * editor.camera.z < ARRIVED) Object.assign(at, { x: cursor.x, y: cursor.y })
      else moving = true
      this.#shown.set(id, at)
      drawCursor(context, editor.camera.toScreen(at), color, name)
    }
    for (const id of this.#shown.keys()) if (!here.has(id)) this.#shown.delete(id)
    return moving
  }
}

function drawCursor(context, { x, y }, color, name) {
  context.save()
  context.translate(Math.round(x * 2) / 2, Math.round(y * 2) / 2)
  context.shadowColor = 'rgb(0 0 0 / 0.25)'
  context.shadowBlur = 4
  context.shadowOffsetY = 1
  context.fillStyle = color
  context.strokeStyle = '#fff'
  context.lineWidth = 1.5
  context.lineJoin = 'round'
  context.fill(CURSOR)
  context.shadowColor = 'transparent'
  context.stroke(CURSOR)
  context.font = '500 12px system-ui, sans-serif'
  context.textBaseline = 'middle'
  const text = name.length > 28 ? `${name.slice(0, 27)}…` : name
  const w = context.measureText(text).width + 16
  context.fillStyle = color
  context.beginPath()
  context.roundRect(12, 18, w, 22, 11)
  context.fill()
  context.fillStyle = '#fff'
  context.fillText(text, 20, 29.5)
  context.restore()
}

/** The line around each shape of `ids`, in its own rotation. */
function outline(context, editor, ids, color, width) {
  if (ids.size === 0) return
  context.strokeStyle = color
  context.lineWidth = width
  for (const id of ids) {
    const shape = editor.store.get(id)
    if (shape?.typeName !== 'shape') continue
    if (shape.type === 'group') {
      const bounds = editor.boundsOf(new Set([id]))
      if (bounds) box(context, editor, bounds, color, false)
      continue
    }
    const place = placeOnPage(editor.store, shape)
    const look = looks(shape)
    const { x, y, w, h } = grown(look.box, look.width / 2 + GAP / editor.camera.z)
    context.beginPath()
    for (const [cornerX, cornerY] of [[x, y], [x + w, y], [x + w, y + h], [x, y + h]]) {
      const point = editor.camera.toScreen(toPage(place, cornerX, cornerY))
      context.lineTo(point.x, point.y)
    }
    context.closePath()
    context.stroke()
  }
}

function box(context, editor, { x, y, w, h }, color, filled = true) {
  const { x: left, y: top } = editor.camera.toScreen({ x, y })
  const { z } = editor.camera
  context.strokeStyle = color
  context.lineWidth = 1
  context.strokeRect(left, top, w * z, h * z)
  if (!filled) return
  context.save()
  context.globalAlpha = 0.08
  context.fillStyle = color
  context.fillRect(left, top, w * z, h * z)
  context.restore()
}
