#!/usr/bin/env node
// What the CMMS does with its events: refuses, fails, is gone; and what the technician hears of it.
import {ANA, Plant, assert, order, run, sleep, test, until} from './lib.mjs'

const plant = await new Plant({twilio: false, file: {callbacks: {schedule_ms: [150, 300, 450], timeout_ms: 3000}}}).start()
await plant.person('u1', ANA, {language: 'en'})

let n = 0
async function assigned() {
  const o = order(++n, {assignees: [{id: 'u1'}]})
  await plant.event('cmms.workorder.created.v1', {workorder: o}, {subject: o.number})
  await plant.expect(ANA, m => m.text.includes('New Work Order') && m.text.includes(o.number))
  return o
}
const say = text => plant.inbound({from: ANA, type: 'text', text})
const posts = subject => plant.cmms.ledger.filter(p => p.event.subject === subject)

test('409 with a reason: the technician is told it, and the copy goes back', async () => {
  const o = await assigned()
  plant.cmms.answer = p => p.event.subject === o.number ? {status: 409, body: {reason: 'locked by planning'}} : {status: 204}
  await say(`START ${o.number}`)
  await plant.expect(ANA, 'started')
  const refused = await plant.expect(ANA, 'locked by planning')
  assert.match(refused.text, /refused/)
  assert.match(refused.text, /Open/)
  assert.equal(posts(o.number).length, 1, 'a refusal is not tried again')
  assert.equal((await plant.api('GET', `/api/v1/work_orders/${o.number}`)).json.status, 'open')
  plant.cmms.answer = () => ({status: 204})
  await say(`START ${o.number}`)
  await plant.expect(ANA, 'started')
})

test('5xx: tried again by the schedule, same id, same bytes, in order for each subject', async () => {
  const o = await assigned()
  let fail = 2
  plant.cmms.answer = p => p.event.subject === o.number && fail-- > 0 ? {status: 500} : {status: 204}
  await say(`ACK ${o.number}`)
  await plant.expect(ANA, 'acknowledged')
  await say(`NOTE ${o.number} first`)
  await say(`NOTE ${o.number} second`)
  await until('all three', () => posts(o.number).filter(p => p.status === 204).length === 3)
  const [a, b, c, ...rest] = posts(o.number)
  assert.ok(a.body === b.body && b.body === c.body, 'the same bytes each time')
  assert.equal(a.headers['webhook-id'], c.headers['webhook-id'])
  assert.deepEqual(rest.map(p => p.event.data.text), ['first', 'second'])
  assert.ok(b.at - a.at >= 140 && c.at - b.at >= 290, `the schedule: ${b.at - a.at}, ${c.at - b.at}`)
})

test('a hanging endpoint is a failure, and another subject does not wait for it', async () => {
  const slow = await assigned(), fast = await assigned()
  let hang = true
  plant.cmms.answer = p => p.event.subject === slow.number && hang ? {status: 0, hang: true} : {status: 204}
  await say(`ACK ${slow.number}`)
  await plant.expect(ANA, 'acknowledged')
  await until('the first to hang', () => posts(slow.number).length > 0)
  await say(`ACK ${fast.number}`)
  const other = await until('the other subject', () => posts(fast.number).find(p => p.status === 204))
  const before = plant.cmms.ledger.slice(0, plant.cmms.ledger.indexOf(other))
  assert.equal(before.filter(p => p.event.subject === slow.number).length, 1, 'while the first try hangs')
  hang = false
  await until('the slow one', () => posts(slow.number).some(p => p.status === 204))
})

test('after the last try: a dead letter, listed with its reason, and the lane goes on', async () => {
  const o = await assigned()
  let down = true
  plant.cmms.answer = p => p.event.subject === o.number && down ? {status: 503} : {status: 204}
  await say(`ACK ${o.number}`)
  await until('four tries', () => posts(o.number).length === 4)
  const dead = await until('the dead letter', async () =>
    (await plant.api('GET', '/api/v1/dead_letters')).json.items.find(d => JSON.stringify(d).includes('503')))
  assert.ok(dead)
  down = false
  await say(`NOTE ${o.number} after`)
  await until('the next event of that subject', () => posts(o.number).some(p => p.status === 204 && p.event.data.text === 'after'))
  const again = await plant.api('POST', `/api/v1/dead_letters/${dead.id}/replay`)
  assert.ok(again.status < 300, again.text)
  await until('the replay', () => posts(o.number).some(p => p.status === 204 && p.event.type.includes('acknowledged')))
})

test('410 switches the endpoint off; SIGHUP tries it again; nothing is lost meanwhile', async () => {
  const o = await assigned()
  // Nothing else meets the 410.
  await until('all events to be posted', async () => (await plant.everything()).every(e =>
    plant.cmms.ledger.some(p => p.event.id === e.id && (p.status === 204 || p.status === 409))))
  plant.cmms.answer = () => ({status: 410})
  await say(`ACK ${o.number}`)
  await until('the 410', () => posts(o.number).length === 1)
  await say(`NOTE ${o.number} kept`)
  await plant.expect(ANA, 'Note added')
  await sleep(700)
  assert.equal(posts(o.number).length, 1, 'switched off')
  const health = await plant.api('GET', '/readyz')
  assert.notEqual(health.json.status, 'ok')
  plant.cmms.answer = () => ({status: 204})
  plant.gateway.kill('SIGHUP')
  await until('both', () => posts(o.number).filter(p => p.status === 204).length === 2)
})

await run()
