// What part of the page the window shows. As tldraw has it: screen = (page + camera) * zoom.

const MIN_ZOOM = 0.1
const MAX_ZOOM = 8

export class Camera {
  x = 0
  y = 0
  z = 1
  #onChange

  constructor(onChange) {
    this.#onChange = onChange
  }

  toPage({ x, y }) {
    return { x: x / this.z - this.x, y: y / this.z - this.y }
  }

  toScreen({ x, y }) {
    return { x: (x + this.x) * this.z, y: (y + this.y) * this.z }
  }

  /** The part of the page that a window of this size (CSS pixels) shows. */
  view(w, h) {
    return { x: -this.x, y: -this.y, w: w / this.z, h: h / this.z }
  }

  /** Moves what is shown by screen pixels. */
  pan(dx, dy) {
    this.#set(this.x + dx / this.z, this.y + dy / this.z, this.z)
  }

  /** Zooms, keeping what lies under the screen point `at` where it is. */
  zoomTo(zoom, at) {
    const z = Math.max(MIN_ZOOM, Math.min(MAX_ZOOM, zoom))
    this.#set(this.x + at.x / z - at.x / this.z, this.y + at.y / z - at.y / this.z, z)
  }

  /** Shows a box of the page, centred, not larger than life. */
  fit({ x, y, w, h }, screen, margin = 96) {
    const z = Math.min(1, (screen.w - margin * 2) / Math.max(w, 1), (screen.h - margin * 2) / Math.max(h, 1))
    const zoom = Math.max(MIN_ZOOM, z)
    this.#set(screen.w / zoom / 2 - x - w / 2, screen.h / zoom / 2 - y - h / 2, zoom)
  }

  #set(x, y, z) {
    this.x = x
    this.y = y
    this.z = z
    this.#onChange()
  }
}
