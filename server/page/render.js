// Draws the board: the grid and the shapes, on a 2D canvas.

import { drawLabel } from './label.js'
import { CANVAS, fillColor, strokeColor, theme } from './palette.js'
import { looks, overlaps, pageBounds, placeOnPage } from './shapes.js'

const GRID = 24 // page units between dots at zoom 1

/** Makes the canvas as many pixels as it covers and returns its context in CSS pixels, cleared. */
export function prepare(canvas, { w, h }) {
  const ratio = devicePixelRatio || 1
  const [width, height] = [Math.round(w * ratio), Math.round(h * ratio)]
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  const context = canvas.getContext('2d')
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, w, h)
  return context
}

export function drawBoard(canvas, editor) {
  const { camera, screen, store } = editor
  const context = prepare(canvas, screen)
  context.fillStyle = CANVAS[theme()].background
  context.fillRect(0, 0, screen.w, screen.h)
  drawGrid(context, camera, screen)

  context.lineCap = context.lineJoin = 'round'
  context.scale(camera.z, camera.z)
  context.translate(camera.x, camera.y)
  const view = grown(camera.view(screen.w, screen.h), 40)
  for (const shape of editor.shapes) {
    if (!overlaps(pageBounds(store, shape), view)) continue
    context.save()
    const { x, y, rotation } = placeOnPage(store, shape)
    context.translate(x, y)
    context.rotate(rotation)
    context.globalAlpha = shape.opacity
    drawShape(context, shape)
    context.restore()
  }
}

function drawGrid(context, camera, { w, h }) {
  let step = GRID * camera.z
  while (step < 16) step *= 4
  while (step > 64) step /= 4
  const offset = (value) => ((value % step) + step) % step
  const [left, top] = [offset(camera.x * camera.z), offset(camera.y * camera.z)]
  context.fillStyle = CANVAS[theme()].grid
  context.beginPath()
  for (let x = left; x < w; x += step) {
    for (let y = top; y < h; y += step) context.rect(Math.round(x) - 0.75, Math.round(y) - 0.75, 1.5, 1.5)
  }
  context.fill()
}

function drawShape(context, shape) {
  const { path, width, known, box } = looks(shape)
  const props = shape.props ?? {}
  if (!known) {
    context.strokeStyle = CANVAS[theme()].muted
    context.lineWidth = 1.5
    if (shape.type !== 'text') context.setLineDash(shape.type === 'frame' ? [] : [5, 5])
    if (shape.type === 'frame') fillWith(context, path, fillColor('semi'))
    if (shape.type !== 'text') context.stroke(path)
    return drawLabel(context, shape, box)
  }
  if (shape.type === 'note') {
    fillWith(context, path, fillColor('solid', props.color))
    return drawLabel(context, shape, box)
  }
  const closed = shape.type === 'geo' || props.isClosed
  if (closed) fillWith(context, path, fillColor(props.fill, props.color))
  if (shape.type === 'highlight') context.globalAlpha *= 0.35
  if (width > 0 && props.dash !== 'none') {
    context.strokeStyle = strokeColor(props.color)
    context.lineWidth = width
    if (props.dash === 'dashed') context.setLineDash([width * 3, width * 3])
    if (props.dash === 'dotted') context.setLineDash([0.01, width * 2.5])
    context.stroke(path)
  }
  drawLabel(context, shape, box)
}

function fillWith(context, path, color) {
  if (!color) return
  context.fillStyle = color
  context.fill(path)
}

function grown({ x, y, w, h }, by) {
  return { x: x - by, y: y - by, w: w + 2 * by, h: h + 2 * by }
}
