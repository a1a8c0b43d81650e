// The state of this window over the shared store: camera, tool, style, selection, and the edits a user can make.

import { Camera } from './camera.js'
import { History } from './history.js'
import {
  DEFAULT_PAGE,
  byIndex,
  documentRecord,
  fromPage,
  indexAbove,
  looks,
  movedOnPage,
  overlaps,
  pageBounds,
  pageRecord,
  placeOnPage,
  propsOf,
  toPage,
  unionOf,
} from './shapes.js'

const MAX_DEPTH = 100 // of groups in groups: what lies deeper is not shown
const GRIP = 10 // CSS pixels: how near the pointer must come to a line

export class Editor {
  store
  history
  camera
  tool = 'select'
  style = { color: 'black', size: 'm', fill: 'none' }
  selection = new Set()
  marquee = null // box on the page while one is drawn
  canEdit = false
  screen = { w: 1, h: 1 } // CSS pixels
  pointer = null // on the page, as others should see it

  #onChange
  #order = null // shapes in drawing order, until something changes
  #measure = document.createElement('canvas').getContext('2d')

  /** `onChange()` is called, as often as it likes, when something visible may have changed. */
  constructor(store, onChange) {
    this.store = store
    this.history = new History(store)
    this.camera = new Camera(onChange)
    this.#onChange = onChange
    store.listen(({ ids }) => {
      if (ids.size > 0) this.#order = null
      for (const id of this.selection) if (!store.get(id)) this.selection.delete(id)
      onChange()
    })
  }

  // ---- the document

  /** The page that is shown: the first of the document. */
  get pageId() {
    const pages = [...this.store.records()].filter((record) => record.typeName === 'page')
    return pages.sort(byIndex)[0]?.id ?? DEFAULT_PAGE
  }

  /** Makes an empty room a document with one page, as stock clients do. */
  ensureDocument() {
    const records = [...this.store.records()]
    if (!records.some(({ typeName }) => typeName === 'document')) this.store.put(documentRecord())
    if (!records.some(({ typeName }) => typeName === 'page')) this.store.put(pageRecord())
  }

  /** The shapes of the page in drawing order, children after their parents. */
  get shapes() {
    if (this.#order) return this.#order
    const children = new Map()
    for (const record of this.store.records()) {
      if (record.typeName !== 'shape') continue
      if (!children.has(record.parentId)) children.set(record.parentId, [])
      children.get(record.parentId).push(record)
    }
    this.#order = []
    // From the page down, so shapes that are their own ancestors are never reached.
    const visit = (parentId, depth) => {
      if (depth > MAX_DEPTH) return
      for (const shape of (children.get(parentId) ?? []).sort(byIndex)) {
        this.#order.push(shape)
        visit(shape.id, depth + 1)
      }
    }
    visit(this.pageId, 0)
    return this.#order
  }

  /** Where a new shape goes: at `point`, on top of all. */
  newPlace({ x, y }) {
    const top = this.shapes.filter((shape) => shape.parentId === this.pageId).at(-1)
    return { x, y, parentId: this.pageId, index: indexAbove(top?.index) }
  }

  // ---- finding shapes

  /** The topmost shape at a point of the page; inside a group, the group. */
  shapeAt(point) {
    for (let i = this.shapes.length - 1; i >= 0; i--) {
      if (this.#hits(this.shapes[i], point)) return this.#outermost(this.shapes[i])
    }
    return null
  }

  shapesIn(box) {
    const inside = this.shapes.filter((shape) => {
      if (shape.type === 'group' || !overlaps(pageBounds(this.store, shape), box)) return false
      const { points } = looks(shape)
      if (!points) return true
      const place = placeOnPage(this.store, shape)
      return points.some(([x, y]) => overlaps({ ...toPage(place, x, y), w: 0, h: 0 }, box))
    })
    return new Set(inside.map((shape) => this.#outermost(shape).id))
  }

  #hits(shape, point) {
    const { path, width, points } = looks(shape)
    const { x, y } = fromPage(placeOnPage(this.store, shape), point.x, point.y)
    this.#measure.lineWidth = Math.max(width, (2 * GRIP) / this.camera.z)
    if (this.#measure.isPointInStroke(path, x, y)) return true
    return !points && propsOf(shape).fill !== 'none' && this.#measure.isPointInPath(path, x, y)
  }

  #outermost(shape) {
    const parent = this.store.get(shape.parentId)
    return parent?.typeName === 'shape' && parent.type === 'group' ? this.#outermost(parent) : shape
  }

  boundsOf(ids) {
    const boxes = this.shapes
      .filter((shape) => ids.has(shape.id) || ids.has(this.#outermost(shape).id))
      .filter((shape) => shape.type !== 'group')
      .map((shape) => pageBounds(this.store, shape))
    return boxes.length > 0 ? unionOf(boxes) : null
  }

  // ---- edits

  setPointer(point) {
    this.pointer = point
    this.#onChange()
  }

  setTool(tool) {
    if (!this.canEdit && (tool === 'rectangle' || tool === 'pen')) return
    this.tool = tool
    if (tool !== 'select') this.selection.clear()
    this.#onChange()
  }

  select(ids) {
    this.selection = new Set([...ids].filter((id) => this.store.get(id)))
    this.#onChange()
  }

  /** Sets part of the style for new shapes, and for the selected ones. */
  setStyle(style) {
    Object.assign(this.style, style)
    if (this.canEdit) {
      this.history.step(() => {
        for (const shape of this.#selectedShapes()) {
          const fitting = Object.entries(style).filter(([key]) => Object.hasOwn(propsOf(shape), key))
          const drawn = fitting.filter(([key]) => !(key === 'fill' && shape.type === 'draw'))
          if (drawn.length > 0) this.history.put({ ...shape, props: { ...shape.props, ...Object.fromEntries(drawn) } })
        }
      })
    }
    this.#onChange()
  }

  deleteSelection() {
    if (!this.canEdit) return
    const doomed = new Set(this.selection)
    // Drawing order: parents come first, so that a doomed parent dooms its children.
    for (const shape of this.shapes) if (doomed.has(shape.parentId)) doomed.add(shape.id)
    this.history.step(() => {
      for (const id of doomed) this.history.remove(id)
    })
  }

  nudge(dx, dy) {
    this.history.step(() => this.moveSelection(dx, dy))
  }

  /** Moves what is selected by a distance on the page, as part of the open step. */
  moveSelection(dx, dy) {
    if (!this.canEdit) return
    for (const shape of this.#selectedShapes()) {
      // What lies inside a selected shape moves with it.
      if (!this.#hasSelectedParent(shape)) this.history.put(movedOnPage(this.store, shape, dx, dy))
    }
  }

  undo() {
    if (this.canEdit) this.history.undo()
  }

  redo() {
    if (this.canEdit) this.history.redo()
  }

  selectAll() {
    this.tool = 'select'
    this.select(this.shapes.map((shape) => this.#outermost(shape).id))
  }

  zoomToFit() {
    const bounds = this.boundsOf(new Set(this.shapes.map(({ id }) => id)))
    if (bounds) this.camera.fit(bounds, this.screen)
    else this.camera.zoomTo(1, { x: this.screen.w / 2, y: this.screen.h / 2 })
  }

  #hasSelectedParent({ parentId }, depth = 0) {
    if (this.selection.has(parentId)) return true
    const parent = this.store.get(parentId)
    return parent !== undefined && depth < MAX_DEPTH && this.#hasSelectedParent(parent, depth + 1)
  }

  #selectedShapes() {
    return [...this.selection].map((id) => this.store.get(id)).filter((shape) => shape && !shape.isLocked)
  }
}
