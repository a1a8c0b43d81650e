// Draws the board: the grid and the shapes, on a 2D canvas.

import { drawLabel } from './label.js'
import { CANVAS, fillColor, strokeColor, theme } from './palette.js'
import { grown, looks, overlaps, pageBounds, placeOnPage, propsOf } from './shapes.js'

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

export class Board {
  #canvas
  #drawn = [] // what the last drawing depended on

  constructor(canvas) {
    this.#canvas = canvas
  }

  /** Draws the board, unless it looks as it did. */
  draw(editor) {
    const { camera, screen, shapes } = editor
    // The list of shapes is a new one whenever any record changed.
    const depends = [shapes, camera.x, camera.y, camera.z, screen.w, screen.h, devicePixelRatio, theme()]
    if (depends.every((value, i) => value === this.#drawn[i])) return
    this.#drawn = depends

    const context = prepare(this.#canvas, screen)
    context.fillStyle = CANVAS[theme()].background
    context.fillRect(0, 0, screen.w, screen.h)
    drawGrid(context, camera, screen)
    context.lineCap = context.lineJoin = 'round'
    context.scale(camera.z, camera.z)
    context.translate(camera.x, camera.y)
    drawShapes(context, editor)
  }
}

function drawShapes(context, { camera, screen, shapes, store }) {
  const view = grown(camera.view(screen.w, screen.h), 40)
  for (const shape of shapes) {
    if (!overlaps(pageBounds(store, shape), view)) continue
    context.save()
    const { x, y, rotation } = placeOnPage(store, shape)
    context.translate(x, y)
    context.rotate(rotation)
    context.globalAlpha = shape.opacity
    drawShape(context, shape, looks(shape))
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

function drawShape(context, shape, look) {
  const { type } = shape
  const props = propsOf(shape)
  const { path, width, known } = look
  const isFilled = type === 'geo' || props.isClosed
  if (!known) drawStranger(context, type, path)
  else if (type === 'note') fillWith(context, path, fillColor('solid', props.color))
  else if (isFilled) fillWith(context, path, fillColor(props.fill, props.color))
  if (known && width > 0 && props.dash !== 'none') {
    context.save()
    if (type === 'highlight') context.globalAlpha *= 0.35
    context.strokeStyle = strokeColor(props.color)
    context.lineWidth = width
    if (props.dash === 'dashed') context.setLineDash([width * 3, width * 3])
    if (props.dash === 'dotted') context.setLineDash([0.01, width * 2.5])
    context.stroke(path)
    context.restore()
  }
  drawLabel(context, { type, props }, look)
}

/** Only where it is: a frame's sheet, nothing around text, and a dashed box for the others. */
function drawStranger(context, type, path) {
  if (type === 'text') return
  if (type === 'frame') fillWith(context, path, fillColor('semi'))
  context.save()
  context.strokeStyle = CANVAS[theme()].muted
  context.lineWidth = 1.5
  if (type !== 'frame') context.setLineDash([5, 5])
  context.stroke(path)
  context.restore()
}

function fillWith(context, path, color) {
  if (!color) return
  context.fillStyle = color
  context.fill(path)
}
