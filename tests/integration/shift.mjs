#!/usr/bin/env node
// A small crew's half hour, in half a minute (bench/shift.mjs): at its end the three ledgers agree.
import {Shift} from '../../bench/shift.mjs'
import {assert, run, test} from './lib.mjs'

test('24 technicians, half an hour at 120 times: orders, photos, checklists, a roll call, an alert', async () => {
  const {problems, figures} = await new Shift({technicians: 24, hours: 0.5, speed: 120, orders: 2}).run()
  console.log(JSON.stringify(figures))
  assert.deepEqual(problems, [])
})

await run()
