// Stock diff and apply.

import { applyObjectDiff, diffRecord } from '@tldraw/sync-core'

import { timed } from './timed.mjs'

let sink

export const works = {
  /** W6: `iterations` of the diff from `before` to `after`, or of applying it, to `before` or there and back. */
  diff({ before, after, iterations }) {
    const ns = timed(() => {
      for (let i = 0; i < iterations; i++) sink = diffRecord(before, after)
    })
    return { ns, sent: 0 }
  },

  apply({ before, after, iterations, shared }) {
    const diff = diffRecord(before, after)
    if (!shared) {
      const diffs = [diff, diffRecord(after, before)]
      let record = before
      const ns = timed(() => {
        for (let i = 0; i < iterations; i++) record = applyObjectDiff(record, diffs[i % 2])
      })
      sink = record
      return { ns, sent: 0 }
    }
    const ns = timed(() => {
      for (let i = 0; i < iterations; i++) sink = applyObjectDiff(before, diff)
    })
    return { ns, sent: 0 }
  },
}
