// Shared by what drives the whiteboard page in a real browser: starting the server, and opening pages on it.
//
// ROOMSYNC_SERVER  the server's command (default: target/release/roomsync-server)
// CHROMIUM         the browser (default: /usr/bin/chromium)

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

export const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '..')
export const ADMIN_TOKEN = 'a-token-for-tests'
const COMMAND = process.env.ROOMSYNC_SERVER ?? join(REPOSITORY, 'target/release/roomsync-server')
const START_LIMIT = 20_000 // ms
const PATIENCE = 60_000 // ms until what a page should do counts as not done; machines can be busy

/** A server over a data file in a folder of its own, which can be killed and started again. */
export class Server {
  #folder = mkdtempSync(join(tmpdir(), 'roomsync-page-'))
  #process = null
  #listen = '127.0.0.1:0'
  url = null

  async start() {
    const [program, ...first] = COMMAND.split(/\s+/)
    const flags = ['--listen', this.#listen, '--data', join(this.#folder, 'rooms.db'), '--admin-token', ADMIN_TOKEN]
    const child = spawn(program, [...first, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#process = child
    const address = await new Promise((found, failed) => {
      const late = setTimeout(() => failed(new Error('the server printed no address')), START_LIMIT)
      child.once('error', failed)
      child.once('exit', (code) => failed(new Error(`the server ended with code ${code}`)))
      createInterface({ input: child.stdout }).on('line', (line) => {
        const match = line.match(/http:\/\/(127\.0\.0\.1:\d+)/)
        if (!match) return
        clearTimeout(late)
        found(match[1])
      })
    })
    this.#listen = address // the same port again after a restart
    this.url = `http://${address}`
  }

  async kill() {
    const child = this.#process
    this.#process = null
    if (!child?.pid || child.exitCode !== null || child.signalCode) return
    child.removeAllListeners('exit')
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async snapshot(room) {
    const answer = await fetch(`${this.url}/admin/rooms/${room}/snapshot`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    })
    if (!answer.ok) throw new Error(`snapshot: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }

  async close() {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

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
