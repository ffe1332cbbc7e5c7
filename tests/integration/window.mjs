#!/usr/bin/env node
// The 24-hour window, with both providers: outside it a message arrives as template, in another language where its
// own is rejected or paused, else as "reply to read it", and the real one follows the answer; or its wait ends.
import {META, Plant, TWILIO, assert, call, order, run, test, until} from './lib.mjs'

const NUMBERS = {meta: META.number, twilio: TWILIO.number}
const ASSIGNED = 'crewline_order_assigned', WAITING = 'crewline_message_waiting', TEST = 'crewline_test'

function suite(kind) {
  const plant = new Plant({meta: kind === 'meta', twilio: kind === 'twilio', phones: [
    {number: '+12025550151', name: 'Una', language: 'en'}, {number: '+12025550152', name: 'Dos', language: 'en'},
    {number: '+12025550153', name: 'Tri', language: 'en'}, {number: '+12025550154', name: 'Quatre', language: 'en'},
    {number: '+12025550155', name: 'Cinq', language: 'en'}]})
  const [una, dos, tri, quatre, cinq] = plant.o.phones.map(p => p.number)
  let n = 0

  // Under load it may say 503, and is asked again.
  const asked = at => until(at, async () => { const r = await plant.api('GET', at); return r.status !== 503 && r.json })
  const templates = async () => (await asked('/api/v1/templates?limit=500')).items
  const approvals = async name => (await asked(`/api/v1/templates/${name}`)).languages
    .map(l => ({language: l.language, ...l.approvals[0]}))
  const sync = async () => assert.equal((await plant.api('POST', '/api/v1/templates/sync')).status, 202)
  // What the provider decides: Meta tells by webhook, Twilio when it is asked.
  async function decide(name, status, languages) {
    for (const a of await approvals(name)) {
      if (languages && !languages.includes(a.language)) continue
      const [at, body] = kind === 'meta' ? ['template', {name, language: a.language, status: status.toUpperCase()}]
        : ['content', {sid: a.id, status}]
      assert.equal((await call('POST', `${plant.sandbox}/_sandbox/${at}`, {body})).status, 200)
    }
    if (kind === 'twilio') await sync()
    await until(`${name} to be ${status}`, async () => (await approvals(name))
      .every(a => (languages && !languages.includes(a.language)) || a.status === status))
  }
  // Somebody who holds his number and never wrote to us.
  async function stranger(id, phone) {
    const r = await plant.event('cmms.person.upserted.v1', {person: {id, name: id, phone, roles: ['technician'], language: 'en',
      verified: true}})
    assert.equal(r.json.results[0].status, 'accepted', r.text)
    await until(id, async () => (await plant.api('GET', `/api/v1/users/${id}`)).json?.verified)
  }
  const assign = id => plant.event('cmms.workorder.created.v1', {workorder: order(++n, {assignees: [{id}]})})
  const state = async id => (await plant.api('GET', `/api/v1/messages/${id}`)).json
  const text = async (user, words, more = {}) => {
    const r = await plant.api('POST', '/api/v1/messages', {to: {user}, kind: 'text', text: words, ...more})
    assert.equal(r.status, 202, r.text)
    return r.json.id
  }

  test(`${kind}: every template is registered, and approved after its review`, async () => {
    await plant.start()
    // The account has one of its own, which is known as soon as the gateway has asked.
    const ours = (await templates()).filter(t => t.built_in)
    assert.ok(ours.length > 0 && ours.every(t => t.languages.every(l => l.approvals[0].status === 'unregistered')))
    await sync()
    await until('the reviews', async () => {
      const all = (await templates()).filter(t => t.built_in).flatMap(t => t.languages)
      if (kind === 'twilio' && all.every(l => l.approvals[0].id)) await sync()
      return all.length >= 76 && all.every(l => l.approvals[0].status === 'approved')
    }, 60000)
  })

  test(`${kind}: check counts them`, async () => {
    const r = await plant.command('check', '--config', plant.config)
    assert.match(r.out, /^ok +acme templates +account \S+: (\d+) of \1 approved$/m, r.out)
  })

  test(`${kind}: an order for somebody who never wrote arrives as template, and its button works`, async () => {
    await stranger('una', una)
    await assign('una')
    const m = await plant.expect(una, 'Replace Motor Bearing')
    assert.ok(m.text.includes('WO-2024-001') && m.text.includes('Conveyor Belt A-01'), m.text)
    const log = (await plant.api('GET', '/api/v1/messages?user=una')).json.items
    await until('its timeline', async () => (await state(log.at(-1).id)).timeline
      .some(t => (t.detail ?? '').includes(`as template ${ASSIGNED} (en_US)`)))
    const button = m.buttons.find(b => /Acknowledge/.test(b.title))
    await plant.inbound({from: una, to: NUMBERS[kind], type: 'button', button: {title: button.title}, quote: m.id})
    await until('the acknowledgement', () => plant.cmms.taken().find(e => e.type === 'gateway.workorder.acknowledged.v1'))
  })

  test(`${kind}: a broadcast: inside the window the text, outside it the template; the dry run tells how many`, async () => {
    await stranger('cinq', cinq)
    const ask = {title: 'Fire drill', text: 'Leave hall B', priority: 'high', ask: 'safety', audience: {users: ['una', 'cinq']}}
    const dry = await plant.api('POST', '/api/v1/broadcasts?dry_run=true', ask)
    assert.deepEqual([dry.json.recipients, dry.json.session, dry.json.template], [2, 1, 1], dry.text)
    const r = await plant.api('POST', '/api/v1/broadcasts', ask)
    assert.equal(r.status, 202, r.text)
    const inside = await plant.expect(una, 'Leave hall B'), outside = await plant.expect(cinq, 'Leave hall B')
    assert.match(inside.text, /Fire drill\n\nLeave hall B\n\n.*safe\?.*\n\nPriority: HIGH$/)
    assert.doesNotMatch(outside.text, /Priority: HIGH/)
    assert.match(outside.text, /Fire drill/)
    assert.deepEqual(outside.buttons.map(b => b.title), inside.buttons.map(b => b.title))
    const rows = (await plant.api('GET', `/api/v1/broadcasts/${r.json.id}/recipients`)).json.items
    const form = async user => (await state(rows.find(x => x.user === user).message)).timeline.map(t => t.detail ?? '').find(d => d.startsWith('as template'))
    // It is on the phone before the gateway has heard so and written it down.
    assert.match(await until('the form of it', () => form('cinq')), /^as template crewline_broadcast/)
    assert.equal(await form('una'), undefined)
    for (const [phone, m, button] of [[una, inside, 1], [cinq, outside, 0]]) {
      await plant.inbound({from: phone, to: NUMBERS[kind], type: 'button', button: {title: m.buttons[button].title}, quote: m.id})
    }
    let b
    await until(() => JSON.stringify(b), async () => { b = (await plant.api('GET', `/api/v1/broadcasts/${r.json.id}`)).json; return b.state === 'closed' })
    assert.deepEqual([b.counts.total, b.counts.answered, b.counts.safe, b.counts.help, b.counts.failed], [2, 2, 1, 1, 0])
  })

  // Twilio finds out by its own clock; Meta would say so at once, but may also say it later.
  const refuseLater = () => kind === 'twilio' ? call('POST', `${plant.sandbox}/_sandbox/window`, {body: {phone: una, open: false}})
    : call('PUT', `${plant.sandbox}/_sandbox/faults`, {body: {fail_later: {next: 1, to: una, code: 131047}}})
  test(`${kind}: accepted as it is and refused by a status: it arrives as template, and the next one too`, async () => {
    await plant.idle() // no answer to her tap that would be refused instead
    assert.equal((await refuseLater()).status, 200)
    await assign('una')
    await until('the template', async () => (await plant.messages(una)).some(m => m.text.includes(`WO-2024-00${n}`)))
    const last = (await plant.api('GET', '/api/v1/messages?user=una')).json.items.find(m => m.work_order === `WO-2024-00${n}`)
    const end = await until('both steps', async () => { const m = await state(last.id); return /^(delivered|read)$/.test(m.state) && m })
    const steps = end.timeline.map(t => t.detail ?? '')
    const refused = steps.findIndex(d => /refused after it was accepted: (63016|131047)/.test(d))
    assert.ok(refused > 0 && steps.findIndex(d => d.includes(`as template ${ASSIGNED}`)) > refused, JSON.stringify(end.timeline))
    assert.equal(end.possible_duplicate, undefined)
    await assign('una')
    await until('the next', async () => (await plant.messages(una)).some(m => m.text.includes(`WO-2024-00${n}`)))
    const next = (await plant.api('GET', '/api/v1/messages?user=una')).json.items.find(m => m.work_order === `WO-2024-00${n}`)
    assert.equal((await state(next.id)).attempts, 1, 'the window is shut: nothing goes as it is')
  })

  test(`${kind}: rejected in his language: another one of it`, async () => {
    await stranger('dos', dos)
    await decide(ASSIGNED, 'rejected', ['en_US', 'ar', 'hi'])
    await assign('dos')
    const m = await plant.expect(dos, 'Replace Motor Bearing')
    assert.match(m.text, /orden|Orden/)
  })

  test(`${kind}: no language is left: "reply to read it", and the answer brings it`, async () => {
    await stranger('tri', tri)
    await decide(ASSIGNED, 'paused', ['es', 'fr', 'pt_BR'])
    await assign('tri')
    const asked = await plant.expect(tri, 'You have a message about')
    assert.ok(asked.text.includes(`WO-2024-00${n}`), asked.text)
    const later = await text('tri', 'And bring the long ladder.')
    await until('the second to wait', async () => (await state(later)).timeline.some(t => /held/.test(t.detail ?? '')))
    assert.equal((await plant.messages(tri)).length, 1, 'asked once')
    await plant.inbound({from: tri, to: NUMBERS[kind], type: 'button', button: {title: asked.buttons[0].title}, quote: asked.id})
    await until('both', async () => {
      const said = (await plant.messages(tri)).map(m => m.text)
      return said.some(t => t.includes('Replace Motor Bearing')) && said.includes('And bring the long ladder.')
    })
    assert.equal((await plant.messages(tri)).length, 3, 'what waited is the whole answer')
    await plant.inbound({from: tri, to: NUMBERS[kind], type: 'button', button: {title: asked.buttons[0].title}, quote: asked.id})
    await until('the order, when nothing waits', async () => (await plant.messages(tri)).length === 4)
  })

  test(`${kind}: nobody answers: it expires, and the CMMS is told`, async () => {
    await stranger('quatre', quatre)
    let id, asked, moment = 750
    do { // too late to be asked for at all: a longer moment
      id = await text('quatre', 'Only good for a moment', {expires_at: new Date(Date.now() + (moment *= 2)).toISOString()})
      await until('him to be asked, or its end', async () => {
        asked = (await plant.messages(quatre)).some(m => m.text.includes('You have a message about'))
        return asked || (await state(id)).state === 'expired'
      })
    } while (!asked)
    await until('its end', async () => (await state(id)).state === 'expired', 20000)
    await until('the event', () => plant.cmms.taken().find(e => e.type === 'gateway.message.status_changed.v1' &&
      e.data.message.id === id && e.data.message.state === 'expired'))
  })

  test(`${kind}: send-test outside the window goes by the test template`, async () => {
    const r = await plant.api('POST', '/api/whatsapp/send-test', {to: quatre, message: 'hello'})
    assert.equal(r.status, 202)
    const m = await plant.expect(quatre, 'This is a test message from Acme Plant')
    assert.ok(m)
  })

  test(`${kind}: nothing at all is approved: it fails, and says why`, async () => {
    await decide(WAITING, 'paused')
    await decide(TEST, 'disabled')
    const id = await text('quatre', 'hello')
    const end = await until('its end', async () => { const m = await state(id); return m.state === 'failed' && m })
    assert.match(JSON.stringify(end.timeline.at(-1)), /24-hour window/)
    const r = await plant.api('POST', '/api/whatsapp/send-test', {to: quatre})
    await until('the end of the test', async () => (await state(r.json.id)).state === 'failed')
    assert.equal((await plant.messages(quatre)).length, 2, 'nothing was sent that comes back as an error')
  })

  test(`${kind}: a template of the operator: made, approved, sent by its name, deleted`, async () => {
    const made = await plant.api('POST', '/api/v1/templates', {name: 'pump_report', language: 'en_US', category: 'UTILITY',
      body: 'Pump {{1}} runs again since {{2}} today.', examples: ['P-7', '10:40']})
    assert.equal(made.status, 201, made.text)
    await until('its review', async () => {
      if (kind === 'twilio' && (await approvals('pump_report'))[0].id) await sync()
      return (await approvals('pump_report'))[0].status === 'approved'
    }, 30000)
    const r = await plant.api('POST', '/api/v1/messages', {to: {user: 'quatre'}, kind: 'template',
      template: {name: 'pump_report', language: 'en_US', params: ['P-7', '10:40']}})
    assert.equal(r.status, 202, r.text)
    await plant.expect(quatre, 'Pump P-7 runs again since 10:40 today.')
    assert.equal((await plant.api('DELETE', '/api/v1/templates/pump_report')).status, 204)
    await until('it to be gone', async () => (await plant.api('GET', '/api/v1/templates/pump_report')).status === 404, 30000)
    assert.equal((await plant.stop()).code, 0)
  })
}

suite('meta')
suite('twilio')
await run()
