// Draws a small scene with three people on one board, by mouse, and writes docs/page.png for the README.
// Run: node screenshot.mjs [dark] [FILE] (see browser.mjs for the environment).

import { mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { drag, launchBrowser, openPage } from './browser.mjs'
import { ROOT, Server } from './lib/process.mjs'

const dark = process.argv.includes('dark')
const target = resolve(process.argv.slice(2).find((arg) => arg !== 'dark') ?? join(ROOT, 'docs/page.png'))
const PERSON_KEYS = { Ada: 'a', Grace: 'c', Edsger: 'd' } // who they are decides their colours

const server = new Server()
let browser
try {
  await server.start()
  browser = await launchBrowser()
  const colorScheme = dark ? 'dark' : 'light'
  const options = { viewport: { width: 1200, height: 750 }, deviceScaleFactor: 2, colorScheme }
  const open = (name) => openPage(browser, `${server.base}/r/launch-plan`, { name, userKey: PERSON_KEYS[name], ...options })
  const [ada, grace, edsger] = [await open('Ada'), await open('Grace'), await open('Edsger')]
  await drawScene(ada, grace, edsger)
  mkdirSync(dirname(target), { recursive: true })
  await ada.screenshot({ path: target })
  console.log(`wrote ${target}`)
} finally {
  await browser?.close()
  await server.stop()
}

async function drawScene(ada, grace, edsger) {
  // Idea: a card with a light bulb.
  await rectangle(ada, [150, 130, 230, 160], { color: 'yellow', fill: true })
  await stroke(ada, bulb(265, 198), { color: 'orange', size: 'm' })
  await stroke(ada, [[256, 250], [265, 251], [274, 250]], { color: 'orange', size: 'm' })
  for (const angle of [-2.6, -2.1, -Math.PI / 2, -1.05, -0.55]) {
    const at = (radius) => [265 + radius * Math.cos(angle), 199 + radius * Math.sin(angle)]
    await stroke(ada, line(at(42), at(54), 0), { color: 'orange', size: 'm' })
  }

  // Sketch: a card with a tiny page in it.
  await rectangle(grace, [485, 130, 230, 160], { color: 'blue', fill: true })
  await rectangle(grace, [511, 154, 70, 56], { color: 'blue', size: 's' })
  for (const [y, to] of [[162, 688], [182, 674], [202, 682]]) await stroke(grace, line([600, y], [to, y], 1), { color: 'blue', size: 's' })
  for (const [y, to] of [[234, 680], [256, 648]]) await stroke(grace, line([511, y], [to, y], 1), { color: 'blue', size: 's' })

  // Ship: a card with a tick.
  await rectangle(ada, [820, 130, 230, 160], { color: 'green', fill: true })
  await stroke(ada, [...line([892, 212], [922, 242], 1), ...line([922, 242], [982, 176], 1)], { color: 'green', size: 'xl' })

  // The way from one to the next.
  await arrow(grace, [396, 212], [470, 212])
  await arrow(grace, [731, 212], [805, 212])

  // How it will go: a chart.
  await stroke(edsger, [...line([300, 380], [300, 590], 1), ...line([300, 590], [640, 590], 1)], { color: 'black', size: 'm' })
  for (const [x, height] of [[340, 30], [410, 48], [480, 76], [550, 112]]) {
    await rectangle(edsger, [x, 590 - height, 36, height], { color: 'light-blue', fill: true, size: 's' })
  }
  await stroke(edsger, curve((t) => [318 + 300 * t, 545 - 150 * t ** 2 - 8 * Math.sin(t * 13)]), { color: 'red', size: 'xl' })

  // Something to be happy about.
  await stroke(ada, curve((t) => heart(840, 480, 6.2, t)), { color: 'light-red', size: 'xl' })
  await stroke(grace, curve((t) => [745 + 190 * t, 586 + 9 * Math.sin(t * 22)]), { color: 'violet', size: 'm' })

  await select(grace, [600, 131])
  await grace.mouse.move(706, 262, { steps: 4 })
  await select(ada, null)

  // Edsger is in the middle of a stroke.
  await style(edsger, { color: 'violet', size: 'm' })
  await edsger.keyboard.press('d')
  const circle = curve((t) => [612 + 58 * Math.cos(0.4 - 5.9 * t), 402 + 46 * Math.sin(0.4 - 5.9 * t)])
  await edsger.mouse.move(...circle[0])
  await edsger.mouse.down()
  for (const point of circle) await edsger.mouse.move(...point)
  await ada.waitForFunction(() => window.roomsync.presence().filter(({ cursor }) => cursor).length === 2)
  await ada.waitForTimeout(600) // until the cursors have glided to where they are
}

// ---- what hands do

async function style(page, { color, size, fill = false }) {
  await page.click(`[data-color="${color}"]`)
  await page.click(`[data-size="${size ?? 'm'}"]`)
  const isFilled = (await page.getAttribute('#fill', 'aria-pressed')) === 'true'
  if (isFilled !== fill) await page.click('#fill')
}

async function rectangle(page, [x, y, w, h], look) {
  await select(page, null)
  await style(page, look)
  await page.keyboard.press('r')
  await drag(page, [[x, y], [x + w / 2, y + h / 2], [x + w, y + h]])
  await select(page, null)
}

async function stroke(page, points, look) {
  await select(page, null)
  await style(page, look)
  await page.keyboard.press('d')
  await drag(page, points)
}

async function arrow(page, from, [x, y]) {
  await stroke(page, line(from, [x, y], 2), { color: 'black', size: 'm' })
  await stroke(page, [...line([x - 14, y - 11], [x, y], 0), ...line([x, y], [x - 13, y + 12], 0)], { color: 'black', size: 'm' })
}

async function select(page, point) {
  await page.keyboard.press('Escape')
  if (point) await page.mouse.click(...point)
}

// ---- what they draw

function curve(at, count = 70) {
  return Array.from({ length: count + 1 }, (_, i) => at(i / count))
}

/** A line as a hand draws it: bent a little. */
function line([x1, y1], [x2, y2], bend) {
  const wave = (t) => bend * Math.sin(t * Math.PI * 1.7)
  return curve((t) => [x1 + (x2 - x1) * t + (y1 === y2 ? 0 : wave(t)), y1 + (y2 - y1) * t + (y1 === y2 ? wave(t) : 0)], 16)
}

function bulb(x, y) {
  const round = curve((t) => [x + 29 * Math.cos(2.2 + 5.02 * t), y + 29 * Math.sin(2.2 + 5.02 * t)], 40)
  return [[x - 10, y + 41], [x - 11, y + 33], ...round, [x + 11, y + 33], [x + 10, y + 41], [x, y + 42], [x - 10, y + 41]]
}

function heart(x, y, size, part) {
  const t = Math.PI + part * 2 * Math.PI
  return [
    x + size * 16 * Math.sin(t) ** 3 * 0.75,
    y - size * 0.75 * (13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t)),
  ]
}
