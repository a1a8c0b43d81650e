// How one record becomes another, on the wire: computing and applying the diffs of the sync protocol.
//
// A record op is ["put", record], ["patch", objectDiff] or ["remove"]; an object diff maps keys to
// ["put", v], ["patch", objectDiff], ["append", arrayOrString, offset] or ["delete"].
// Values are immutable: applying returns the very same value when nothing had an effect.

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

export function isEqual(a, b) {
  if (a === b) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => isEqual(item, b[i]))
  }
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
  )
}

/** The op that turns record `prev` into `next` (either may be undefined: absent), or null if they are equal. */
export function recordOp(prev, next) {
  if (!next) return prev ? ['remove'] : null
  if (!prev) return ['put', next]
  const diff = diffRecord(prev, next)
  return diff && ['patch', diff]
}

/** The object diff between two versions of a record, or null. Only `props` and `meta` are looked into. */
export function diffRecord(prev, next) {
  return diffFields(prev, next, (key, a, b) => {
    if ((key === 'props' || key === 'meta') && isObject(a) && isObject(b)) {
      const inner = diffFields(a, b, (_, x, y) => diffValue(x, y))
      return inner && ['patch', inner]
    }
    return diffValue(a, b)
  })
}

function diffFields(prev, next, diffField) {
  if (prev === next) return null
  const diff = {}
  for (const key of Object.keys(prev)) {
    if (!Object.hasOwn(next, key)) diff[key] = ['delete']
  }
  for (const key of Object.keys(next)) {
    const op = Object.hasOwn(prev, key) ? diffField(key, prev[key], next[key]) : ['put', next[key]]
    if (op) diff[key] = op
  }
  return Object.keys(diff).length > 0 ? diff : null
}

function diffValue(a, b) {
  if (a === b) return null
  if (typeof a === 'string' && typeof b === 'string') {
    return b.startsWith(a) ? ['append', b.slice(a.length), a.length] : ['put', b]
  }
  if (Array.isArray(a) && Array.isArray(b)) return diffArray(a, b)
  return isEqual(a, b) ? null : ['put', b]
}

function diffArray(a, b) {
  if (a.length !== b.length) {
    const grew = b.length > a.length && a.every((item, i) => isEqual(item, b[i]))
    return grew ? ['append', b.slice(a.length), a.length] : ['put', b]
  }
  const changed = a.flatMap((item, i) => (isEqual(item, b[i]) ? [] : [i]))
  if (changed.length === 0) return null
  if (changed.length > Math.max(a.length / 5, 1)) return ['put', b]
  const diff = {}
  for (const i of changed) {
    if (isObject(a[i]) && isObject(b[i])) {
      diff[i] = ['patch', diffFields(a[i], b[i], (_, x, y) => diffValue(x, y))]
    } else if (Array.isArray(a[i]) && Array.isArray(b[i])) {
      diff[i] = diffArray(a[i], b[i])
    } else {
      diff[i] = ['put', b[i]]
    }
  }
  return ['patch', diff]
}

/** What `op` makes of `record` (undefined: absent). A patch of an absent record leaves it absent. */
export function applyRecordOp(record, op) {
  switch (op[0]) {
    case 'put':
      return isEqual(record, op[1]) ? record : op[1]
    case 'patch':
      return record && applyDiff(record, op[1])
    case 'remove':
      return undefined
    default:
      return record
  }
}

/** Applies an object diff to an object or array; ops that do not fit are ignored. */
export function applyDiff(target, diff) {
  if (typeof target !== 'object' || target === null) return target
  let result = target
  const copy = () => (result === target ? (result = Array.isArray(target) ? [...target] : { ...target }) : result)

  for (const [key, op] of Object.entries(diff)) {
    if (key === '__proto__' || (Array.isArray(target) && !isIndexOf(key, target))) continue
    const old = Object.hasOwn(target, key) ? target[key] : undefined
    switch (op[0]) {
      case 'put':
        if (!Object.hasOwn(target, key) || !isEqual(old, op[1])) copy()[key] = op[1]
        break
      case 'patch': {
        const value = applyDiff(old, op[1])
        if (value !== old) copy()[key] = value
        break
      }
      case 'append': {
        const value = append(old, op[1], op[2])
        if (value !== old) copy()[key] = value
        break
      }
      case 'delete':
        if (!Array.isArray(target) && Object.hasOwn(target, key)) delete copy()[key]
        break
    }
  }
  return result
}

function isIndexOf(key, array) {
  return /^(0|[1-9]\d*)$/.test(key) && Number(key) < array.length
}

function append(old, suffix, offset) {
  if (typeof old === 'string' && typeof suffix === 'string' && old.length === offset) return old + suffix
  if (Array.isArray(old) && Array.isArray(suffix) && old.length === offset && suffix.length > 0) return [...old, ...suffix]
  return old
}
