// The records and messages of all workloads. Shapes come from the harness, so that both sides have the same.

import { readFileSync } from 'node:fs'

export const SCHEMA = { schemaVersion: 2, sequences: {} }

export function shapeId(number) {
  return `shape:${String(number).padStart(21, '0')}`
}

export function connectText(number, lastServerClock) {
  return JSON.stringify({
    type: 'connect', connectRequestId: `r${number}`, lastServerClock, protocolVersion: 8, schema: SCHEMA,
  })
}

export function pushText(clientClock, diff, presence) {
  return JSON.stringify({ type: 'push', clientClock, diff, presence })
}

/** What a step of a drag says: a place that no step before was at. */
export function dragDiff(number, step) {
  return { [shapeId(number)]: ['patch', { x: ['put', step + 0.5], y: ['put', step * 2] }] }
}

const shapesText = readFileSync(process.argv[2], 'utf8')

/** So many shapes, as new objects: stock peers hold on to what they are given. */
export function fresh(count) {
  return JSON.parse(shapesText).slice(0, count)
}
