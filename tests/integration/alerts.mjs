#!/usr/bin/env node
// Critical alerts over real HTTP with both providers: told in the layout of the seed, responded to by word and by
// button, up the ladder in silence, raised by readings that cross a threshold, through a kill -9 in the middle.
import {META, Plant, TWILIO, assert, call, order, run, sleep, test, until} from './lib.mjs'

const NUMBERS = {meta: META.number, twilio: TWILIO.number}
const ALERT = {asset: {id: 'P-01', name: 'Pump Station P-01'}, severity: 'critical', text: 'Temperature exceeds 95°C threshold'}
const TITLE = '*CRITICAL EQUIPMENT ALERT*'

function suite(kind) {
  const plant = new Plant({meta: kind === 'meta', twilio: kind === 'twilio', tenant: {timezone: 'America/New_York',
    thresholds: [{id: 'pump-hot', metric: 'Temperature', asset: 'P-02', above: 95, hysteresis: 3, unit: '°C',
      ladder: [{to: {users: ['maria', 'john']}, wait_s: 600}]}, {id: 'burst', metric: 'Pressure', above: 1000}]},
  // What a killed gateway had in its hands goes on soon, behind the word of the provider.
  env: {CREWLINE_DELIVERY__LEASE_MS: '2000', CREWLINE_DELIVERY__UNCERTAIN_HOLD_MS: '5000', CREWLINE_DELIVERY__UNCERTAIN_HOLD_CRITICAL_MS: '5000'}})
  const to = NUMBERS[kind]
  const [maria, john, sue] = kind === 'meta' ? ['+12025552001', '+12025552002', '+12025552003']
    : ['+12025552011', '+12025552012', '+12025552013']
  const say = (from, text, quote) => plant.inbound({from, to, type: 'text', text, ...(quote ? {quote} : {})})
  const tap = (from, message, title) => {
    assert.ok(message.buttons?.some(b => b.title === title), `no [${title}] in ${JSON.stringify(message.buttons)}`)
    return plant.inbound({from, to, type: 'button', button: {title}, quote: message.id})
  }
  const tell = async (type, data, more) => {
    const r = await plant.event(type, data, more)
    assert.equal(r.status, 202, r.text)
    return r.json.results[0].status
  }
  const raise = (id, ladder, more) => tell('cmms.alert.raised.v1', {alert: {id, ...ALERT, ladder}}, more)
  const events = (type, id) => plant.cmms.taken().filter(e => e.type === `gateway.${type}.v1` && e.data.alert?.id === id)
  const event = (type, id) => until(`gateway.${type}.v1 of ${id}`, () => events(type, id)[0])
  const told = async (phone, text) => (await plant.messages(phone)).filter(m => m.text?.includes(text)).length
  // What is killed between a send and its record is in doubt, and holds up the person's next one: not what is tried here.
  const settled = user => until(`messages to ${user}`, async () => (await plant.api('GET', `/api/v1/messages?user=${user}&direction=out`))
    .json.items.every(m => !['queued', 'sending', 'uncertain'].includes(m.state)))
  const row = (name, fn) => test(`${kind}: ${name}`, fn)

  row('a plant with a crew', async () => {
    await plant.start()
    await plant.person('maria', maria, {name: 'Maria', supervisor: 'sue'}, to)
    await plant.person('john', john, {name: 'John'}, to)
    await plant.person('sue', sue, {name: 'Sue', roles: ['supervisor']}, to)
    await plant.event('cmms.person.upserted.v1', {person: {id: 'new', name: 'New', phone: '+12025552099'}})
  })

  row('Critical Alerts: the layout of the seed, RESPONDING in a word, who is late is told who has it', async () => {
    await raise('AL-1', [{to: {users: ['maria', 'john', 'new']}, wait_s: 600}], {time: '2024-12-22T19:30:00Z'})
    const m = await plant.expect(maria, TITLE), late = await plant.expect(john, TITLE)
    assert.equal(m.text.replaceAll('\u202f', ' '), `🚨 *CRITICAL EQUIPMENT ALERT*\n\n🏭 *Asset:* Pump Station P-01\n` +
      '⚠️ *Alert:* Temperature exceeds 95°C threshold\n🕐 *Time:* 2:30 PM, Dec 22, 2024\n\nImmediate attention required!\n\n' +
      'Reply with:\n• *RESPONDING* - On my way\n• *ESCALATE* - Need supervisor')
    assert.deepEqual(m.buttons.map(b => b.title), ['Responding', 'Escalate'])
    await say(maria, 'RESPONDING')
    await plant.expect(maria, 'Everybody knows')
    await plant.expect(john, '*Maria is responding*')
    const e = await event('alert.responded', 'AL-1')
    assert.equal(e.data.person.id, 'maria')
    assert.ok(e.data.after_ms > 0 && e.data.after_ms < 60000, JSON.stringify(e.data))
    assert.deepEqual(e.data.tried[0].told.map(p => p.id).sort(), ['john', 'maria'])
    assert.deepEqual(e.data.tried[0].not_told, [{id: 'new', name: 'New', reason: 'not verified'}])
    await tap(john, late, 'Responding')
    await plant.expect(john, 'Maria is responding to Pump Station P-01')
    assert.equal(events('alert.responded', 'AL-1').length, 1)
    const shown = (await plant.api('GET', '/api/v1/alerts/AL-1')).json
    assert.equal(shown.state, 'responded')
    assert.equal(shown.responders[0].after_ms, e.data.after_ms)
    const metrics = await call('GET', `${plant.url}/metrics`, {headers: {authorization: `Bearer ${plant.key}`}})
    assert.match(metrics.text, /crewline_alert_response_seconds_count 1\n/)
    await tell('cmms.alert.cleared.v1', {alert: {id: 'AL-1'}})
    await plant.expect(john, '*Alert cleared*')
    await plant.expect(maria, '*Alert cleared*')
    await say(john, 'RESPONDING', late.id)
    await plant.expect(john, 'Maria responded to it')
  })

  row('Critical Alerts: [Responding] by button; [Escalate] calls the supervisor with a reason', async () => {
    await raise('AL-2', [{to: {users: ['maria', 'john']}, wait_s: 600}, {to: {supervisors: true}, wait_s: 600}])
    const m = await plant.expect(maria, TITLE)
    await plant.expect(john, TITLE)
    await tap(maria, m, 'Escalate')
    const s = await plant.expect(sue, TITLE)
    assert.ok(s.text.includes('Maria asks for help'), s.text)
    const up = await event('workorder.escalated', 'AL-2')
    assert.equal(up.data.rung, 2)
    assert.equal(up.data.via, 'button')
    await tap(sue, s, 'Responding')
    await plant.expect(maria, '*Sue is responding*')
    assert.equal((await event('alert.responded', 'AL-2')).data.via, 'button')
    await tell('cmms.alert.cleared.v1', {alert: {id: 'AL-2'}})
    for (const phone of [maria, john, sue]) await plant.expect(phone, '*Alert cleared*')
  })

  row('silence goes up the ladder, through a kill -9, and ends in unanswered: each is told once', async () => {
    const before = await Promise.all([maria, john, sue].map(p => told(p, TITLE)))
    await raise('AL-3', [{to: {users: ['maria']}, wait_s: 2}, {to: {users: ['john']}, wait_s: 2}, {to: {users: ['sue']}, wait_s: 1}])
    await plant.expect(maria, TITLE)
    for (const user of ['maria', 'john', 'sue']) await settled(user)
    await plant.kill()
    await plant.startGateway()
    await plant.expect(john, 'Nobody has responded so far')
    await settled('john')
    await plant.kill()
    await sleep(2500) // the time of the second rung runs out while nobody is there
    await plant.startGateway()
    await plant.expect(sue, 'Nobody has responded so far')
    const e = await event('alert.unanswered', 'AL-3')
    assert.equal(e.data.tried.length, 3)
    assert.deepEqual(e.data.tried.map(t => t.told.map(p => p.id)), [['maria'], ['john'], ['sue']])
    assert.equal((await plant.api('GET', '/api/v1/alerts?state=unanswered')).json.items[0].id, 'AL-3')
    await sleep(500)
    const after = await Promise.all([maria, john, sue].map(p => told(p, TITLE)))
    assert.deepEqual(after, before.map(n => n + 1))
    assert.equal(events('alert.unanswered', 'AL-3').length, 1)
    assert.equal(events('workorder.escalated', 'AL-3').length, 2)
    await tell('cmms.alert.cleared.v1', {alert: {id: 'AL-3'}})
    await plant.expect(sue, '*Alert cleared*')
  })

  row('two alerts at once: a bare word is asked about; ESCALATE in reply to an order is for the order', async () => {
    await tell('cmms.workorder.created.v1', {workorder: order(1, {assignees: [{id: 'maria'}], status: 'in_progress'})})
    const o = await plant.expect(maria, 'New Work Order Assigned')
    await raise('AL-4', [{to: {users: ['maria']}, wait_s: 600}])
    await raise('AL-5', [{to: {users: ['maria']}, wait_s: 600}])
    await plant.expect(maria, TITLE)
    const second = await plant.expect(maria, TITLE)
    await say(maria, 'responding!')
    await plant.expect(maria, 'Which alert do you mean')
    await say(maria, 'ESCALATE', o.id)
    await plant.expect(maria, 'Work order WO-2024-001 escalated to Sue')
    await say(maria, 'on it', second.id)
    await plant.expect(maria, 'Everybody knows')
    const responses = () => events('alert.responded', 'AL-4').length + events('alert.responded', 'AL-5').length
    await until('one response', () => responses() === 1)
    for (const id of ['AL-4', 'AL-5']) await tell('cmms.alert.cleared.v1', {alert: {id}})
  })

  row('readings: crossing the threshold raises, the hysteresis clears, what is late or odd changes nothing', async () => {
    const now = Date.now(), reading = (value, ago) => ({reading: {asset: {id: 'P-02', name: 'Pump Station P-02'}, metric: 'Temperature',
      value, unit: '°C', at: new Date(now - ago * 1000).toISOString()}})
    assert.equal(await tell('cmms.condition.reading.v1', reading(94, 30)), 'accepted')
    await tell('cmms.condition.reading.v1', reading(97.5, 20))
    const m = await plant.expect(maria, 'Pump Station P-02')
    assert.ok(m.text.includes('Temperature exceeds 95°C threshold'), m.text)
    const e = await until('gateway.alert.raised.v1', () => plant.cmms.taken().find(x => x.type === 'gateway.alert.raised.v1'))
    assert.equal(e.data.reading.value, 97.5)
    assert.equal(e.data.alert.threshold, 95)
    assert.equal(await tell('cmms.condition.reading.v1', reading(60, 25)), 'duplicate')
    await tell('cmms.condition.reading.v1', reading(93, 10))
    await say(john, 'RESPONDING')
    await plant.expect(maria, '*John is responding*')
    assert.equal((await plant.api('GET', `/api/v1/alerts/${e.data.alert.id}`)).json.state, 'responded')
    await tell('cmms.condition.reading.v1', reading(92, 5))
    await plant.expect(maria, '*Alert cleared*')
    const odd = await plant.event('cmms.condition.reading.v1', reading(99, -3600))
    assert.equal(odd.status, 422, odd.text)
    assert.equal(odd.json.errors?.[0]?.member ?? odd.json.member, 'data.reading.at', odd.text)
  })

  row('a stream of readings within the levels writes no document, and an alert among them is told at once', async () => {
    const kept = Number(await plant.redis('ZCARD', '{acme}:yl')), began = Date.now()
    const batch = n => Array.from({length: 500}, (_, i) => ({specversion: '1.0', id: `s-${n}-${i}`, source: '/cmms/acme',
      type: 'cmms.condition.reading.v1', data: {reading: {asset: `M-${i % 50}`, metric: 'Pressure', value: i}}}))
    const post = async n => {
      const r = await plant.api('POST', '/api/v1/events', batch(n), {'content-type': 'application/cloudevents-batch+json'})
      assert.ok(r.json.results.every(x => x.status === 'accepted'), r.text.slice(0, 300))
    }
    const stream = (async () => { for (let n = 0; n < 6; n++) await post(n) })()
    await sleep(100)
    const raised = Date.now()
    await raise('AL-6', [{to: {users: ['sue']}, wait_s: 600}])
    await plant.expect(sue, TITLE)
    const after = Date.now() - raised
    await stream
    await until('the stream to be read', async () => !(await plant.redis('KEYS', '{acme}:i:*'))
      .split('\n').some(k => k && !k.includes(':y-')), 60000)
    console.log(`   3,000 readings in ${Date.now() - began} ms, the alert was told after ${after} ms`)
    assert.ok(after < 5000, `${after} ms`)
    assert.equal(Number(await plant.redis('ZCARD', '{acme}:yl')), kept + 1)
  })

  row('the books balance', async () => {
    await until('the books', async () => (await plant.command('prove', '--config', plant.config)).code === 0, 20000)
  })

  row('the plant stops', () => plant.stop())
}

suite('meta')
suite('twilio')
await run()
