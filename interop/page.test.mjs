// The whiteboard page in a real browser: two people in one room, strokes as appends, and a server that is killed.
// Run: node page.test.mjs (see browser.mjs for the environment). Prints its steps; a failure leaves screenshots.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drag, launchBrowser, online, openPage } from './browser.mjs'
import { Server } from './lib/process.mjs'
import { checkModules } from './page-modules.mjs'

const { b64Vecs, createTLSchema } = createRequire(import.meta.url)('@tldraw/tlschema')
const ROOM = 'page-test_1.~' // each kind of character that a room's name may have
const STROKE = Array.from({ length: 900 }, (_, i) => [150 + i, 480 + Math.round(90 * Math.sin(i / 40))])

const server = new Server()
const pages = {} // by person
let browser

try {
  await server.start()
  browser = await launchBrowser()
  await run(`${server.base}/r/${ROOM}`)
  console.log('page: all seen')
} catch (error) {
  console.error(error)
  for (const [name, page] of Object.entries(pages)) {
    const path = join(tmpdir(), `roomsync-page-${name}.png`)
    await page.screenshot({ path }).then(() => console.error(`screenshot of ${name}: ${path}`), console.error)
  }
  process.exitCode = 1
} finally {
  await browser?.close()
  await server.stop()
}

async function run(url) {
  step('two people open an empty board')
  const ada = (pages.ada = await openPage(browser, url, { name: 'Ada' }))
  const grace = (pages.grace = await openPage(browser, url, { name: 'Grace' }))

  step('the modules diff as stock peers do and keep own changes')
  await checkModules(ada)

  step('a rectangle drawn in one appears in the other')
  await ada.keyboard.press('r')
  await drag(ada, [[200, 150], [300, 200], [420, 310]])
  const [drawn] = await agreed(ada, grace)
  assert.equal(drawn.type, 'geo')
  assert.deepEqual([drawn.x, drawn.y, drawn.props.w, drawn.props.h], [200, 150, 220, 160])
  await until('the rectangle in pixels', () => inked(grace, 310, 150), Boolean)
  assert.equal(await inked(grace, 310, 230), false, 'nothing inside an empty rectangle')

  step('a long stroke is pushed as appends while it is drawn')
  await ada.keyboard.press('d')
  await drawStroke(ada, grace)
  const stroke = (await agreed(ada, grace)).find(({ type }) => type === 'draw')
  checkStrokePushes(ada, stroke)
  const points = b64Vecs.decodePoints(stroke.props.segments[0].path)
  const end = STROKE.at(-1)
  near([stroke.x + points.at(-1).x, stroke.y + points.at(-1).y], end, 'where stock peers see the stroke end')
  await until('the stroke in pixels', () => inked(grace, ...STROKE[450]), Boolean)

  step('moving in one moves in the other')
  await grace.keyboard.press('v')
  await drag(grace, [[420, 230], [450, 240], [520, 270]])
  await until('the move', () => shapeOf(ada, drawn.id), (shape) => shape.x === 300 && shape.y === 190)

  step('deleting, undo and redo reach the other')
  await grace.keyboard.press('Delete')
  await until('the deletion', () => shapeOf(ada, drawn.id), (shape) => !shape)
  await grace.keyboard.press('Control+z')
  await until('the undo', () => shapeOf(ada, drawn.id), (shape) => shape?.x === 300)
  await grace.keyboard.press('Control+Shift+z')
  await until('the redo', () => shapeOf(ada, drawn.id), (shape) => !shape)
  await grace.keyboard.press('Control+z')
  await agreed(ada, grace)

  step('each sees the other\'s cursor and name')
  for (const [me, other, name, at] of [[ada, grace, 'Grace', [777, 222]], [grace, ada, 'Ada', [640, 333]]]) {
    await other.mouse.move(...at)
    const [person] = await until('the cursor', () => presence(me), ([who]) => who?.cursor?.x === at[0] && who.cursor.y === at[1])
    assert.equal(person.userName, name)
    await until('the cursor in pixels', () => colorOn(me, 'overlay', at[0] + 3, at[1] + 8), (color) => color === person.color)
  }

  step('a new name is seen at once')
  await grace.click('#people')
  await grace.fill('#name', 'Grace Hopper')
  await grace.keyboard.press('Enter')
  await until('the name', () => presence(ada), ([who]) => who.userName === 'Grace Hopper')
  await until('how many are here', () => ada.getAttribute('#people', 'title'), (title) => title === '2 people are here')

  step('a read-only page sees all and changes nothing')
  const reader = (pages.reader = await openPage(browser, `${url}?readonly=true`, { name: 'Reader' }))
  assert.equal(await reader.textContent('#status'), 'Read-only')
  const before = await agreed(reader, ada)
  await reader.keyboard.press('r')
  await drag(reader, [[100, 100], [150, 150]])
  await reader.keyboard.press('Control+a')
  await reader.keyboard.press('Delete')
  assert.deepEqual(await shapes(reader), before)
  await reader.context().close()
  delete pages.reader
  await until('who left', () => presence(ada), (people) => people.length === 1)

  step('the server is killed; edits go on')
  await server.kill()
  for (const page of [ada, grace]) await until('offline', () => state(page), ({ connection }) => connection === 'offline')
  await ada.keyboard.press('r')
  await drag(ada, [[620, 120], [700, 180], [760, 220]])
  const offline = (await shapes(ada)).at(-1)
  await drag(ada, [[620, 170], [600, 170], [560, 170]])
  await ada.keyboard.press('d')
  await drag(ada, [[900, 100], [950, 150], [1000, 100], [1050, 150]])
  assert.equal((await state(ada)).unconfirmed, 2)
  assert.match(await ada.textContent('#status'), /Offline — reconnecting · 2 unsaved/)
  assert.deepEqual(await presence(ada), [], 'nobody is known to be here')

  step('it starts again; both are back with everything')
  await server.start()
  await Promise.all([online(ada), online(grace)])
  const all = await agreed(ada, grace)
  assert.equal(all.length, 4)
  assert.equal(all.find(({ id }) => id === offline.id).x, 560)
  await until('each other', () => presence(grace), (people) => people.length === 1 && people[0].userName === 'Ada')
  const late = (pages.late = await openPage(browser, url, { name: 'Late' }))
  await agreed(late, ada)

  step('what is stored is valid for stock peers and is what the pages show')
  const { documents } = await server.snapshot(ROOM)
  const stored = new Map(documents.map(({ state }) => [state.id, state]))
  const schema = createTLSchema()
  for (const record of stored.values()) schema.validateRecord(null, record, 'tests', null)
  const shown = await ada.evaluate(() => window.roomsync.records())
  assert.deepEqual(new Map(shown.map((record) => [record.id, record])), stored)
  assert.ok(stored.has('document:document') && stored.has('page:page'))

  step('nobody was refused and nothing went wrong')
  for (const page of Object.values(pages)) {
    assert.deepEqual(page.faults, [])
    assert.ok(!(await page.evaluate(() => window.closeCodes)).includes(4099))
  }
}

/** Draws STROKE, waiting every now and then until the other page has seen it grow. */
async function drawStroke(page, other) {
  await page.mouse.move(...STROKE[0])
  await page.mouse.down()
  let seen = 0
  for (const [i, point] of STROKE.entries()) {
    await page.mouse.move(...point)
    if (i % 150 !== 149) continue
    const length = async () => (await shapes(other)).at(-1)?.props.segments?.[0].path.length ?? 0
    seen = await until('the stroke growing', length, (now) => now > seen)
  }
  await page.mouse.up()
}

/** One put, then nothing but appends that each start where the one before ended. */
function checkStrokePushes(page, stroke) {
  const ops = page.pushes.flatMap(({ diff }) => (diff?.[stroke.id] ? [diff[stroke.id]] : []))
  const [first, ...rest] = ops
  assert.equal(first[0], 'put')
  let { path } = first[1].props.segments[0]
  let appends = 0
  for (const [kind, diff] of rest) {
    assert.equal(kind, 'patch')
    const { segments, ...others } = diff.props[1]
    assert.ok(Object.keys(others).every((key) => key === 'isComplete'))
    if (!segments) continue
    const [, { 0: [, { path: [append, suffix, offset] }] }] = segments
    assert.deepEqual([append, offset], ['append', path.length])
    path += suffix
    appends += 1
  }
  assert.equal(path, stroke.props.segments[0].path)
  assert.ok(appends >= 5, `only ${appends} appends`)
  assert.ok(path.length > 5_000, `a long stroke, not ${path.length}`)
}

// ---- reading pages

function step(text) {
  console.log(`- ${text}`)
}

function shapes(page) {
  return page.evaluate(() => window.roomsync.shapes())
}

function state(page) {
  return page.evaluate(() => window.roomsync.state())
}

function presence(page) {
  return page.evaluate(() => window.roomsync.presence())
}

async function shapeOf(page, id) {
  return (await shapes(page)).find((shape) => shape.id === id)
}

/** The colour of a window's point on one of the canvases, as '#rrggbb'. */
function colorOn(page, canvas, x, y) {
  return page.evaluate(
    ([id, left, top]) => {
      const context = document.getElementById(id).getContext('2d')
      const [r, g, b] = context.getImageData(left * devicePixelRatio, top * devicePixelRatio, 1, 1).data
      return `#${[r, g, b].map((value) => value.toString(16).padStart(2, '0')).join('')}`
    },
    [canvas, x, y],
  )
}

/** Whether something dark is drawn at a point of the board. */
async function inked(page, x, y) {
  return parseInt((await colorOn(page, 'board', x, y)).slice(1, 3), 16) < 0x80
}

/** Waits until `read` gives what `check` accepts, and returns it. */
async function until(what, read, check, limit = 60_000) {
  const end = Date.now() + limit
  for (;;) {
    const value = await read()
    if (check(value)) return value
    if (Date.now() > end) throw new Error(`never seen: ${what}; last: ${JSON.stringify(value)?.slice(0, 600)}`)
    await new Promise((wake) => setTimeout(wake, 25))
  }
}

/** Waits until both pages hold the same shapes, confirmed, and returns them. */
async function agreed(a, b) {
  const read = async () => Promise.all([shapes(a), shapes(b), state(a), state(b)])
  const same = (x, y) => {
    try {
      assert.deepEqual(x, y)
      return true
    } catch {
      return false
    }
  }
  const [result] = await until('equal and confirmed shapes', read, ([x, y, own, other]) => {
    return own.unconfirmed + other.unconfirmed === 0 && same(x, y)
  })
  return result
}

function near([x, y], [wantX, wantY], what) {
  assert.ok(Math.hypot(x - wantX, y - wantY) < 1, `${what}: ${[x, y]}, not ${[wantX, wantY]}`)
}
