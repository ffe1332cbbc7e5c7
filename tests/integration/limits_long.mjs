#!/usr/bin/env node
// 80/s and 1,000/s over 30 s, with one gateway and with four, kills included. See limits.mjs.
import {run, test} from './lib.mjs'
import {fair} from './several.mjs'

const kills = [3001, 9002, 15003, 21000]
for (const rate of [80, 1000]) {
  for (const gateways of [1, 4]) {
    test(`${rate}/s with ${gateways}, killed four times`, () =>
      fair(`${rate}/s, ${gateways} gateways`, {tries: 2, gateways, rate, seconds: 30, kills, people: rate === 80 ? 200 : 1500}))
  }
}
await run()
