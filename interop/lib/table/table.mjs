// How is a table of exchanges checked? Each is played to a stock peer and to ours, and differs by the rules that it
// names and in nothing else.

import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { assert, assertReached, test } from '../test.mjs'
import { Clock } from './clock.mjs'
import { Machines } from './machine.mjs'
import { play, reasons } from './play.mjs'

const INTEROP = new URL('../../', import.meta.url)
const PROTOCOL = fileURLToPath(new URL('../docs/protocol.md', INTEROP))

/**
 * Plays all exchanges of `folder`, at least so many. `rules` is how those of docs/protocol.md begin that say why we
 * differ. `peers` makes a stock peer and ours for an exchange.
 */
export async function playTable(name, { folder, rules, least, peers }) {
  await test(name, async ({ step, cleanup }) => {
    const table = await read(new URL(`${folder}/`, INTEROP))
    const { machines, clock } = begin(cleanup)
    const faults = []
    const used = []
    for (const { title, exchange } of table) {
      const { steps: nested, ...options } = Array.isArray(exchange) ? { steps: exchange } : exchange
      const steps = nested.flat(Infinity)
      await clock.align()
      const [stock, ours] = await peers({ clock, machines, ...options })
      const wrong = await play(steps, stock, ours)
      await stock.end()
      if (wrong.length > 0) faults.push(title, ...wrong.map((line) => `  ${line}`))
      used.push(...reasons(steps))
    }
    faults.push(...ruleFaults(rules, folder, used))
    assert(faults.length === 0, `\n${faults.join('\n')}`)
    assert(table.length >= least, `only ${table.length} exchanges`)
    step(`${table.length} exchanges, which differ at ${used.length} steps, each by a rule`)
  })
}

/**
 * Plays random scripts. `script` makes what one needs: its `steps`, the peers `stock` and `ours`, and how it ends. Each of
 * `kinds` must be seen in what stock peers say.
 */
export async function playRandom(name, { kinds, script }) {
  await test(name, async ({ random, step, cleanup }) => {
    const { machines, clock } = begin(cleanup)
    const { scripts } = parseArgs({ options: { seed: { type: 'string' }, scripts: { type: 'string', default: '40' } } }).values
    const counts = Object.fromEntries(kinds.map((kind) => [kind, 0]))
    for (let i = 0; i < Number(scripts); i++) {
      await clock.align()
      const { steps, stock, ours, end } = await script({ clock, machines, random: random.fork(`script ${i}`) })
      const faults = await play(steps, counted(stock, counts), ours)
      await end()
      assert(faults.length === 0, `script ${i}\n${faults.slice(0, 30).join('\n')}`)
    }
    assertReached(counts)
    step(`${scripts} scripts: ${kinds.map((kind) => `${counts[kind]} ${kind}`).join(', ')}`)
  })
}

/** What both kinds of test need, and what is cleaned up in the end. */
function begin(cleanup) {
  const machines = new Machines()
  cleanup(() => machines.close())
  const clock = new Clock()
  cleanup(() => clock.uninstall())
  cleanup(muteConsole())
  return { machines, clock }
}

/** The peer, with what it says counted. */
function counted(peer, counts) {
  const counting = (ask) => async (...args) => {
    const said = await ask(...args)
    for (const it of said) {
      const text = JSON.stringify(it)
      for (const kind of Object.keys(counts)) if (text.includes(`"${kind}"`)) counts[kind] += 1
    }
    return said
  }
  return { step: counting((step) => peer.step(step)), look: peer.look && counting(() => peer.look()) }
}

async function read(folder) {
  const table = []
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.mjs')).sort()) {
    const { default: exchanges } = await import(new URL(file, folder))
    for (const [name, exchange] of Object.entries(exchanges)) table.push({ title: `${file}: ${name}`, exchange })
  }
  return table
}

/** Where the rules that begin with `prefix` and the reasons of a table do not name each other, as lines. */
function ruleFaults(prefix, folder, used) {
  const rules = readFileSync(PROTOCOL, 'utf8').split(/^(?=- \*\*|#)/m).filter((rule) => rule.startsWith(`- **${prefix}-`))
  const documented = new Map(rules.map((rule) => [rule.slice(4, rule.indexOf('**', 4)), rule]))
  const unknown = [...new Set(used)].filter((rule) => !documented.has(rule)).map((rule) => `no such rule: ${rule}`)
  const named = [...documented].filter(([, rule]) => rule.includes(`interop/${folder}`))
  const idle = named.filter(([rule]) => !used.includes(rule)).map(([rule]) => `no exchange differs by ${rule}`)
  return [...unknown, ...idle]
}

/** Silences what stock peers write of all that exchanges make them refuse. Returns what gives the console back. */
function muteConsole() {
  const { warn, error } = console
  Object.assign(console, { warn() {}, error() {} })
  return () => Object.assign(console, { warn, error })
}
