#!/usr/bin/env node
// Dead letters: what was given up is listed with its reason, and put back: one, many by filter, messages too.
import {ANA, JOHN, META, Plant, assert, call, order, run, test, until} from './lib.mjs'

const plant = await new Plant({twilio: false, sandbox: ['--window-open', '--sent-ms', '20', '--delivered-ms', '40', '--read-ms', '0'],
  file: {callbacks: {schedule_ms: [50], timeout_ms: 2000}},
  env: {CREWLINE_DELIVERY__UNCERTAIN_HOLD_MS: '300', CREWLINE_DELIVERY__SEND_TIMEOUT_MS: '500'}}).start()
await plant.person('u1', ANA)
await plant.person('u2', JOHN)
await plant.event('cmms.workorder.created.v1', {workorder: order(1, {status: 'in_progress', assignees: [{id: 'u1'}, {id: 'u2'}]})})
await plant.expect(ANA, 'WO-2024-001')
await plant.expect(JOHN, 'WO-2024-001')
await plant.idle() // the faults meet only what is sent for them

const faults = async body => assert.equal((await call('PUT', `${plant.sandbox}/_sandbox/faults`, {body})).status, 200)
const cli = (...args) => plant.command('replay', ...args, '--config', plant.config)
const dead = async kind => (await plant.api('GET', '/api/v1/dead_letters?limit=500')).json.items.filter(d => !kind || d.kind === kind)
const message = async id => (await plant.api('GET', `/api/v1/messages/${id}`)).json
const arrived = async text => (await plant.messages()).filter(m => m.text === text).length
const replay = (body, query = '') => plant.api('POST', `/api/v1/dead_letters/replay${query}`, body)
async function send(text, more = {}) {
  const r = await plant.api('POST', '/api/v1/messages', {to: {user: 'u1'}, kind: 'text', text, ...more})
  assert.equal(r.status, 202, r.text)
  return r.json.id
}
async function failing(text, more) {
  const id = await send(text, more)
  await until(`${text} to fail`, async () => (await message(id)).state === 'failed')
  return id
}
const giveUp = async n => { // callbacks that the CMMS does not take; what else it is told, it does
  plant.cmms.answer = post => ({status: post.event.type === 'gateway.workorder.note_added.v1' ? 500 : 204})
  const before = (await dead('callback')).length
  for (let i = 0; i < n; i++) await plant.inbound({from: i % 2 ? ANA : JOHN, to: META.number, type: 'text', text: `NOTE 001 given up ${i}`})
  await until('dead letters', async () => (await dead('callback')).length >= before + n)
  plant.cmms.answer = () => ({status: 204})
}

test('a failed message is a dead letter with its reason; its replay is a new message that arrives once', async () => {
  await faults({error: {code: 131026}})
  const id = await failing('to be said again')
  await faults({})
  const d = (await dead('message')).find(one => one.id === `out:${id}`)
  assert.match(d.reason, /131026/)
  assert.equal(d.message.id, id)
  assert.equal(d.message.text, 'to be said again')
  const r = await plant.api('POST', `/api/v1/dead_letters/out:${id}/replay`, undefined, {'idempotency-key': 'once'})
  assert.equal(r.status, 202, r.text)
  assert.notEqual(r.json.id, id)
  const again = await plant.api('POST', `/api/v1/dead_letters/out:${id}/replay`, undefined, {'idempotency-key': 'once'})
  assert.deepEqual(again.json, r.json)
  await until('its delivery', async () => ['delivered', 'read'].includes((await message(r.json.id)).state))
  assert.equal(await arrived('to be said again'), 1)
  const old = await message(id)
  assert.equal(old.state, 'failed', 'what failed stays failed')
  assert.ok(old.timeline.some(l => l.detail?.includes(r.json.id)), JSON.stringify(old.timeline))
  assert.equal((await plant.api('POST', `/api/v1/dead_letters/out:${id}/replay`)).status, 404)
})

test('refused by a status, unknown to the end: listed too', async () => {
  await faults({fail_later: {code: 131026}})
  const later = await failing('refused later')
  await faults({accept_then_reset: true, no_statuses: true})
  const unsure = await send('who knows')
  await until('the end of it', async () => (await message(unsure)).error)
  const ids = (await dead('message')).map(d => d.id)
  assert.ok(ids.includes(`out:${later}`) && ids.includes(`out:${unsure}`), JSON.stringify(ids))
  await faults({})
  assert.equal((await message(unsure)).state, 'uncertain')
})

test('one callback and one inbound item, by the command line', async () => {
  await giveUp(1)
  const [d] = await dead('callback')
  assert.match(d.reason, /500/)
  assert.equal(d.event.type, 'gateway.workorder.note_added.v1')
  const before = plant.cmms.ledger.length
  const r = await cli(d.id)
  assert.equal(r.code, 0, r.err)
  assert.match(r.out, /queued/)
  await until('the post', () => plant.cmms.ledger.slice(before).some(p => p.event.id === d.event.id && p.status === 204))
  assert.deepEqual(await dead('callback'), [])
  const none = await cli('cb:999999')
  assert.equal(none.code, 1)
  assert.match(none.err, /no dead letter/)
})

test('many by filter: dry run, kind, user, reason, time; what may not be is told', async () => {
  await faults({error: {code: 131026}})
  const ours = [], others = []
  for (let i = 0; i < 70; i++) ours.push(await send(`many ${i}`))
  for (let i = 0; i < 5; i++) others.push(await send(`other ${i}`, {to: {user: 'u2'}}))
  await until('all to fail', async () => (await dead('message')).filter(d => /many|other/.test(d.message.text)).length === 75, 30000)
  await faults({})
  await giveUp(3)
  const dry = await replay({kind: 'message', user: 'u1', reason: '131026'}, '?dry_run=true')
  assert.equal(dry.status, 202, dry.text)
  assert.equal(dry.json.replayed, 0)
  const want = dry.json.matched
  assert.ok(want >= 70, dry.text)
  assert.deepEqual((await replay({kind: 'message', from: new Date(Date.now() + 60e3).toISOString()})).json.matched, 0)
  const r = await replay({kind: 'message', user: 'u1', reason: '131026'})
  assert.equal(r.json.replayed, want, r.text)
  await until('all to arrive', async () => (await plant.messages(ANA)).filter(m => m.text?.startsWith('many ')).length === 70, 20000)
  assert.equal((await dead('message')).filter(d => d.message.text.startsWith('other ')).length, 5)
  assert.equal((await dead('callback')).length, 3, 'another kind stays')
  await plant.inbound({from: JOHN, to: META.number, type: 'text', text: 'STOP ALL'})
  await until('John to be out', async () => (await plant.api('GET', '/api/v1/users/u2')).json.opted_out?.includes('all'))
  const all = await cli('--all')
  assert.equal(all.code, 1)
  assert.match(all.out, /, [56] failed/)
  assert.match(all.err, /opted out/)
  await until('the callbacks', async () => (await dead('callback')).length === 0)
  assert.equal(await arrived('other 0'), 0)
})

test('nobody is told again what he may not be told now', async () => {
  await plant.person('u3', '+12025550193')
  await faults({error: {code: 131026}})
  await plant.event('cmms.workorder.created.v1', {workorder: order(3, {assignees: [{id: 'u3'}]})})
  const d = await until('the dead letter', async () => (await dead('message')).find(one => one.message.to.user === 'u3' && one.message.work_order === 'WO-2024-003'))
  await faults({})
  const again = () => plant.api('POST', `/api/v1/dead_letters/${d.id}/replay`)
  const person = async body => assert.equal((await plant.api('PUT', '/api/v1/users/u3', body)).status, 200)
  for (const [now, why] of [[{opted_out: ['assignments']}, /opted out/], [{opted_out: []}, null],
    [{phone: '+12025550194'}, /not verified/], [{verified: true, phone: ''}, /no phone/]]) {
    await person(now)
    if (!why) continue
    const r = await again()
    assert.equal(r.status, 422, JSON.stringify(now) + r.text)
    assert.match(r.text, why)
  }
  await person({phone: '+12025550194', verified: true})
  const r = await again()
  assert.equal(r.status, 202, r.text)
})

test('many go again in their order', async () => {
  plant.cmms.answer = post => ({status: post.event.type === 'gateway.workorder.note_added.v1' ? 500 : 204})
  for (let i = 0; i < 4; i++) await plant.inbound({from: ANA, to: META.number, type: 'text', text: `NOTE 001 in order ${i}`})
  await until('dead letters', async () => (await dead('callback')).length === 4)
  plant.cmms.answer = () => ({status: 204})
  const before = plant.cmms.ledger.length
  const r = await replay({kind: 'callback', subject: 'WO-2024-001'})
  assert.equal(r.json.replayed, 4, r.text)
  const said = () => plant.cmms.ledger.slice(before).filter(p => p.event.type === 'gateway.workorder.note_added.v1')
  await until('the posts', () => said().length === 4)
  assert.deepEqual(said().map(p => p.event.data.text), [0, 1, 2, 3].map(i => `001 in order ${i}`))
})

test('a message of a broadcast is said again: then its person counts as reached', async () => {
  await faults({error: {code: 131026}})
  const b = await plant.api('POST', '/api/v1/broadcasts', {text: 'Drill at noon', audience: {users: ['u1']}})
  assert.equal(b.status, 202, b.text)
  const counts = async () => (await plant.api('GET', `/api/v1/broadcasts/${b.json.id}`)).json.counts
  await until('it to fail', async () => (await counts()).failed === 1)
  await faults({})
  const d = await until('the dead letter', async () => (await dead('message')).find(one => one.message.text?.includes('Drill at noon')))
  const r = await plant.api('POST', `/api/v1/dead_letters/${d.id}/replay`)
  assert.equal(r.status, 202, r.text)
  await until('its delivery', async () => ['delivered', 'read'].includes((await message(r.json.id)).state))
  const now = await counts()
  assert.deepEqual([now.total, now.queued, now.failed, now.delivered + now.read], [1, 0, 0, 1], JSON.stringify(now))
})

test('wrong filters are refused, and so is a replay of nothing', async () => {
  for (const wrong of [{knid: 'message'}, {kind: 'letters'}, {from: 'yesterday'}, {reason: 7}]) {
    const r = await replay(wrong)
    assert.equal(r.status, 422, JSON.stringify(wrong) + r.text)
    assert.ok(r.text.includes(Object.keys(wrong)[0]), r.text)
  }
  for (const wrong of [[], ['--kind', 'message'], ['--all', 'cb:1'], ['--all', '--since', 'soon'], ['a/b']]) {
    assert.equal((await cli(...wrong)).code, 64, wrong.join(' '))
  }
})

test('and the books balance', async () => {
  await plant.idle()
  const r = await plant.command('prove', '--config', plant.config)
  assert.equal(r.code, 0, r.out + r.err)
})

await run()
