// What a press, drag and release does, per tool. A gesture is {move(event), end(event), cancel()}; points are on the page.

import { rectangle, stroke } from './shapes.js'

const CLICK_SLOP = 4 // CSS pixels: less is a click, not a drag
const MIN_STEP = 1.2 // CSS pixels between the points of a stroke
const CLICKED_RECTANGLE = { w: 160, h: 100 }

/** Starts the gesture of the current tool, or of panning where nothing may be edited. */
export function startGesture(editor, event, panning) {
  if (panning || editor.tool === 'hand') return pan(editor, event)
  if (editor.tool === 'rectangle' && editor.canEdit) return drawRectangle(editor, event)
  if (editor.tool === 'pen' && editor.canEdit) return drawStroke(editor, event)
  return pick(editor, event)
}

function pan(editor, start) {
  let last = start.screen
  return {
    pans: true,
    move({ screen }) {
      editor.camera.pan(screen.x - last.x, screen.y - last.y)
      last = screen
    },
    end() {},
    cancel() {},
  }
}

function pick(editor, start) {
  const shape = editor.shapeAt(start.page)
  if (!shape) return drawMarquee(editor, start)
  const wasSelected = editor.selection.has(shape.id)
  if (!wasSelected) editor.select(start.shift ? [...editor.selection, shape.id] : [shape.id])
  return moveSelection(editor, start, {
    clicked() {
      if (!wasSelected) return
      if (start.shift) editor.select([...editor.selection].filter((id) => id !== shape.id))
      else editor.select([shape.id])
    },
  })
}

function moveSelection(editor, start, { clicked }) {
  const { history } = editor
  let dragged = false
  let last = start.page
  history.begin()
  return {
    move({ page, screen }) {
      dragged ||= distance(screen, start.screen) >= CLICK_SLOP
      if (!dragged) return
      editor.moveSelection(page.x - last.x, page.y - last.y)
      last = page
    },
    end() {
      history.commit()
      if (!dragged) clicked()
    },
    cancel: () => history.cancel(),
  }
}

function drawMarquee(editor, start) {
  const before = start.shift ? [...editor.selection] : []
  editor.select(before)
  const stop = () => {
    editor.marquee = null
    editor.select(editor.selection)
  }
  return {
    move({ page, screen }) {
      if (!editor.marquee && distance(screen, start.screen) < CLICK_SLOP) return
      editor.marquee = boxBetween(start.page, page)
      editor.select([...before, ...editor.shapesIn(editor.marquee)])
    },
    end: stop,
    cancel: stop,
  }
}

function drawRectangle(editor, start) {
  const { history, store } = editor
  let shape = null
  const place = (box) => {
    if (shape && !store.get(shape.id)) return // another deleted it under our hands
    shape = shape
      ? { ...store.get(shape.id), x: box.x, y: box.y, props: { ...store.get(shape.id).props, w: box.w, h: box.h } }
      : rectangle(editor.newPlace(box), box, editor.style)
    history.put(shape)
  }
  history.begin()
  return {
    move({ page, screen, shift }) {
      if (!shape && distance(screen, start.screen) < CLICK_SLOP) return
      place(boxBetween(start.page, shift ? squared(start.page, page) : page))
    },
    end() {
      const { w, h } = CLICKED_RECTANGLE
      if (!shape) place({ x: start.page.x - w / 2, y: start.page.y - h / 2, w, h })
      history.commit()
      editor.setTool('select')
      editor.select([shape.id])
    },
    cancel: () => history.cancel(),
  }
}

function drawStroke(editor, start) {
  const { history, store } = editor
  const { shape, writer } = stroke(editor.newPlace(start.page), editor.style)
  let last = start.page
  const update = (changes) => {
    const now = store.get(shape.id)
    if (!now) return // another deleted it under our hands
    const segments = [{ ...now.props.segments[0], path: writer.text }]
    history.put({ ...now, props: { ...now.props, segments, ...changes } })
  }
  history.begin()
  history.put(shape)
  return {
    move({ pages }) {
      for (const page of pages) {
        if (distance(page, last) * editor.camera.z < MIN_STEP) continue
        writer.append(page.x - shape.x, page.y - shape.y)
        last = page
      }
      update({})
    },
    end() {
      update({ isComplete: true })
      history.commit()
    },
    cancel: () => history.cancel(),
  }
}

function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y)
}

/** A box needs an extent: stock peers refuse sides of zero. */
function boxBetween(a, b) {
  return {
    x: Math.min(a.x, b.x),
    y: Math.min(a.y, b.y),
    w: Math.max(1, Math.abs(a.x - b.x)),
    h: Math.max(1, Math.abs(a.y - b.y)),
  }
}

function squared(from, to) {
  const side = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y))
  return { x: from.x + Math.sign(to.x - from.x || 1) * side, y: from.y + Math.sign(to.y - from.y || 1) * side }
}
