// When may a test go on? Waits end on a condition; their time limits only turn a hang into a failure.

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Polls until `condition()` is truthy and returns that; after `seconds` it throws, naming what was waited for. */
export async function until(what, condition, { seconds = 30, detail = () => '' } = {}) {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const result = await condition()
    if (result) return result
    if (performance.now() > deadline) {
      throw new Error(`waited ${seconds} s in vain: ${what}${detail() ? `\n${detail()}` : ''}`)
    }
    await sleep(20)
  }
}

/** Waits until `settled()` has held without a break, and `mark()` has not changed, for `quietMs`. */
export async function untilQuiet(what, { settled, mark, quietMs = 600, seconds = 30, detail }) {
  let lastMark
  let since = performance.now()
  await until(
    what,
    () => {
      const now = mark()
      if (!settled() || now !== lastMark) {
        lastMark = now
        since = performance.now()
      }
      return performance.now() - since > quietMs
    },
    { seconds, detail },
  )
}
