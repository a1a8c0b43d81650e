// Time stands still here unless a workload moves it, so that what waits for time costs nothing and happens when told.
// Must be imported before any stock peer.

let now = 1_000_000
let last = 0
const timers = new Map()

Date.now = () => now
globalThis.setTimeout = (callback, delay = 0) => {
  timers.set(++last, { callback, delay })
  return last
}
globalThis.clearTimeout = (id) => timers.delete(id)
// What stock peers do at intervals is house-keeping and pings, which no workload is about.
globalThis.setInterval = () => 0
globalThis.clearInterval = () => {}
globalThis.requestAnimationFrame = (callback) => setTimeout(() => callback(now), 16)
globalThis.cancelAnimationFrame = (id) => timers.delete(id)

/** Moves the time on and calls what waited no longer than `longest` milliseconds, and what that made wait. */
export function pass(longest) {
  for (let rounds = 0; rounds < 4; rounds++) {
    now += longest + 1
    if (!callWaiting(longest)) return
  }
}

/** Calls what waited no longer than `longest` milliseconds, at the same time: nobody grows idle. */
export function callWaiting(longest) {
  const due = [...timers].filter(([, timer]) => timer.delay <= longest)
  for (const [id, { callback }] of due) {
    timers.delete(id)
    callback()
  }
  return due.length > 0
}
