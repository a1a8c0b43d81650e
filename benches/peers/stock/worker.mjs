// Runs what the harness asks for, a JSON line each, and answers with a line.

import './clock.mjs'
import { createInterface } from 'node:readline'

import { works as client } from './client.mjs'
import { works as diff } from './diff.mjs'
import { fresh } from './records.mjs'
import { works as room } from './room.mjs'

const works = { ...room, ...client, ...diff }

for await (const line of createInterface({ input: process.stdin })) {
  const { work, shapes, ...params } = JSON.parse(line)
  if (shapes !== undefined) params.shapes = fresh(shapes)
  globalThis.gc()
  process.stdout.write(`${JSON.stringify(works[work](params))}\n`)
}
