// Does a token that is made as docs/server.md says let a stock client in, and what does one hear without?

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'

import { Server, ROOT } from './lib/process.mjs'
import { StockClient, assertNoFaults } from './lib/stock-client.mjs'
import { assert, test } from './lib/test.mjs'
import { until } from './lib/wait.mjs'

await test('tokens made as the documentation says', async ({ step, directory, cleanup }) => {
  const document = readFileSync(path.join(ROOT, 'docs/server.md'), 'utf8')
  const script = [...document.matchAll(/```sh\n(.*?)```/gs)].map(([, it]) => it).find((it) => it.includes('createHmac'))
  const token = execFileSync('sh', ['-c', script], { cwd: directory, encoding: 'utf8' }).trim()

  const server = new Server({ flags: ['--auth-key', path.join(directory, 'auth.key')] })
  cleanup(() => server.stop())
  await server.start()
  const connect = (name, room, token) => {
    const client = new StockClient({ base: server.base, room, name, token })
    cleanup(() => client.close())
    return client
  }

  const ann = connect('ann', 'plans', token)
  await until('ann to be settled', () => ann.isSettled())
  assert(ann.isReadonly === false, 'the token of a writer makes a reader')
  step('the token lets a stock client in')

  for (const [name, room, token_, reason] of [
    ['bob', 'plans', null, 'NOT_AUTHENTICATED'],
    ['cid', 'plans', `${token}x`, 'NOT_AUTHENTICATED'],
    ['dee', 'other', token, 'FORBIDDEN'],
    ['eve', 'no room', token, 'NOT_FOUND'],
  ]) {
    const client = connect(name, room, token_)
    const told = () => client.fatal.some((line) => line.includes(reason))
    await until(`${name} to hear ${reason}`, told, { detail: () => client.fatal.join() })
  }
  step('without it, each hears why not')
  assertNoFaults([ann])
})
