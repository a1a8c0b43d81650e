// Shared by what drives the whiteboard page in a real browser.
//
// CHROMIUM  the browser (default: /usr/bin/chromium)

import { chromium } from 'playwright-core'

const PATIENCE = 60_000 // ms until what a page should do counts as not done; machines can be busy

export function launchBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
}

/**
 * A window of its own (own storage, so another person) on `url`, once it is online. Beside playwright's methods it has
 * `faults` (errors and the page's own warnings) and `pushes` (the push messages that it sent, parsed).
 */
export async function openPage(browser, url, { name, userKey, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 750 }, ...options })
  await context.addInitScript(prepareWindow, { name, userKey })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE)
  page.faults = []
  page.pushes = []
  page.on('pageerror', (error) => page.faults.push(String(error)))
  page.on('console', (message) => message.text().startsWith('roomsync:') && page.faults.push(message.text()))
  page.on('websocket', (socket) =>
    socket.on('framesent', ({ payload }) => {
      const message = JSON.parse(payload)
      if (message.type === 'push') page.pushes.push(message)
    }),
  )
  await page.goto(url)
  await online(page)
  return page
}

/** Runs in the window before the page: names the user, and notes with what codes sockets are closed. */
function prepareWindow({ name, userKey }) {
  if (name && !localStorage.getItem('roomsync.name')) localStorage.setItem('roomsync.name', name)
  if (userKey) sessionStorage.setItem('roomsync.user', userKey)
  window.closeCodes = []
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args)
      this.addEventListener('close', ({ code }) => window.closeCodes.push(code))
    }
  }
}

export const online = (page) => page.waitForFunction(() => window.roomsync?.state().connection === 'online')

/** Presses at the first of `points` ([x, y] in the window), drags over the others, releases at the last. */
export async function drag(page, points) {
  await page.mouse.move(...points[0])
  await page.mouse.down()
  for (const point of points.slice(1)) await page.mouse.move(...point)
  await page.mouse.up()
}
