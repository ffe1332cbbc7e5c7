#!/usr/bin/env node
// The main job, end to end, over both dialects: event -> phone -> tap, words -> reply -> CMMS.
import {createRequire} from 'node:module'
import {ANA, DUE_YEAR, JOHN, META, Plant, SIGNING, TWILIO, assert, call, order, run, test, until} from './lib.mjs'

const require = createRequire(new URL('../node/', import.meta.url))
const {Webhook} = require('standardwebhooks')
const {HTTP} = require('cloudevents')
const {validateRequest} = require('twilio')

const plant = await new Plant().start()

async function walk(id, phone, sender, n, provider) {
  await plant.person(id, phone, {language: 'en'}, sender)
  const o = order(n, {assignees: [{id}]})
  const r = await plant.event('cmms.workorder.created.v1', {workorder: o}, {subject: o.number})
  assert.equal(r.status, 202, r.text)
  assert.equal(r.json.results[0].status, 'accepted')
  const told = await plant.expect(phone, 'New Work Order Assigned')
  assert.equal(told.provider, provider)
  assert.match(told.text, new RegExp(o.number))
  assert.match(told.text, /Conveyor Belt A-01/)
  assert.match(told.text, new RegExp(`Dec 25, ${DUE_YEAR}`))
  assert.deepEqual(told.buttons.map(b => b.title), ['Start Work', 'View Details', 'Acknowledge'])
  await plant.inbound({from: phone, to: sender, type: 'button', button: {title: 'Start Work'}, quote: told.id})
  await plant.expect(phone, 'started')
  await plant.inbound({from: phone, to: sender, type: 'text', text: 'note bearing replaced'})
  await plant.expect(phone, 'Note added')
  await plant.inbound({from: phone, to: sender, type: 'text', text: 'complete'})
  await plant.expect(phone, 'completed')
  const mine = () => plant.cmms.taken().filter(e => e.subject === o.number)
  await until('three callbacks', () => mine().length >= 3)
  const [start, note, done] = mine()
  assert.equal(start.type, 'gateway.workorder.status_requested.v1')
  assert.deepEqual([start.data.to, start.data.from, start.data.via, start.data.expected_rev], ['in_progress', 'open', 'button', 1])
  assert.deepEqual(start.data.workorder, {id: o.id, number: o.number, rev: 1})
  assert.equal(note.type, 'gateway.workorder.note_added.v1')
  assert.equal(note.data.text, 'bearing replaced')
  assert.equal(done.data.to, 'completed')
  assert.equal(done.data.person.id, id)
}

test('meta: assigned, started by a tap, noted, completed; the CMMS has it all', () => walk('u1', ANA, META.number, 1, 'meta'))
test('twilio: the same over Content templates', () => walk('u2', JOHN, TWILIO.number, 2, 'twilio'))

test('callbacks are CloudEvents signed after Standard Webhooks (independent libraries agree)', () => {
  const verifier = new Webhook(SIGNING)
  assert.ok(plant.cmms.ledger.length >= 6)
  for (const post of plant.cmms.ledger) {
    verifier.verify(post.body, post.headers)
    const event = HTTP.toEvent({headers: post.headers, body: post.body})
    assert.ok(event.validate())
    assert.equal(event.source, '/gateway/acme')
    assert.equal(event.tenantid, 'acme')
    assert.equal(post.headers['webhook-id'], event.id)
  }
})

test('the outbox has the same events, gap-free, in the same bytes', async () => {
  const posts = [...plant.cmms.ledger], events = await plant.everything()
  events.forEach((e, i) => assert.equal(e.sequence, String(i + 1)))
  for (const post of posts) assert.deepEqual(events.find(e => e.id === post.event.id), post.event)
})

test('a message is delivered once: the phones have no message twice', async () => {
  const ids = (await plant.messages()).map(m => m.correlation?.split('.')[0]).filter(Boolean)
  assert.equal(new Set(ids).size, ids.length)
})

test('statuses come back: every message of ours is sent or better', async () => {
  await until('read', async () => {
    // The welcome went to somebody who had not written yet: outside the window, and it says so.
    const {items} = (await plant.api('GET', '/api/v1/messages?limit=500')).json
    const answers = items.filter(m => m.work_order)
    return answers.length > 0 && answers.every(m => ['sent', 'delivered', 'read'].includes(m.state))
  })
})

test('what a person said on Meta gets its blue ticks, behind the reply', async () => {
  const said = async phone => (await call('GET', `${plant.sandbox}/_sandbox/messages?direction=in&to=${encodeURIComponent(phone)}`)).json.items
  await until('blue ticks', async () => (await said(ANA)).at(-1)?.statuses.read)
  const [last, reply] = [(await said(ANA)).at(-1), (await plant.messages(ANA)).at(-1)]
  assert.ok(last.statuses.read >= reply.at_us, 'the reply went first')
  assert.ok((await said(JOHN)).every(m => !m.statuses.read), 'on Twilio it would show "typing" behind the reply')
})

test('twilio: a webhook signed by Twilio\'s own library is the one we take', async () => {
  const twilio = require('twilio')
  const url = `${plant.url}/api/whatsappwebhook/incoming`
  const params = {MessageSid: 'SM' + '1'.repeat(32), AccountSid: TWILIO.sid, From: `whatsapp:${JOHN}`, To: `whatsapp:${TWILIO.number}`,
    Body: 'STATUS', NumMedia: '0', ProfileName: 'John', WaId: JOHN.slice(1)}
  const signature = twilio.getExpectedTwilioSignature
    ? twilio.getExpectedTwilioSignature(TWILIO.token, url, params)
    : require('twilio/lib/webhooks/webhooks').getExpectedTwilioSignature(TWILIO.token, url, params)
  assert.ok(validateRequest(TWILIO.token, signature, url, params))
  const post = s => fetch(url, {method: 'POST', headers: {'X-Twilio-Signature': s, 'content-type': 'application/x-www-form-urlencoded'},
    body: new URLSearchParams(params)})
  const good = await post(signature)
  assert.equal(good.status, 200)
  assert.match(good.headers.get('content-type'), /text\/xml/)
  assert.match(await good.text(), /<Response\s*\/>/)
  assert.equal((await post('AAAA' + signature.slice(4))).status, 403)
  await plant.expect(JOHN, 'Assigned:')
})

test('a repeat of a webhook changes nothing', async () => {
  const before = (await plant.messages(JOHN)).length
  const twilio = require('twilio/lib/webhooks/webhooks')
  const url = `${plant.url}/api/whatsappwebhook/incoming`
  const params = {MessageSid: 'SM' + '1'.repeat(32), AccountSid: TWILIO.sid, From: `whatsapp:${JOHN}`, To: `whatsapp:${TWILIO.number}`,
    Body: 'STATUS', NumMedia: '0', ProfileName: 'John', WaId: JOHN.slice(1)}
  const r = await fetch(url, {method: 'POST', body: new URLSearchParams(params),
    headers: {'X-Twilio-Signature': twilio.getExpectedTwilioSignature(TWILIO.token, url, params)}})
  assert.equal(r.status, 200)
  await new Promise(done => setTimeout(done, 500))
  assert.equal((await plant.messages(JOHN)).length, before)
})

test('SIGTERM: the gateway drains and exits 0', async () => {
  const exit = await plant.stop()
  assert.equal(exit.code, 0)
})

await run()
