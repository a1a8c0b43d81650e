// The page's modules by themselves, run inside the browser: diffs against stock's on random records, the layers of the
// store, chunks, and the number format of strokes.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

globalThis.requestAnimationFrame ??= (callback) => setTimeout(callback, 16) // which the stock peer's module wants
globalThis.cancelAnimationFrame ??= clearTimeout
const { diffRecord: stockDiff, applyObjectDiff: stockApply, JsonChunkAssembler } = createRequire(import.meta.url)('@tldraw/sync-core')
const PAIRS = 3_000

export async function checkModules(page) {
  await checkDiffs(page)
  await checkChunks(page)
  await checkHalves(page)
  await checkStore(page)
  await checkStrangers(page)
}

async function checkDiffs(page) {
  const random = generator(7)
  const pairs = Array.from({ length: PAIRS }, () => {
    const a = record(random)
    return [a, mutated(random, a)]
  })
  const ours = await page.evaluate(async (given) => {
    const { applyDiff, diffRecord } = await import('/page/diff.js')
    return given.map(([a, b]) => {
      const diff = diffRecord(a, b)
      const before = JSON.stringify(a)
      const applied = diff ? applyDiff(a, diff) : a
      return { diff, applied, untouched: JSON.stringify(a) === before }
    })
  }, pairs)
  let different = 0
  for (const [i, [a, b]] of pairs.entries()) {
    assert.deepEqual(ours[i].applied, b)
    assert.ok(ours[i].untouched)
    const stock = stockDiff(a, b)
    // Where stock's own diff does not lead to b (its known defect on items that change their kind), ours must differ.
    if (stock && !same(stockApply(a, stock), b)) continue
    assert.deepEqual(ours[i].diff, stock)
    if (stock) different += 1
  }
  assert.ok(different > PAIRS / 2, `only ${different} pairs were worth comparing`)
}

async function checkChunks(page) {
  const text = JSON.stringify({ text: '😀'.repeat(400_000) })
  const pieces = await page.evaluate(async (whole) => [...(await import('/page/sync.js')).chunks(whole)], text)
  assert.ok(pieces.length > 3)
  assert.ok(pieces.every((piece) => piece.length <= 262_144 && piece.isWellFormed()))
  const assembler = new JsonChunkAssembler()
  const results = pieces.map((piece) => assembler.handleMessage(piece))
  assert.ok(results.slice(0, -1).every((result) => result === null))
  assert.equal(results.at(-1).stringified, text)
  const short = await page.evaluate(async () => [...(await import('/page/sync.js')).chunks('x'.repeat(262_143))])
  assert.equal(short.length, 1)
}

async function checkHalves(page) {
  const wrong = await page.evaluate(async () => {
    const { fromHalf, toHalf } = await import('/page/path.js')
    const finite = Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => (bits & 0x7c00) !== 0x7c00)
    return finite.filter((bits) => toHalf(fromHalf(bits)) !== bits)
  })
  assert.deepEqual(wrong, [])
}

/** Scenarios of the speculative layers; each gives [what is seen, what is pushed next]. */
async function checkStore(page) {
  const results = await page.evaluate(async () => {
    const { Store } = await import('/page/store.js')
    const shape = (fields) => ({ id: 'shape:a', typeName: 'shape', meta: {}, props: {}, ...fields })
    const answer = (diff, more) => ({ hydrationType: 'wipe_presence', diff, ...more })
    const online = (diff) => {
      const store = new Store()
      store.hydrate({ hydrationType: 'wipe_all', diff })
      return store
    }
    const push = (store, clock) => {
      const diff = store.takeUnsent()
      store.pushed(clock, diff)
      return diff
    }
    const seen = (store) => [store.get('shape:a') ?? null, store.takeUnsent()]
    const put = (fields) => ({ 'shape:a': ['put', shape(fields)] })
    const patch = (diff) => ({ 'shape:a': ['patch', diff] })
    const data = (diff) => ({ type: 'patch', diff, serverClock: 2 })
    const result = (clientClock, action) => ({ type: 'push_result', clientClock, serverClock: 3, action })
    const scenarios = {
      rebase() {
        const store = online(put({ x: 1, y: 1 }))
        store.put(shape({ x: 5, y: 1 }))
        store.receive([data(patch({ y: ['put', 9] }))])
        return seen(store)
      },
      cancelledOut() {
        const store = online(put({ x: 1 }))
        store.put(shape({ x: 5 }))
        store.put(shape({ x: 1 }))
        return seen(store)
      },
      discarded() {
        const store = online(put({ x: 1 }))
        store.put(shape({ x: 5 }))
        push(store, 1)
        store.receive([result(1, 'discard')])
        return seen(store)
      },
      rebased() {
        const store = online(put({ x: 1 }))
        store.put(shape({ x: 5 }))
        push(store, 1)
        store.put(shape({ x: 5, y: 3 }))
        store.receive([result(1, { rebaseWithDiff: patch({ x: ['put', 4] }) })])
        return seen(store)
      },
      deletedByOther() {
        const store = online(put({ x: 1 }))
        store.put(shape({ x: 5 }))
        store.receive([data({ 'shape:a': ['remove'] })])
        return seen(store)
      },
      offlineEdit() {
        const store = online(put({ x: 1, y: 1 }))
        store.put(shape({ x: 5, y: 1 }))
        push(store, 1)
        store.put(shape({ x: 5, y: 7 }))
        store.hydrate(answer(patch({ z: ['put', 3] })))
        return seen(store)
      },
      alreadyApplied() {
        const store = online(put({ x: 1 }))
        store.put(shape({ x: 5 }))
        push(store, 1)
        store.hydrate(answer(patch({ x: ['put', 8] }), { lastAppliedPush: 1 }))
        return seen(store)
      },
      notResurrected() {
        const store = online({})
        store.put(shape({ x: 5 }))
        push(store, 1)
        store.hydrate(answer({ 'shape:a': ['remove'] }, { lastAppliedPush: 1 }))
        return seen(store)
      },
      putThenDeletedOffline() {
        const store = online({})
        store.put(shape({ x: 5 }))
        push(store, 1)
        store.remove('shape:a')
        store.hydrate(answer({}))
        return seen(store)
      },
      wipedAll() {
        const store = online(put({ x: 1 }))
        store.hydrate({ hydrationType: 'wipe_all', diff: {} })
        return seen(store)
      },
      badAnswer() {
        const store = online(put({ x: 1 }))
        store.put(shape({ x: 2 }))
        try {
          store.hydrate({ hydrationType: 'wipe_all', diff: { 'shape:b': null } })
        } catch {
          return seen(store)
        }
        return 'taken'
      },
    }
    return Object.fromEntries(Object.entries(scenarios).map(([name, run]) => [name, run()]))
  })

  const a = (fields) => ({ id: 'shape:a', typeName: 'shape', meta: {}, props: {}, ...fields })
  const patch = (fields) => {
    const puts = Object.entries(fields).map(([key, value]) => [key, ['put', value]])
    return { 'shape:a': ['patch', Object.fromEntries(puts)] }
  }
  assert.deepEqual(results, {
    rebase: [a({ x: 5, y: 9 }), patch({ x: 5 })],
    cancelledOut: [a({ x: 1 }), null],
    discarded: [a({ x: 1 }), null],
    rebased: [a({ x: 4, y: 3 }), patch({ y: 3 })],
    deletedByOther: [null, null],
    offlineEdit: [a({ x: 5, y: 7, z: 3 }), patch({ x: 5, y: 7 })],
    alreadyApplied: [a({ x: 8 }), null],
    notResurrected: [null, null],
    putThenDeletedOffline: [null, null],
    wipedAll: [null, null],
    badAnswer: [a({ x: 2 }), patch({ x: 2 })],
  })
}

/** A room may hold what other software wrote, valid or not: nothing of it may stop the page from drawing. */
async function checkStrangers(page) {
  const values = [undefined, null, 7, 'x', [], [null], {}, { x: 1 }, { type: 'doc', content: 3 }, 'constructor']
  const failures = await page.evaluate(async (odd) => {
    const { looks, pageBounds } = await import('/page/shapes.js')
    const { fillColor } = await import('/page/palette.js')
    const { personSeen } = await import('/page/person.js')
    const failures = []
    const attempt = (what, run) => {
      try {
        run()
      } catch (error) {
        failures.push(`${what}: ${error}`)
      }
    }
    const store = { get: () => undefined }
    for (const type of ['geo', 'draw', 'highlight', 'line', 'arrow', 'note', 'text', 'frame', 'group', 'embed', undefined]) {
      for (const value of odd) {
        const keys = ['segments', 'points', 'start', 'end', 'richText', 'name', 'w', 'size', 'scale', 'geo']
        const shapes = [{ type, props: value }, ...keys.map((key) => ({ type, props: { w: 1, h: 1, [key]: value } }))]
        for (const shape of shapes) {
          attempt(JSON.stringify(shape), () => {
            if (!(looks(shape).path instanceof Path2D && typeof looks(shape).text === 'string')) throw new Error('no looks')
            pageBounds(store, shape)
          })
        }
      }
    }
    for (const value of odd) {
      attempt(`color ${value}`, () => fillColor('solid', value))
      for (const key of ['userName', 'color', 'cursor', 'brush', 'selectedShapeIds', 'currentPageId']) {
        attempt(`${key} ${value}`, () => {
          const { name, color, selection } = personSeen({ id: 'instance_presence:x', [key]: value })
          if (!(name.trim() && CSS.supports('color', color) && selection instanceof Set)) throw new Error('nobody')
        })
      }
    }
    return failures
  }, values)
  assert.deepEqual(failures, [])
}

// ---- random records

/** A small generator (mulberry32) of numbers below n, so that every run compares the same records. */
function generator(seed) {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

function record(random) {
  return { id: 'shape:a', typeName: 'shape', props: object(random, 2), meta: object(random, 1), ...object(random, 2) }
}

function object(random, depth) {
  const keys = ['a', 'b', 'c', 'd'].filter(() => random(2) === 0)
  return Object.fromEntries(keys.map((key) => [key, value(random, depth)]))
}

function value(random, depth) {
  switch (random(depth > 0 ? 6 : 4)) {
    case 0:
      return random(3)
    case 1:
      return 'xyz😀'.slice(0, random(6))
    case 2:
      return [null, true, false][random(3)]
    case 3:
      return random(5) / 2
    case 4:
      return object(random, depth - 1)
    default:
      return Array.from({ length: random(8) }, () => value(random, depth - 1))
  }
}

/** `old` with a few things changed, somewhere inside. */
function mutated(random, old) {
  if (typeof old === 'string') return random(2) ? `${old}w` : 'other'
  if (Array.isArray(old)) {
    if (old.length === 0 || random(3) === 0) return [...old, value(random, 1)]
    const at = random(old.length)
    return old.map((item, i) => (i === at ? mutated(random, item) : item))
  }
  if (typeof old !== 'object' || old === null) return value(random, 1)
  const keys = Object.keys(old).filter((key) => key !== 'id' && key !== 'typeName')
  if (keys.length === 0) return { ...old, [['a', 'b', 'e'][random(3)]]: value(random, 1) }
  const key = keys[random(keys.length)]
  const { [key]: gone, ...rest } = old
  if (random(4) === 0 && key !== 'props' && key !== 'meta') return rest
  return { ...old, [key]: mutated(random, gone) }
}

function same(x, y) {
  try {
    assert.deepEqual(x, y)
    return true
  } catch {
    return false
  }
}
