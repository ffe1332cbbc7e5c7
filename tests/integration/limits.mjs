#!/usr/bin/env node
// A backlog at its sender's limit, by the provider's ledger: the limit is used, and no second has more than the
// limit and its burst, with one gateway and with several, also when one is killed. limits_long.mjs has 1,000/s.
import {run, test} from './lib.mjs'
import {fair} from './several.mjs'

test('80/s with one gateway', () => fair('1 gateway', {gateways: 1, rate: 80, seconds: 6}))
test('80/s with four gateways, two of them killed', () =>
  fair('4 gateways', {gateways: 4, rate: 80, seconds: 8, kills: [1001, 3002]}))
await run()
