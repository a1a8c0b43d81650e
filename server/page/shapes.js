// Shapes as records that stock tldraw takes: making them, where they are, and what they look like.

import { labelText } from './label.js'
import { randomId } from './ids.js'
import { PathWriter, readPath } from './path.js'

export const DEFAULT_PAGE = 'page:page'
export const STROKE_WIDTHS = { s: 2, m: 3.5, l: 5, xl: 10 }

// ---- making records

export const documentRecord = () => ({ id: 'document:document', typeName: 'document', gridSize: 10, name: '', meta: {} })

export const pageRecord = () => ({ id: DEFAULT_PAGE, typeName: 'page', name: 'Page 1', index: 'a1', meta: {} })

function shapeRecord(type, { x, y, parentId, index }, props) {
  return {
    id: `shape:${randomId()}`,
    typeName: 'shape',
    type,
    x,
    y,
    rotation: 0,
    isLocked: false,
    opacity: 1,
    parentId,
    index,
    props,
    meta: {},
  }
}

export function rectangle(place, { w, h }, { color, size, fill }) {
  return shapeRecord('geo', place, {
    geo: 'rectangle',
    dash: 'solid',
    url: '',
    w,
    h,
    growY: 0,
    scale: 1,
    flipX: false,
    flipY: false,
    labelColor: 'black',
    color,
    fill,
    size,
    font: 'sans',
    align: 'middle',
    verticalAlign: 'middle',
    richText: { type: 'doc', content: [{ type: 'paragraph' }] },
  })
}

/** A freehand stroke of one point, and the writer that its path grows with. */
export function stroke(place, { color, size }) {
  const writer = new PathWriter(0, 0)
  const shape = shapeRecord('draw', place, {
    segments: [{ type: 'free', path: writer.text }],
    color,
    fill: 'none',
    dash: 'solid',
    size,
    isComplete: false,
    isClosed: false,
    isPen: false,
    scale: 1,
    scaleX: 1,
    scaleY: 1,
  })
  return { shape, writer }
}

// ---- order

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * A fractional index above `index`: its integer part plus one, plus a random fraction so that two people who draw at
 * the same moment get different ones. The first letter says how long the integer part is (a: one digit, b: two …).
 */
export function indexAbove(index) {
  const fraction = randomDigit(0) + randomDigit(0) + randomDigit(1) // must not end in zero
  if (typeof index !== 'string' || index < 'a') return 'a1' + fraction // capitals are below zero
  const digits = [...index.slice(1, index.charCodeAt(0) - 'a'.charCodeAt(0) + 2)].map((char) => DIGITS.indexOf(char))
  let at = digits.length - 1
  while (at >= 0 && digits[at] === 61) digits[at--] = 0
  let head = index[0]
  if (at >= 0) digits[at] += 1
  else {
    head = String.fromCharCode(head.charCodeAt(0) + 1)
    digits.push(0)
  }
  return head + digits.map((digit) => DIGITS[digit]).join('') + fraction
}

function randomDigit(min) {
  return DIGITS[min + Math.floor(Math.random() * (62 - min))]
}

export function byIndex(a, b) {
  if (a.index !== b.index) return a.index < b.index ? -1 : 1
  return a.id < b.id ? -1 : 1
}

// ---- where a shape is

const ORIGIN = { x: 0, y: 0, rotation: 0 }

/** Where a shape's own origin lies on the page, parents (groups, frames) included. */
export function placeOnPage(store, shape, depth = 0) {
  const parent = store.get(shape.parentId)
  const outer = parent?.typeName === 'shape' && depth < 32 ? placeOnPage(store, parent, depth + 1) : ORIGIN
  const { x, y } = toPage(outer, shape.x, shape.y)
  return { x, y, rotation: outer.rotation + shape.rotation }
}

export function toPage(place, x, y) {
  const [cos, sin] = [Math.cos(place.rotation), Math.sin(place.rotation)]
  return { x: place.x + x * cos - y * sin, y: place.y + x * sin + y * cos }
}

export function fromPage(place, x, y) {
  const [cos, sin] = [Math.cos(place.rotation), Math.sin(place.rotation)]
  const [dx, dy] = [x - place.x, y - place.y]
  return { x: dx * cos + dy * sin, y: dy * cos - dx * sin }
}

/** The shape moved by a distance on the page, whatever its parents' rotation. */
export function movedOnPage(store, shape, dx, dy) {
  const parent = store.get(shape.parentId)
  const rotation = parent?.typeName === 'shape' ? placeOnPage(store, parent).rotation : 0
  const { x, y } = fromPage({ x: 0, y: 0, rotation }, dx, dy)
  return { ...shape, x: shape.x + x, y: shape.y + y }
}

/** The box around a shape on the page. */
export function pageBounds(store, shape) {
  const place = placeOnPage(store, shape)
  const { x, y, w, h } = looks(shape).box
  const corners = [toPage(place, x, y), toPage(place, x + w, y), toPage(place, x + w, y + h), toPage(place, x, y + h)]
  return boxAround(corners.map((corner) => [corner.x, corner.y]))
}

export function boxAround(points) {
  if (points.length === 0) return { x: 0, y: 0, w: 0, h: 0 }
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const [x, y] of points) {
    left = Math.min(left, x)
    top = Math.min(top, y)
    right = Math.max(right, x)
    bottom = Math.max(bottom, y)
  }
  return { x: left, y: top, w: right - left, h: bottom - top }
}

export function unionOf(boxes) {
  return boxAround(boxes.flatMap(({ x, y, w, h }) => [[x, y], [x + w, y + h]]))
}

/** The box with `by` more on each side. */
export function grown({ x, y, w, h }, by) {
  return { x: x - by, y: y - by, w: w + 2 * by, h: h + 2 * by }
}

export function overlaps(a, b) {
  return a.x <= b.x + b.w && b.x <= a.x + a.w && a.y <= b.y + b.h && b.y <= a.y + a.h
}

// ---- what a shape looks like

const NO_PROPS = {}
const cache = new WeakMap() // props object -> looks; props are immutable, and stay the same while a shape is moved

/**
 * A shape in its own coordinates: `path` to draw and to hit, its `points` if it is a mere line, the `box` around it, its
 * line `width`, its text, and whether it is `known`: of the others only an outline is drawn.
 */
export function looks(shape) {
  const props = propsOf(shape)
  if (!cache.has(props)) cache.set(props, lookAtAny(shape.type, props))
  return cache.get(props)
}

export function propsOf({ props }) {
  return typeof props === 'object' && props !== null ? props : NO_PROPS
}

/** A record that other software wrote may hold anything; what cannot be understood gets the outline of a stranger. */
function lookAtAny(type, props) {
  try {
    return { ...lookAt(type, props), text: labelText(type, props) }
  } catch {
    return { ...lookAt('unknown', NO_PROPS), text: '' }
  }
}

function lookAt(type, props) {
  const scale = props.scale ?? 1
  const width = (STROKE_WIDTHS[props.size] ?? STROKE_WIDTHS.m) * scale
  switch (type) {
    case 'geo':
      return geoLooks(props, width)
    case 'draw':
    case 'highlight': {
      const points = props.segments.flatMap(({ path, dim }) => readPath(path, dim))
      const scaled = points.map(([x, y]) => [x * (props.scaleX ?? 1), y * (props.scaleY ?? 1)])
      const broad = type === 'highlight' ? width * 6 : width
      return { path: smooth(scaled, props.isClosed), points: scaled, box: boxAround(scaled), width: broad, known: true }
    }
    case 'line': {
      const points = Object.values(props.points).sort(byIndex).map(({ x, y }) => [x, y])
      return { path: polygon(points, false), points, box: boxAround(points), width, known: true }
    }
    case 'arrow': {
      const points = [[props.start.x, props.start.y], [props.end.x, props.end.y]]
      return { path: arrow(...points), points, box: boxAround(points), width, known: true }
    }
    case 'note': {
      const side = 200 * scale
      return { path: roundedBox(side, side + props.growY, 6), box: { x: 0, y: 0, w: side, h: side + props.growY }, width: 0, known: true }
    }
    case 'group':
      return { path: new Path2D(), box: { x: 0, y: 0, w: 0, h: 0 }, width: 0, known: true }
    default: {
      const [w, h] = [props.w ?? 100, props.h ?? 32 * scale]
      return { path: roundedBox(w, h, 4), box: { x: 0, y: 0, w, h }, width: 1.5, known: false }
    }
  }
}

function geoLooks({ geo, w, h: height, growY }, width) {
  const h = height + growY
  const box = { x: 0, y: 0, w, h }
  const path = new Path2D()
  switch (geo) {
    case 'ellipse':
    case 'oval':
      path.ellipse(w / 2, h / 2, w / 2, h / 2, 0, 0, 2 * Math.PI)
      return { path, box, width, known: true }
    case 'diamond':
      return { path: polygon([[w / 2, 0], [w, h / 2], [w / 2, h], [0, h / 2]], true), box, width, known: true }
    case 'triangle':
      return { path: polygon([[w / 2, 0], [w, h], [0, h]], true), box, width, known: true }
    default:
      return { path: roundedBox(w, h, Math.min(6, w / 4, h / 4)), box, width, known: true }
  }
}

function roundedBox(w, h, radius) {
  const path = new Path2D()
  path.roundRect(0, 0, w, h, radius)
  return path
}

function polygon(points, closed) {
  const path = new Path2D()
  for (const [x, y] of points) path.lineTo(x, y)
  if (closed) path.closePath()
  return path
}

function arrow([x1, y1], [x2, y2]) {
  const path = polygon([[x1, y1], [x2, y2]], false)
  const angle = Math.atan2(y2 - y1, x2 - x1)
  const size = Math.min(14, Math.hypot(x2 - x1, y2 - y1) / 2)
  for (const side of [-0.5, 0.5]) {
    path.moveTo(x2, y2)
    path.lineTo(x2 - size * Math.cos(angle + side), y2 - size * Math.sin(angle + side))
  }
  return path
}

/** A smooth curve: through the middles between points, bent by the points. */
function smooth(points, closed) {
  const path = new Path2D()
  if (points.length === 0) return path
  const [[firstX, firstY]] = points
  path.moveTo(firstX, firstY)
  if (points.length === 1) path.lineTo(firstX + 0.01, firstY) // a dot, by its round ends
  for (let i = 1; i < points.length - 1; i++) {
    const [[x, y], [nextX, nextY]] = [points[i], points[i + 1]]
    path.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2)
  }
  if (points.length > 1) path.lineTo(...points.at(-1))
  if (closed) path.closePath()
  return path
}
