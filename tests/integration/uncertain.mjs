#!/usr/bin/env node
// Providers that accept a message and hide their answer in six ways. Without statuses each such attempt may
// be handed over once more, up to max_sends, and is marked; with statuses, and for Twilio with its list of
// messages, nobody gets anything twice. And what Twilio gave up while the gateway was down is pulled.
import {ANA, JOHN, MARIA, META, OMAR, PRIYA, Plant, TWILIO, assert, call, order, run, sleep, test, until} from './lib.mjs'

const HIDDEN = ['accept_then_timeout', 'accept_then_reset', 'half_answer', 'accept_then_5xx', 'accept_then_empty',
  'accept_then_close_reused']
const MANY = Number(process.env.MANY ?? 12)
const TIME = 500, HOLD = 1200 // ms, of a send and of one whose end nobody knows

const plant = await new Plant({sandbox: ['--window-open', '--sent-ms', '100', '--delivered-ms', '200', '--read-ms', '300'],
  env: {CREWLINE_DELIVERY__UNCERTAIN_HOLD_MS: String(HOLD), CREWLINE_DELIVERY__UNCERTAIN_HOLD_CRITICAL_MS: '800',
    CREWLINE_DELIVERY__SEND_TIMEOUT_MS: String(TIME), CREWLINE_DELIVERY__LEASE_MS: '5000'}}).start()
for (const [id, phone] of [['u1', ANA], ['u2', JOHN], ['u3', PRIYA], ['u4', OMAR], ['u5', MARIA]]) await plant.person(id, phone)
for (const phone of [ANA, JOHN]) await plant.inbound({from: phone, to: TWILIO.number, type: 'text', text: 'Hello'})
await plant.idle() // the faults meet only what is sent for them

const faults = async f => {
  const r = await call('PUT', `${plant.sandbox}/_sandbox/faults`, {body: f})
  assert.equal(r.status, 200, r.text)
}
const hits = async kind => (await call('GET', `${plant.sandbox}/_sandbox/faults`)).json[kind]?.[0]?.hits ?? 0

let serial = 0
async function send(more = {}) {
  const text = `message ${++serial} end`
  const r = await plant.api('POST', '/api/v1/messages', {to: {user: `u${1 + serial % 5}`}, kind: 'text', text, sender: 'meta', ...more})
  assert.equal(r.status, 202, r.text)
  return {id: r.json.id, text}
}
const message = async id => (await plant.api('GET', `/api/v1/messages/${id}`)).json
const arrived = async text => (await plant.messages()).filter(m => m.text === text).length
async function settled(all) {
  for (const m of all) {
    await until(async () => `${m.text}: ${JSON.stringify(await message(m.id))}`, async () => {
      const now = await message(m.id)
      // "uncertain" is an end only with its reason.
      return ['sent', 'delivered', 'read', 'failed'].includes(now.state) || (now.state === 'uncertain' && now.error)
    }, 30000)
  }
}

for (const kind of HIDDEN) {
  test(`${kind}, no statuses: handed over once more for each, marked, never more than max_sends`, async () => {
    await faults({[kind]: {probability: 0.5}, no_statuses: true, seed: 11})
    const all = await Promise.all(Array.from({length: MANY}, () => send()))
    await settled(all)
    const ambiguous = await hits(kind)
    let unsure = 0, slow = 0 // attempts without an answer; those of them that took their whole time, perhaps by no fault
    for (const m of all) {
      const now = await message(m.id), n = await arrived(m.text)
      assert.ok(n >= 1 && n <= 2, `${m.text} arrived ${n} times`)
      assert.equal(now.possible_duplicate ?? false, n > 1, JSON.stringify(now))
      assert.equal(now.attempts, n, JSON.stringify(now))
      assert.equal(now.timeline.filter(l => l.detail?.startsWith('attempt ')).length, n, JSON.stringify(now.timeline))
      assert.equal(now.state === 'uncertain' ? 2 : n, n, 'uncertain only after both')
      const took = now.timeline.map((l, i) => i > 0 && Date.parse(l.at) - Date.parse(now.timeline[i - 1].at))
      const first = took.filter((_, i) => now.timeline[i].detail === 'no answer; a status settles it')
      assert.equal(first.length, n - 1, `each repeat has its attempt without an answer: ${JSON.stringify(now.timeline)}`)
      unsure += n - 1 + (now.state === 'uncertain' ? 1 : 0) // the second one stands there when its hold is over
      slow += first.filter(ms => ms >= TIME).length + (now.state === 'uncertain' && took.at(-1) >= HOLD + TIME ? 1 : 0)
    }
    assert.ok(ambiguous > 0, 'the fault was met')
    assert.ok(ambiguous <= unsure && unsure - slow <= ambiguous, `${unsure} without an answer, ${slow} of them slow, ${ambiguous} hidden`)
  })

  test(`${kind}, with statuses: nobody gets anything twice`, async () => {
    await faults({[kind]: {probability: 0.5}, seed: 12, double_statuses: true, swap_statuses: {probability: 0.5}})
    const all = await Promise.all(Array.from({length: MANY}, () => send()))
    await settled(all)
    await sleep(1300)
    for (const m of all) {
      const now = await message(m.id)
      assert.equal(await arrived(m.text), 1, JSON.stringify(now))
      assert.equal(now.possible_duplicate, undefined, JSON.stringify(now))
    }
  })
}

test('critical: at most three hand-overs; a verification code would be one', async () => {
  await faults({accept_then_reset: true, no_statuses: true})
  const m = await send({priority: 'critical'})
  await until('its end', async () => (await message(m.id)).error, 20000)
  const now = await message(m.id)
  assert.equal(now.state, 'uncertain')
  assert.equal(now.attempts, 3)
  assert.equal(await arrived(m.text), 3)
  assert.match(now.error.title, /not known/)
})

test('Twilio without statuses: its list of messages tells, nobody gets anything twice', async () => {
  await faults({accept_then_reset: {provider: 'twilio', probability: 0.6}, no_statuses: true, seed: 5})
  const all = []
  for (let i = 0; i < 6; i++) {
    const m = await send({sender: 'twilio', to: {user: i % 2 ? 'u1' : 'u2'}})
    all.push(m)
  }
  await settled(all)
  assert.ok(await hits('accept_then_reset') > 0)
  for (const m of all) {
    const now = await message(m.id)
    assert.equal(now.state, 'sent', JSON.stringify(now))
    assert.equal(await arrived(m.text), 1, JSON.stringify(now))
    assert.equal(now.attempts, 1)
  }
  assert.ok((await Promise.all(all.map(m => message(m.id)))).some(m => m.timeline.some(l => l.detail === "found in the provider's list")))
})

test('Twilio refused the connection before it accepted: the list does not have it, it is sent', async () => {
  await faults({reset: {provider: 'twilio', next: 1}})
  const m = await send({sender: 'twilio', to: {user: 'u1'}})
  await settled([m])
  assert.equal(await arrived(m.text), 1)
})

test('what people wrote to Twilio while the gateway was down is carried out once after the start', async () => {
  await faults({})
  await plant.event('cmms.workorder.created.v1', {workorder: order(7, {assignees: [{id: 'u1'}]})})
  await plant.expect(ANA, 'WO-2024-007')
  const before = (await plant.everything()).length
  await plant.kill()
  await plant.inbound({from: ANA, to: TWILIO.number, type: 'text', text: 'ACK 007'})
  await plant.inbound({from: ANA, to: TWILIO.number, type: 'text', text: 'NOTE said while nobody listened'})
  await sleep(300)
  await plant.startGateway()
  const fresh = () => plant.everything().then(all => all.slice(before))
  await until('the note', async () => (await fresh()).some(e => e.data.text === 'said while nobody listened'), 20000)
  const types = (await fresh()).map(e => e.type).filter(t => t.startsWith('gateway.workorder.'))
  assert.deepEqual(types.sort(), ['gateway.workorder.acknowledged.v1', 'gateway.workorder.note_added.v1'])
  await plant.kill()
  await plant.startGateway()
  await sleep(1500)
  assert.equal((await fresh()).filter(e => e.data.text === 'said while nobody listened').length, 1, 'not again at the next start')
})

await run()
