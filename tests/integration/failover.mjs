#!/usr/bin/env node
// Two senders. Meta's token dies: its messages go by Twilio within seconds, in order, and by Meta again when that goes
// on; nothing is lost or doubled. A critical message that is not delivered in time: by Twilio, then by SMS; all steps on
// the timelines; a gateway killed between the steps goes on.
import {ANA, JOHN, META, PRIYA, Plant, TWILIO, assert, call, run, sleep, test, until} from './lib.mjs'

const SMS = '+12025550188'
const LEASE_MS = 4000, AFTER_MS = 2000, HOLD_MS = 6000
// A critical message goes on this long after its gateway died, however it died (domain/failover.h), and 5 s for a slow machine.
const ON_MS = LEASE_MS + AFTER_MS + 5000
const MANY = Number(process.env.MANY ?? 40)

const plant = await new Plant({
  env: {CREWLINE_DELIVERY__UNCERTAIN_HOLD_MS: '1000', CREWLINE_DELIVERY__UNCERTAIN_HOLD_CRITICAL_MS: String(HOLD_MS), CREWLINE_DELIVERY__LEASE_MS: String(LEASE_MS)},
  sandbox: ['--sent-ms', '50', '--delivered-ms', '100', '--read-ms', '150'],
  twilioSender: {sms_from: SMS, numbered_options: true},
  tenant: {failover: {paused_after_ms: 1000, critical_after_ms: AFTER_MS}, channels: {updates: ['whatsapp', 'sms']}}}).start()
for (const [id, phone] of [['u1', ANA], ['u2', JOHN], ['u3', PRIYA]]) await plant.person(id, phone)
async function greetTwilio() { // their newest word is to that number, and it is answered
  for (const phone of [ANA, JOHN]) {
    const from = (await plant.messages()).at(-1)?.seq ?? 0
    await plant.inbound({from: phone, to: TWILIO.number, type: 'text', text: 'Hello'})
    await until('the answer to Hello', async () => (await plant.messages(phone, from)).some(m => m.provider === 'twilio'))
  }
}
await greetTwilio()

const faults = async f => {
  const r = await call('PUT', `${plant.sandbox}/_sandbox/faults`, {body: f})
  assert.equal(r.status, 200, r.text)
}
let serial = 0
async function send(more = {}) {
  const text = `message ${++serial} end`
  const r = await plant.api('POST', '/api/v1/messages', {to: {user: 'u1'}, kind: 'text', text, sender: 'meta', ...more})
  assert.equal(r.status, 202, r.text)
  return {id: r.json.id, text}
}
const message = async id => (await plant.api('GET', `/api/v1/messages/${id}`)).json
const arrived = async text => (await plant.messages()).filter(m => m.text?.includes(text))
const done = async m => ['sent', 'delivered', 'read'].includes((await message(m.id)).state)
const details = async id => (await message(id)).timeline.map(l => l.detail ?? '')
const sender = async id => (await plant.api('GET', '/api/v1/senders')).json.items.find(s => s.id === id)
const resume = async id => assert.equal((await plant.api('POST', `/api/v1/senders/${id}/resume`)).status, 200)

test("Meta's token dies: by Twilio within seconds, in order; it is mended: by Meta again", async () => {
  const all = []
  for (let i = 0; i < MANY; i++) all.push(await send())
  await until('the first', () => done(all[4]))
  await faults({error: {provider: 'meta', code: 190, status: 401}})
  for (let i = 0; i < MANY; i++) all.push(await send())
  const from = Date.now()
  await until(async () => `paused: ${JSON.stringify(await sender('meta'))}`, async () => (await sender('meta')).state === 'paused')
  await until('all of them', () => done(all.at(-1)), 20000)
  const took = Date.now() - from
  await faults({})
  await resume('meta')
  for (let i = 0; i < MANY; i++) all.push(await send())
  await until('the rest', () => done(all.at(-1)), 20000)
  const log = (await plant.messages(ANA)).filter(m => m.text.startsWith('message '))
  assert.deepEqual(log.map(m => m.text), all.map(m => m.text), 'in order, each once')
  const by = all.map((m, i) => log[i].provider)
  assert.ok(by.slice(0, 5).every(p => p === 'meta'))
  assert.ok(by.slice(MANY, 2 * MANY).filter(p => p === 'twilio').length > MANY / 2, by.join(' '))
  assert.ok(by.slice(2 * MANY).every(p => p === 'meta'), by.join(' '))
  assert.ok(by.slice(by.indexOf('twilio'), by.lastIndexOf('twilio') + 1).every(p => p === 'twilio'), 'one change over')
  assert.ok((await details(all[2 * MANY - 1].id)).some(d => /^attempt \d by twilio, because meta is paused$/.test(d)))
  assert.equal((await message(all[2 * MANY - 1].id)).attempts, 1)
  assert.ok(took < 8000, `${took} ms`)
})

test('killed while Twilio speaks for Meta: nothing is lost, nothing twice, still in order', async () => {
  await faults({error: {provider: 'meta', code: 190, status: 401}})
  const all = []
  for (let i = 0; i < MANY; i++) all.push(await send())
  await until('some by Twilio', async () => (await arrived(all[3].text)).length === 1, 15000)
  await plant.kill()
  await plant.startGateway()
  await until(async () => `all of them: ${JSON.stringify(await message(all.at(-1).id))}`, () => done(all.at(-1)), 30000)
  const texts = new Set(all.map(m => m.text))
  const log = (await plant.messages(ANA)).filter(m => texts.has(m.text))
  assert.deepEqual(log.map(m => m.text), all.map(m => m.text))
  await faults({})
  await resume('meta')
})

test('meanwhile he writes to Twilio: he is heard there, and answered', async () => {
  await faults({error: {provider: 'meta', code: 190, status: 401}})
  const m = await send()
  await until('by Twilio', () => done(m))
  plant.seen = new Map([[ANA, (await plant.messages(ANA)).at(-1).seq]])
  await plant.inbound({from: ANA, to: TWILIO.number, type: 'text', text: 'help'})
  await plant.expect(ANA, x => x.provider === 'twilio' && !x.text.startsWith('message '), 'the answer')
  await faults({})
  await resume('meta')
})

test('outside the window of the other number: it waits for Meta, and is not lost', async () => {
  await faults({error: {provider: 'meta', code: 190, status: 401}})
  const m = await send({to: {user: 'u3'}})
  await until('its wait', async () => (await details(m.id)).some(d => d.includes('it waits for meta')), 15000)
  assert.equal((await arrived(m.text)).length, 0)
  await faults({})
  await resume('meta')
  await until('by Meta', () => done(m), 20000)
  assert.deepEqual((await arrived(m.text)).map(x => x.provider), ['meta'])
})

async function chain(m) { // the messages that say it, from the first on
  const all = [m.id]
  for (;;) {
    const next = (await details(all.at(-1))).map(d => /said again .* as (\S+)$/.exec(d)?.[1]).find(Boolean)
    if (!next) return all
    all.push(next)
  }
}

test('critical, not delivered: by Twilio, then by SMS; the timelines tell', async () => {
  await faults({no_statuses: true})
  const m = await send({priority: 'critical'})
  await until('the SMS', async () => (await arrived(m.text)).length === 3, 15000)
  const said = await arrived(m.text)
  assert.deepEqual(said.map(x => [x.provider, x.channel]), [['meta', 'whatsapp'], ['twilio', 'whatsapp'], ['twilio', 'sms']])
  assert.equal(said[2].number_e164, SMS)
  assert.match(said[2].text, new RegExp(`^${m.text}\nPlease answer on WhatsApp: \\+`))
  assert.ok(said[1].at_us - said[0].at_us >= 1.9e6 && said[2].at_us - said[1].at_us >= 1.9e6, 'each after its time')
  const ids = await chain(m)
  assert.equal(ids.length, 3)
  assert.ok((await details(ids[0])).some(d => /^not delivered in 2 s: said again by twilio as /.test(d)))
  assert.ok((await details(ids[1])).some(d => /^not delivered in 2 s: said again by SMS \(twilio\) as /.test(d)))
  assert.ok((await details(ids[1])).includes(`by twilio instead of ${ids[0]}: not delivered in 2 s`))
  const last = await message(ids[2])
  assert.equal(last.channel, 'sms')
  assert.equal(last.instead_of, ids[1])
  assert.equal((await message(m.id)).said_again_as, ids[1])
  await faults({})
  await sleep(2500)
  assert.equal((await arrived(m.text)).length, 3, 'and no more')
})

test('critical, delivered: once', async () => {
  const m = await until('one that is heard of in time', async () => {
    const m = await send({priority: 'critical'})
    await until('delivery', async () => ['delivered', 'read'].includes((await message(m.id)).state))
    return Date.now() < (await arrived(m.text))[0].at_us / 1000 + AFTER_MS && m
  })
  await sleep(3000)
  assert.equal((await arrived(m.text)).length, 1)
})

test('critical, refused at once: the next way at once', async () => {
  await faults({error: {provider: 'meta', code: 131026, status: 400}})
  const m = await send({priority: 'critical'})
  await until('by Twilio', async () => (await arrived(m.text)).length === 1)
  const {state, timeline} = await message(m.id), words = timeline.map(l => l.detail ?? '')
  assert.equal(state, 'failed')
  assert.ok(words.some(d => /^failed: said again by twilio as /.test(d)), `not for its time: ${JSON.stringify(timeline)}`)
  const at = what => Date.parse(timeline.find(what).at)
  assert.ok(at(l => l.detail?.startsWith('failed: said again')) - at(l => l.state === 'failed') < 1900, 'at once')
  await faults({})
})

test('critical, refused by both: by SMS at once, whose delivery is heard; it opens no window', async () => {
  await faults({error: [{provider: 'meta', code: 131026, status: 400}, {provider: 'twilio', code: 63024, status: 400, next: 1}]})
  const window = await plant.redis('HGET', '{acme}:w:twilio', 'u2')
  const m = await send({priority: 'critical', to: {user: 'u2'}})
  await until('the SMS', async () => (await arrived(m.text)).length === 1, 6000)
  assert.equal((await arrived(m.text))[0].channel, 'sms')
  const last = (await chain(m)).at(-1)
  await until('its delivery', async () => (await message(last)).state === 'delivered')
  assert.equal(await plant.redis('HGET', '{acme}:w:twilio', 'u2'), window)
  await faults({})
})

async function broadcast(body) {
  const r = await plant.api('POST', '/api/v1/broadcasts', {text: `to all ${++serial} end`, audience: {users: ['u1', 'u2']}, ...body})
  assert.equal(r.status, 202, r.text)
  return {id: r.json.id, text: `to all ${serial} end`}
}
const counts = async b => (await plant.api('GET', `/api/v1/broadcasts/${b.id}`)).json.counts
const recipients = async b => (await plant.api('GET', `/api/v1/broadcasts/${b.id}/recipients`)).json.items

test('a critical broadcast said again: each person counts once, by what reached him; an answer to the copy counts', async () => {
  await greetTwilio()
  await faults({no_statuses: {provider: 'twilio'}})
  const b = await broadcast({priority: 'critical', ask: 'safety'})
  let n
  await until(async () => `the copies: ${JSON.stringify(n)}`, async () => { n = await counts(b); return n.read === 2 })
  assert.deepEqual((await arrived(b.text)).map(x => x.provider).sort(), ['meta', 'meta', 'twilio', 'twilio'])
  assert.deepEqual([n.total, n.queued, n.sent, n.delivered, n.failed, n.silent], [2, 0, 0, 0, 0, 2])
  for (const row of await recipients(b)) {
    assert.equal(row.state, 'read')
    assert.equal((await message(row.message)).sender, 'meta')
    assert.ok((await message(row.message)).instead_of)
  }
  const copy = async phone => (await arrived(b.text)).find(x => x.provider === 'meta' && x.to === phone).id
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'safe', quote: await copy(ANA)})
  await plant.inbound({from: JOHN, to: META.number, type: 'button', button: {title: 'I need help'}, quote: await copy(JOHN)})
  await until(async () => `the answers: ${JSON.stringify(n)}`, async () => { n = await counts(b); return n.answered === 2 })
  assert.deepEqual([n.safe, n.help, n.silent], [1, 1, 0])
  await sleep(2500)
  assert.equal((await arrived(b.text)).length, 4, 'and no more')
  await until('its end', async () => (await plant.api('GET', `/api/v1/broadcasts/${b.id}`)).json.state === 'closed')
  await faults({})
})

test('a cancelled broadcast is not said again, by nobody', async () => {
  await faults({no_statuses: true})
  const b = await broadcast({priority: 'critical'})
  await until('the first way', async () => (await arrived(b.text)).length === 2)
  assert.equal((await plant.api('POST', `/api/v1/broadcasts/${b.id}/cancel`)).status, 200)
  await sleep(3500)
  assert.equal((await arrived(b.text)).length, 2)
  const n = await counts(b)
  assert.deepEqual([n.sent, n.cancelled, n.queued], [2, 0, 0])
  await faults({})
})

test('who was not reached by a broadcast and is replayed counts as reached; not after a cancel', async () => {
  const replay = async b => {
    const row = (await recipients(b)).find(x => x.state === 'failed')
    return plant.api('POST', `/api/v1/dead_letters/out:${row.message}/replay`)
  }
  await greetTwilio()
  await faults({error: {provider: 'twilio', code: 63024, status: 400, next: 2, to: ANA}})
  const b = await broadcast({}), c = await broadcast({ask: 'ack', send_at: new Date(Date.now() + 500).toISOString()})
  await until('one failed', async () => (await counts(b)).failed === 1)
  await until('the other', async () => (await counts(c)).failed === 1)
  assert.equal((await replay(b)).status, 202)
  let n
  await until(async () => `replayed: ${JSON.stringify(n)}`, async () => { n = await counts(b); return n.read === 2 })
  assert.deepEqual([n.total, n.failed], [2, 0])
  assert.ok((await recipients(b)).every(x => x.state === 'read'))
  const x = await plant.api('POST', `/api/v1/broadcasts/${c.id}/cancel`)
  assert.equal(x.json.state, 'cancelled', x.text)
  const late = await replay(c)
  assert.equal(late.status, 409, late.text)
  assert.match(late.json.detail, /its broadcast was cancelled/)
  await faults({})
})

test('killed between the steps: the next gateway goes on, nothing twice', async () => {
  await faults({no_statuses: true})
  const m = await send({priority: 'critical'})
  await until('by Meta', async () => (await arrived(m.text)).length === 1)
  await plant.kill()
  await plant.startGateway()
  await until('by Twilio', async () => (await arrived(m.text)).length === 2, 15000)
  await plant.kill()
  await plant.startGateway()
  await until('the SMS', async () => (await arrived(m.text)).length === 3, ON_MS)
  await sleep(3000)
  assert.deepEqual((await arrived(m.text)).map(x => x.channel), ['whatsapp', 'whatsapp', 'sms'])
  await faults({})
})

test('killed while a provider has it and has not answered: on after lease and time, nothing twice', async () => {
  await faults({no_statuses: true, accept_then_timeout: {next: 2}})
  const m = await send({priority: 'critical'})
  for (const way of [1, 2]) {
    await until(`way ${way}`, async () => (await arrived(m.text)).length === way, ON_MS)
    await plant.kill()
    await plant.startGateway()
  }
  await until('the SMS', async () => (await arrived(m.text)).length === 3, ON_MS)
  await faults({no_statuses: true})
  await sleep(HOLD_MS + 2000)
  assert.deepEqual((await arrived(m.text)).map(x => [x.provider, x.channel]), [['meta', 'whatsapp'], ['twilio', 'whatsapp'], ['twilio', 'sms']])
  const ids = await chain(m)
  assert.equal((await message(ids[0])).state, 'uncertain', 'Meta has no list to look it up in')
  await until('what Twilio has', async () => (await message(ids[1])).state === 'sent')
  await faults({})
})

test('and the books balance', async () => {
  const r = await plant.command('prove', '--config', plant.config)
  assert.equal(r.code, 0, r.out + r.err)
})

await run()
await plant.stop()
