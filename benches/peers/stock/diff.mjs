// Stock diff and apply.

import { applyObjectDiff, diffRecord } from '@tldraw/sync-core'

import { timed } from './timed.mjs'

let sink

export const works = {
  /** W6: `iterations` of the diff from `before` to `after`, or of applying it to `before`. */
  diff({ before, after, iterations }) {
    const ns = timed(() => {
      for (let i = 0; i < iterations; i++) sink = diffRecord(before, after)
    })
    return { ns, sent: 0 }
  },

  apply({ before, after, iterations }) {
    const diff = diffRecord(before, after)
    const ns = timed(() => {
      for (let i = 0; i < iterations; i++) sink = applyObjectDiff(before, diff)
    })
    return { ns, sent: 0 }
  },
}
