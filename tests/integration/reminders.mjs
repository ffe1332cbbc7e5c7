#!/usr/bin/env node
// Reminders of what is due, with several gateways on one Redis: each once, through kill -9 of those that tell them;
// what was missed while none ran is one reminder.
import {Site} from './several.mjs'
import {assert, run, sleep, test, until} from './lib.mjs'

const N = 60

// All of them are there before the first is reminded of, `beforeMs` before they are due: when that is goes by how long it
// took this machine to make as many others.
async function orders(site, n, dueInMs, beforeMs = 0) {
  const create = async (id, number, more) => {
    for (let i = 0; i < n; i++) {
      const r = await site.request('POST', '/api/v1/events', {specversion: '1.0', id: `${id}${i}`, source: '/cmms/acme', type: 'cmms.workorder.created.v1',
        data: {workorder: {id: `${id}${i}`, number: `WO-${number + i}`, title: 'Grease the bearings', status: 'open', rev: 1, ...more(i)}}},
      {gateway: i % site.gateways.length, headers: {'content-type': 'application/cloudevents+json'}})
      assert.equal(r.json?.results?.[0]?.status, 'accepted', r.text)
    }
  }
  await site.people(n)
  const began = Date.now()
  await create('x', 5000, () => ({}))
  const due = Date.now() + Math.max(dueInMs, beforeMs + 6 * (Date.now() - began))
  await create('w', 1000, i => ({due_at: new Date(due).toISOString(), assignees: [{id: `u${i}`}]}))
  await until('all to wait for their time', async () => await site.redisCall('ZCARD', '{acme}:od') === String(n))
  assert.ok(Date.now() < due - beforeMs, 'made in time')
  return due
}

// How often each order's assignee was reminded, by what was accepted for him; a lost answer may repeat a send.
async function reminded(site, n) {
  const counts = []
  for (let i = 0; i < n; i++) {
    const r = await site.request('GET', `/api/v1/work_orders/WO-${1000 + i}/timeline?limit=500`)
    counts.push(r.json.items.filter(e => e.kind === 'reminded').length)
  }
  return counts
}

test('three gateways, two of them killed while they remind: each order once', async () => {
  // What a killed gateway had in hand goes on soon: its lease, and the hold of a send whose end nobody knows.
  const site = await new Site({gateways: 3, tenant: {reminders: {before_s: [0], after_s: 0}},
    file: {delivery: {lease_ms: 3000, send_timeout_ms: 2000, uncertain_hold_ms: 2000}}}).start()
  const due = await orders(site, N, 6000)
  await until('the time', () => Date.now() > due, 15000)
  for (const i of [0, 1, 0]) {
    await sleep(150)
    await site.kill(i)
  }
  await until('all to be reminded', async () => (await reminded(site, N)).every(c => c > 0), 90000)
  await sleep(3000)
  assert.deepEqual([...new Set(await reminded(site, N))], [1])
  assert.equal(await site.redisCall('ZCARD', '{acme}:od'), '0', 'nothing is left to remind of')
  await until('each to hear both', async () => {
    const heard = new Map()
    for (const [, to] of (await site.ledger()).sends) heard.set(to, (heard.get(to) ?? 0) + 1)
    return heard.size === N && [...heard.values()].every(n => n >= 2)
  }, 30000)
  await site.stop()
})

test('what was missed while no gateway ran is one reminder; a closed order, or one due later, is not reminded of', async () => {
  const site = await new Site({gateways: 1, tenant: {reminders: {before_s: [3, 2, 1, 0], after_s: 0}}}).start()
  const due = await orders(site, 12, 8000, 3000)
  const change = (i, more) => site.request('POST', '/api/v1/events', {specversion: '1.0', id: `c${i}`, source: '/cmms/acme',
    type: 'cmms.workorder.updated.v1', data: {changed: ['due_at'], workorder: {id: `w${i}`, number: `WO-${1000 + i}`, title: 'Grease', status: 'open',
      due_at: new Date(due).toISOString(), assignees: [{id: `u${i}`}], rev: 2, ...more}}}, {headers: {'content-type': 'application/cloudevents+json'}})
  await change(10, {status: 'completed'})
  await change(11, {due_at: new Date(due + 3600e3).toISOString()})
  await until('both', async () => await site.redisCall('ZSCORE', '{acme}:od', 'w10') === '' &&
    Number(await site.redisCall('ZSCORE', '{acme}:od', 'w11')) > due)
  assert.ok(Date.now() < due - 3000, 'killed before the first reminder')
  site.gateways[0].child.kill('SIGKILL')
  await site.gateways[0].exited
  await until('all to be missed', () => Date.now() > due + 500, 20000)
  await site.launch(0)
  await until('one for each', async () => (await reminded(site, 10)).every(c => c > 0), 60000)
  await sleep(3000)
  assert.deepEqual(await reminded(site, 12), [...Array(10).fill(1), 0, 0])
  await site.stop()
})

await run()
