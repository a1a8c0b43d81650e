// Do two peers say the same when the same is done to both? Exchanges are played to a stock peer and to ours at once,
// and compared step by step.

/** What passes between two steps: longer than anything is collected for. */
export const BEAT_MS = 100

/**
 * Plays steps to both peers, one after the other. A peer's `step(step)` and, after all that is compared at once, its
 * `look()` give what was said, as `[to, what]`. Returns what is wrong, as lines.
 */
export async function play(steps, stock, ours) {
  const faults = []
  let at = 0
  for await (const step of steps) {
    const { does, differs } = unit(step)
    at += 1
    const [stockSaid, weSaid] = [await all(does, stock), await all(does, ours)].map(bySocket)
    const expected = differs ? differs.ours : stockSaid
    const where = `step ${at}: ${does.slice(0, -1).map(described).join(', ')}`
    if (text(weSaid) !== text(expected)) {
      faults.push(where, ...shown('stock', stockSaid), ...shown('ours', weSaid))
      if (differs) faults.push(...shown(`by ${differs.rule}`, expected))
    } else if (differs && text(stockSaid) === text(expected)) {
      faults.push(where, `  there is no difference any more: ${differs.rule}`)
    }
  }
  return faults
}

/** The rules that the steps name as reasons to differ. */
export const reasons = (steps) => steps.flatMap(({ differs }) => (differs ? [differs.rule] : []))

/** What is compared at once: the steps with no time between them, and the beat that follows. */
function unit(step) {
  const { differs, step: inner = step } = step
  const does = inner.atOnce ?? [inner]
  return { does: [...does, { do: 'wait', ms: BEAT_MS }], differs }
}

async function all(steps, peer) {
  const said = []
  for (const step of steps) said.push(...(await peer.step(step)))
  return said.concat((await peer.look?.()) ?? [])
}

/** What each has heard, in order. */
function bySocket(said) {
  const heard = {}
  for (const [to, what] of said) {
    // The order of documents in a snapshot means nothing.
    what.snapshot?.documents.sort((a, b) => (a.state.id < b.state.id ? -1 : 1))
    ;(heard[to] ??= []).push(what)
  }
  return heard
}

function described({ do: verb, socket = '', text: message, ...rest }) {
  return `${socket} ${verb} ${message ?? JSON.stringify(rest)}`.slice(0, 200)
}

/** JSON with sorted keys. */
export function text(value) {
  const sorted = (_, it) =>
    typeof it === 'object' && it !== null && !Array.isArray(it)
      ? Object.fromEntries(Object.entries(it).sort(([a], [b]) => (a < b ? -1 : 1)))
      : it
  return JSON.stringify(value, sorted)
}

function shown(who, heard) {
  const lines = Object.entries(heard).flatMap(([to, what]) => what.map((it) => `    ${to} <- ${text(it)}`))
  return [`  ${who}:`, ...(lines.length > 0 ? lines : ['    nothing'])]
}
