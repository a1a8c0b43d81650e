// Where do two sets of records differ? Values are compared as JSON carries them, whatever the order of keys.

/** Lines that name each difference of two objects from record id to record; empty when they agree. */
export function differences(leftName, left, rightName, right) {
  const lines = []
  for (const id of [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()) {
    if (!Object.hasOwn(left, id)) lines.push(`${id}: only ${rightName} has it: ${short(right[id])}`)
    else if (!Object.hasOwn(right, id)) lines.push(`${id}: only ${leftName} has it: ${short(left[id])}`)
    else walk(id, asJson(left[id]), asJson(right[id]))
  }
  return lines

  function walk(path, a, b) {
    if (isObject(a) && isObject(b) && Array.isArray(a) === Array.isArray(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
        walk(`${path}.${key}`, own(a, key), own(b, key))
      }
    } else if (a !== b) {
      lines.push(`${path}: ${leftName} ${short(a)}, ${rightName} ${short(b)}`)
    }
  }
}

/** Throws with every difference (at most 40 lines). */
export function assertSame(leftName, left, rightName, right) {
  const lines = differences(leftName, left, rightName, right)
  if (lines.length === 0) return
  const shown = lines.slice(0, 40).map((line) => `    ${line}`).join('\n')
  throw new Error(`${leftName} and ${rightName} differ in ${lines.length} places:\n${shown}`)
}

/** The documents of a room snapshot, by id. */
export function snapshotDocuments(snapshot) {
  return Object.fromEntries(snapshot.documents.map(({ state }) => [state.id, state]))
}

const isObject = (value) => typeof value === 'object' && value !== null
const own = (object, key) => (Object.hasOwn(object, key) ? object[key] : undefined)
const asJson = (value) => JSON.parse(JSON.stringify(value))

function short(value) {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 160 ? `${text.slice(0, 157)}…` : text
}
