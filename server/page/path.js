// The points of a freehand stroke as tldraw stores them: base64 text that grows at its end.
//
// The first point is 32-bit floats, every further one 16-bit float deltas to the one before, little-endian. With three
// dimensions (x, y, pressure) a point is 12 and then 6 bytes, so 16 and then 8 characters with no padding: a longer
// stroke's text starts with the shorter one's, and growing a stroke is a plain append. This page writes only those;
// two-dimensional paths of others (8 and 4 bytes) are read.

const PRESSURE = 0.5 // what tldraw takes for "no pressure known"
const MAX_DELTA = 60_000 // just inside what 16 bits can hold

/** Writes a path point by point. */
export class PathWriter {
  #x
  #y

  constructor(x, y) {
    const view = new DataView(new ArrayBuffer(12))
    for (const [i, value] of [x, y, PRESSURE].entries()) view.setFloat32(4 * i, value, true)
    this.text = toBase64(view)
    this.#x = view.getFloat32(0, true)
    this.#y = view.getFloat32(4, true)
  }

  append(x, y) {
    const view = new DataView(new ArrayBuffer(6))
    const dx = toHalf(clamp(x - this.#x))
    const dy = toHalf(clamp(y - this.#y))
    view.setUint16(0, dx, true)
    view.setUint16(2, dy, true)
    this.text += toBase64(view)
    // The next delta starts from where readers see this point, so that rounding does not add up.
    this.#x += fromHalf(dx)
    this.#y += fromHalf(dy)
  }
}

/** The points of a path as [x, y] pairs; of a damaged one, those that can be read. */
export function readPath(text, dim = 3) {
  let view
  try {
    view = new DataView(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer)
  } catch {
    return []
  }
  if (view.byteLength < 4 * dim) return []
  let x = view.getFloat32(0, true)
  let y = view.getFloat32(4, true)
  const points = [[x, y]]
  for (let at = 4 * dim; at + 2 * dim <= view.byteLength; at += 2 * dim) {
    x += fromHalf(view.getUint16(at, true))
    y += fromHalf(view.getUint16(at + 2, true))
    points.push([x, y])
  }
  return points
}

function toBase64(view) {
  return btoa(String.fromCharCode(...new Uint8Array(view.buffer)))
}

function clamp(delta) {
  return Math.max(-MAX_DELTA, Math.min(MAX_DELTA, delta))
}

/** The nearest 16-bit float of a number within its range, as its bits. */
export function toHalf(number) {
  const sign = number < 0 || Object.is(number, -0) ? 0x8000 : 0
  const size = Math.abs(number)
  // Subnormal: a count of steps of 2^-24. A count of 1024 is the smallest normal one, bit for bit.
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24)
  const exponent = Math.floor(Math.log2(size))
  const steps = Math.round(size * 2 ** (10 - exponent)) // 1024 to 2048; 2048 carries over into the exponent
  return sign | (((exponent + 15) << 10) + steps - 1024)
}

export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const steps = bits & 0x3ff
  return exponent === 0 ? sign * steps * 2 ** -24 : sign * (1024 + steps) * 2 ** (exponent - 25)
}
