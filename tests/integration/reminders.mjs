#!/usr/bin/env node
// Reminders of what is due, with several gateways on one Redis: each once, through kill -9 of those that tell them;
// what was missed while none ran is one reminder.
import {Site} from './several.mjs'
import {assert, run, sleep, test, until} from './lib.mjs'

const N = 60

async function orders(site, n, dueInMs) {
  await site.people(n)
  const due_at = new Date(Date.now() + dueInMs).toISOString()
  for (let i = 0; i < n; i++) {
    const r = await site.request('POST', '/api/v1/events', {specversion: '1.0', id: `o${i}`, source: '/cmms/acme', type: 'cmms.workorder.created.v1',
      data: {workorder: {id: `w${i}`, number: `WO-${1000 + i}`, title: 'Grease the bearings', status: 'open', due_at, assignees: [{id: `u${i}`}], rev: 1}}},
    {gateway: i % site.gateways.length, headers: {'content-type': 'application/cloudevents+json'}})
    assert.equal(r.json?.results?.[0]?.status, 'accepted', r.text)
  }
  return Date.parse(due_at)
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
  const site = await new Site({gateways: 3, tenant: {reminders: {before_s: [0], after_s: 0}}}).start()
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
  const due = await orders(site, 12, 8000)
  const change = (i, more) => site.request('POST', '/api/v1/events', {specversion: '1.0', id: `c${i}`, source: '/cmms/acme',
    type: 'cmms.workorder.updated.v1', data: {changed: ['due_at'], workorder: {id: `w${i}`, number: `WO-${1000 + i}`, title: 'Grease', status: 'open',
      due_at: new Date(due).toISOString(), assignees: [{id: `u${i}`}], rev: 2, ...more}}}, {headers: {'content-type': 'application/cloudevents+json'}})
  await change(10, {status: 'completed'})
  await change(11, {due_at: new Date(due + 3600e3).toISOString()})
  await until('both', async () => await site.redisCall('ZSCORE', '{acme}:od', 'w10') === '' &&
    Number(await site.redisCall('ZSCORE', '{acme}:od', 'w11')) > due)
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
