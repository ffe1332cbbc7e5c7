#!/usr/bin/env node
// Broadcasts, end to end over both dialects: who is meant, what he reads, how it stands, how it is stopped.
import {ANA, JOHN, MARIA, META, OMAR, PRIYA, Plant, TWILIO, assert, run, sleep, test, until} from './lib.mjs'

// People inside the window without a word of theirs: imported as verified, then each says hello.
const crowd = Array.from({length: 60}, (_, i) => ({number: `+1202556${String(1000 + i)}`, name: `P${i}`, language: 'en'}))
async function gather(p) {
  const rows = crowd.map((c, i) => ({id: `p${i}`, name: c.name, phone: c.number, roles: ['technician'], verified: true}))
  const r = await p.api('POST', '/api/v1/users/import', rows)
  assert.equal(r.json.created, crowd.length, r.text)
  for (const c of crowd) await p.inbound({from: c.number, to: META.number, type: 'text', text: 'Hi'})
  await until('all are answered', async () => new Set((await p.messages()).map(m => m.to)).size === crowd.length, 30000)
}

const plant = await new Plant({tenant: {broadcast_confirm_above: 3}}).start()
await plant.person('ana', ANA, {language: 'es', teams: ['mech'], site: 'a'})
await plant.person('john', JOHN, {language: 'en', teams: ['elec'], site: 'a', roles: ['supervisor']}, TWILIO.number)
await plant.person('priya', PRIYA, {language: 'hi', teams: ['mech'], site: 'b'})
await plant.event('cmms.person.upserted.v1', {person: {id: 'ghost', name: 'Ghost', phone: OMAR, roles: ['technician'], teams: ['mech']}})
await until('ghost', async () => (await plant.api('GET', '/api/v1/users/ghost')).status === 200)

const at = '/api/v1/broadcasts'
const send = (body, query = '', headers) => plant.api('POST', at + query, body, headers)
const get = async id => (await plant.api('GET', `${at}/${id}`)).json
const when = (id, fits, ms) => {
  let b
  return until(() => `broadcast ${JSON.stringify(b)}`, async () => { b = await get(id); return fits(b) && b }, ms)
}
const people = async (id, query = '') => (await plant.api('GET', `${at}/${id}/recipients${query}`)).json.items
const accepted = async body => {
  const r = await send(body)
  assert.equal(r.status, 202, r.text)
  return r.json
}

test('everybody meant is told once, in his language and form; who cannot be told is named', async () => {
  const r = await accepted({title: 'Critical Equipment Failure', priority: 'critical', audience: {teams: ['mech', 'elec'], users: ['ana']},
    texts: {en: 'HVAC Unit #5 has overheated.', es: 'La unidad HVAC 5 se ha sobrecalentado.'}})
  assert.equal(r.recipients, 3)
  assert.deepEqual(r.skipped, [{user: 'ghost', reason: 'not verified'}])
  const english = await plant.expect(JOHN, 'HVAC')
  assert.equal(english.text, '🚨 EMERGENCY: Critical Equipment Failure\n\nHVAC Unit #5 has overheated.\n\nPriority: CRITICAL')
  assert.equal(english.provider, 'twilio')
  assert.equal((await plant.expect(ANA, 'HVAC')).text,
    '🚨 EMERGENCIA: Critical Equipment Failure\n\nLa unidad HVAC 5 se ha sobrecalentado.\n\nPrioridad: CRÍTICA')
  assert.match((await plant.expect(PRIYA, 'HVAC')).text, /Priority: CRITICAL/) // no Hindi text: the tenant's language throughout
  const b = await when(r.id, x => x.state === 'closed')
  assert.deepEqual([b.counts.total, b.counts.queued, b.counts.skipped, b.counts.failed], [3, 0, 1, 0])
  assert.equal(b.counts.sent + b.counts.delivered + b.counts.read, 3)
  assert.equal((await plant.messages(ANA)).filter(m => m.text?.includes('HVAC')).length, 1)
})

test('audiences: all, users, roles, sites, phones; a mistake in one is refused by its name', async () => {
  const rows = [[{all: true}, 3, 1], [{users: ['ana', 'ana', 'nobody']}, 1, 1], [{roles: ['supervisor']}, 1, 0], [{sites: ['b']}, 1, 0],
    [{phones: [PRIYA, '+12025550199']}, 1, 1], [{phones: [ANA], sites: ['a']}, 2, 0]]
  for (const [audience, recipients, skipped] of rows) {
    const r = await send({text: 'x', audience}, '?dry_run=true')
    assert.equal(r.status, 200, r.text)
    assert.deepEqual([r.json.recipients, r.json.skipped.length], [recipients, skipped], JSON.stringify(audience))
  }
  for (const [body, member] of [[{text: 'x'}, 'audience'], [{text: 'x', audience: {}}, 'audience'], [{text: 'x', audience: {team: ['a']}}, 'audience.team'],
    [{audience: {all: true}}, 'text'], [{text: 'x', audience: {all: true}, ask: 'what'}, 'ask'], [{text: 'x', audience: {roles: ['boss']}}, 'audience.roles.0'],
    [{text: 'x', audience: {all: true}, priority: 'urgent'}, 'priority'], [{text: 'x'.repeat(5000), audience: {all: true}}, 'text'],
    [{text: 'x', audience: {all: true}, expires_at: '2020-01-01T00:00:00Z'}, 'expires_at']]) {
    const r = await send(body)
    assert.equal(r.status, 422, JSON.stringify(body) + r.text)
    assert.equal(r.json.member, member)
  }
})

test('dry run: recipients, skipped, languages, window, seconds; nothing is sent', async () => {
  const made = async () => (await plant.api('GET', '/api/v1/messages?direction=out&limit=500')).json.items.length
  const before = await made()
  const r = await send({texts: {en: 'only tried', es: 'solo probado'}, audience: {all: true}}, '?dry_run=true')
  assert.deepEqual(r.json, {recipients: 3, skipped: [{user: 'ghost', reason: 'not verified'}], languages: {en: 2, es: 1}, session: 3, template: 0, seconds: 0})
  await sleep(200)
  assert.equal(await made(), before)
  assert.ok(!(await plant.messages()).some(m => /only tried|solo probado/.test(m.text)))
})

test('above the configured number it is confirmed by that very number', async () => {
  await plant.person('maria', MARIA, {teams: ['night']})
  const body = {text: 'Confirmed', audience: {all: true}}
  let r = await send(body)
  assert.equal(r.status, 409, r.text)
  assert.match(r.json.detail, /"confirm": 4/)
  assert.equal((await send({...body, confirm: 3})).status, 409)
  r = await send({...body, confirm: 4}, '', {'idempotency-key': 'once'})
  assert.equal(r.status, 202)
  const again = await send({...body, confirm: 4}, '', {'idempotency-key': 'once'})
  assert.equal(again.json.id, r.json.id)
  await when(r.json.id, b => b.state === 'closed')
  assert.equal((await plant.messages(ANA)).filter(m => m.text?.includes('Confirmed')).length, 1)
})

test('at its time, not before; and not at all behind its expiry', async () => {
  const t = Date.now() + 1500
  const r = await accepted({text: 'Later', audience: {users: ['ana']}, send_at: new Date(t).toISOString()})
  const {state} = await get(r.id)
  assert.ok(state === 'scheduled' || Date.now() >= t, state)
  await plant.expect(ANA, 'Later')
  assert.ok(Date.now() >= t - 50)
  const x = await until('a cancel before the time', async () => {
    const due = Date.now() + 1000, c = await accepted({text: `Never ${due}`, audience: {users: ['ana']}, send_at: new Date(due).toISOString()})
    const got = await plant.api('POST', `${at}/${c.id}/cancel`)
    return Date.now() < due && {...got, due}
  })
  assert.equal(x.status, 200, x.text)
  assert.deepEqual([x.json.state, x.json.counts.total, x.json.counts.cancelled], ['cancelled', 1, 1])
  await sleep(1500)
  assert.ok(!(await plant.messages(ANA)).some(m => m.text?.includes(`Never ${x.due}`)))
})

test('the list of recipients, by state, in pages, as CSV', async () => {
  const r = await accepted({text: 'List', audience: {teams: ['mech']}})
  await when(r.id, b => b.state === 'closed')
  const all = await people(r.id)
  assert.deepEqual(all.map(x => x.user).sort(), ['ana', 'ghost', 'priya'])
  assert.deepEqual((await people(r.id, '?state=skipped')).map(x => [x.user, x.reason]), [['ghost', 'not verified']])
  const page = (await plant.api('GET', `${at}/${r.id}/recipients?limit=2`)).json
  const rest = (await plant.api('GET', `${at}/${r.id}/recipients?limit=2&cursor=${page.next_cursor}`)).json
  assert.deepEqual([...page.items, ...rest.items].map(x => x.user), all.map(x => x.user))
  assert.equal(rest.next_cursor, null)
  const csv = await plant.api('GET', `${at}/${r.id}/recipients`, undefined, {accept: 'text/csv'})
  assert.match(csv.headers.get('content-type'), /text\/csv/)
  assert.equal(csv.text.trim().split('\r\n').length, 4)
  assert.equal((await plant.api('GET', `${at}/none/recipients`)).status, 404)
})

const taps = (phone, sender, title, quote) => plant.inbound({from: phone, to: sender, type: 'button', button: {title}, quote})
const says = (phone, text, sender = META.number) => plant.inbound({from: phone, to: sender, type: 'text', text})
const events = async (type, id) => (await plant.everything()).filter(e => e.type === type && e.subject === id)

test('a roll call: buttons and the words SAFE and HELP ME, over both dialects; the CMMS and the supervisor hear', async () => {
  await plant.api('PUT', '/api/v1/users/maria', {supervisor: 'john'})
  const r = await accepted({title: 'Fire drill', text: 'Leave the building', priority: 'critical', ask: 'safety', audience: {users: ['ana', 'john', 'maria', 'priya']}, confirm: 4})
  const told = await plant.expect(JOHN, 'Fire drill')
  assert.deepEqual(told.buttons.map(b => b.title), ['I am safe', 'I need help'])
  assert.match(told.text, /Are you safe\?/)
  assert.deepEqual((await plant.expect(ANA, 'Leave the building')).buttons.map(b => b.title), ['Estoy a salvo', 'Necesito ayuda'])
  await plant.expect(MARIA, 'Fire drill')
  await taps(JOHN, TWILIO.number, 'I am safe', told.id)
  await plant.expect(JOHN, 'recorded as safe')
  await says(ANA, 'A salvo')
  await plant.expect(ANA, 'a salvo')
  await says(MARIA, 'help me!')
  await plant.expect(MARIA, 'call for help is recorded')
  await plant.expect(JOHN, 'maria needs help')
  let b = await when(r.id, x => x.counts.answered === 3)
  assert.deepEqual([b.counts.safe, b.counts.help, b.counts.silent, b.state], [2, 1, 1, 'sending'])
  assert.deepEqual((await people(r.id, '?state=silent')).map(x => x.user), ['priya'])
  assert.deepEqual((await people(r.id, '?state=help')).map(x => [x.user, x.answer]), [['maria', 'help']])
  await says(MARIA, 'safe')
  b = await when(r.id, x => x.counts.help === 0)
  assert.deepEqual([b.counts.answered, b.counts.safe], [3, 3])
  const heard = await events('gateway.broadcast.answered.v1', r.id)
  assert.deepEqual(heard.map(e => [e.data.person.id, e.data.answer]), [['john', 'safe'], ['ana', 'safe'], ['maria', 'help'], ['maria', 'safe']])

  const again = await plant.api('POST', `${at}/${r.id}/resend`)
  assert.equal(again.status, 202, again.text)
  assert.deepEqual([again.json.id, again.json.recipients], [r.id, 1])
  await until('priya is asked again', async () => (await plant.messages(PRIYA)).filter(m => m.text?.includes('Fire drill')).length === 2)
  assert.equal((await plant.messages(ANA)).filter(m => m.text?.includes('Fire drill') || m.text?.includes('Leave the building')).length, 1)
  b = await when(r.id, x => x.counts.silent === 1 && x.counts.read === 4) // and no status comes behind the end
  assert.equal(b.counts.total, 4)
  await says(PRIYA, 'SAFE')
  b = await when(r.id, x => x.state === 'closed')
  assert.deepEqual([b.counts.answered, b.counts.safe, b.counts.silent], [4, 4, 0])
  const closed = await until('the end is told', async () => (await events('gateway.broadcast.closed.v1', r.id))[0])
  assert.equal(closed.data.broadcast.id, r.id)
  assert.deepEqual(closed.data.counts, b.counts)
  assert.ok((await events('gateway.broadcast.progress.v1', r.id)).length >= 1)
})

test('to the silent, above the configured number: confirmed by theirs', async () => {
  const r = await accepted({text: 'Who is there', ask: 'safety', audience: {all: true}, confirm: 4})
  await when(r.id, b => b.counts.queued === 0 && b.counts.silent === 4)
  const resend = (body, headers) => plant.api('POST', `${at}/${r.id}/resend`, body, headers)
  for (const [body, status] of [[undefined, 409], [{confirm: 3}, 409], [{confirm: 5}, 409], [{confirm: 'all'}, 422], [{confirm: -1}, 422]]) {
    const refused = await resend(body)
    assert.equal(refused.status, status, refused.text)
    assert.equal(refused.json.member, 'confirm')
    if (status === 409) assert.match(refused.json.detail, /4 people would get this again; above 3 .*"confirm": 4/)
  }
  const mine = async () => (await plant.messages()).filter(m => m.text?.includes('Who is there')).length
  assert.equal(await mine(), 4, 'nothing has gone again')
  const once = {'idempotency-key': 'again'}, done = await resend({confirm: 4}, once)
  assert.equal(done.status, 202, done.text)
  assert.equal(done.json.recipients, 4)
  assert.equal((await resend({confirm: 4}, once)).json.round, done.json.round)
  await until('all again', async () => await mine() === 8)
  await when(r.id, b => b.counts.queued === 0 && b.counts.silent === 4)
  const cli = (...more) => plant.command('broadcast', 'resend', r.id, '--json', '--config', plant.config, ...more)
  assert.match((await cli()).err, /"confirm": 4/)
  const by = await cli('--confirm', '4')
  assert.equal(by.code, 0, by.out + by.err)
  await until('and again', async () => await mine() === 12)
  for (const [phone, number] of [[ANA, META.number], [JOHN, TWILIO.number], [PRIYA, META.number], [MARIA, META.number]]) await says(phone, 'safe', number)
  await when(r.id, b => b.state === 'closed')
})

test('a confirmation: by the button or by ACK, where no order waits for one', async () => {
  const r = await accepted({text: 'New rules', ask: 'ack', audience: {users: ['ana', 'john']}})
  const told = await plant.expect(JOHN, 'New rules')
  assert.deepEqual(told.buttons.map(b => b.title), ['Acknowledge'])
  await taps(JOHN, TWILIO.number, 'Acknowledge', told.id)
  await plant.expect(ANA, 'New rules')
  await says(ANA, 'ack')
  const b = await when(r.id, x => x.state === 'closed')
  assert.deepEqual([b.counts.answered, b.counts.silent], [2, 0])
  await says(ANA, 'A SALVO')
})

test('the CMMS asks for one and cancels one by events', async () => {
  const ask = (type, broadcast) => plant.event(type, {broadcast})
  assert.equal((await ask('cmms.broadcast.requested.v1', {id: 'drill-1', text: 'By event', audience: {users: ['ana']}})).status, 202)
  await plant.expect(ANA, 'By event')
  await ask('cmms.broadcast.requested.v1', {id: 'drill-1', text: 'By event', audience: {users: ['ana']}})
  assert.equal((await when('drill-1', b => b.state === 'closed')).by, 'cmms')
  await ask('cmms.broadcast.requested.v1', {id: 'drill-2', text: 'Not any more', audience: {users: ['ana']}, send_at: new Date(Date.now() + 60000).toISOString()})
  await when('drill-2', b => b.state === 'scheduled')
  await ask('cmms.broadcast.cancelled.v1', {id: 'drill-2'})
  assert.deepEqual((await when('drill-2', b => b.state === 'cancelled')).counts.cancelled, 1)
  const bad = await ask('cmms.broadcast.requested.v1', {id: 'drill-3', text: 'x', audience: {}})
  assert.equal(bad.status, 422)
  assert.equal(bad.json.member, 'data.broadcast.audience')
  assert.equal((await plant.messages(ANA)).filter(m => m.text?.includes('By event')).length, 1)
})

test('the emergency page: its form and JSON do the same', async () => {
  const form = new URLSearchParams({title: 'Gas leak', message: 'Leave hall B now', priority: 'critical', audience: 'sites', targets: 'a, b', ask: 'safety'})
  let r = await plant.api('POST', '/whatsapp/emergency', form.toString(), {'content-type': 'application/x-www-form-urlencoded'})
  assert.equal(r.status, 202, r.text)
  assert.equal(r.json.recipients, 3)
  await plant.expect(ANA, 'Leave hall B now')
  assert.equal((await get(r.json.id)).ask, 'safety')
  r = await plant.api('POST', '/whatsapp/emergency', {title: 'All clear', message: 'Come back', audience: 'users', targets: 'john'})
  assert.equal(r.status, 202, r.text)
  assert.match((await plant.expect(JOHN, 'Come back')).text, /EMERGENCY: All clear[^]*Priority: CRITICAL/)
  r = await plant.api('POST', '/whatsapp/emergency', {message: 'x', audience: 'moon'})
  assert.deepEqual([r.status, r.json.member], [422, 'audience'])
})

test('only keys with the right to broadcast', async () => {
  for (const [role, broadcast, status] of [['cmms', undefined, 202], ['cmms', false, 403], ['viewer', undefined, 403], ['admin', false, 403]]) {
    const k = await plant.api('POST', '/api/v1/keys', {role, name: 'k', broadcast})
    assert.equal(k.status, 201, k.text)
    const auth = {authorization: `Bearer ${k.json.secret}`}
    const r = await send({text: 'Right', audience: {users: ['john']}}, '', auth)
    assert.equal(r.status, status, role + r.text)
    assert.equal((await plant.api('POST', '/whatsapp/emergency', {message: 'x', audience: 'users', targets: 'john'}, auth)).status, status)
    if (role !== 'viewer' && status === 403) {
      const e = await plant.api('POST', '/api/v1/events', {specversion: '1.0', id: `x${role}`, source: '/c', type: 'cmms.broadcast.requested.v1',
        data: {broadcast: {text: 'x', audience: {all: true}}}}, {...auth, 'content-type': 'application/cloudevents+json'})
      assert.equal(e.status, 403, e.text)
    }
    assert.equal((await plant.api('GET', at, undefined, auth)).status, 200)
  }
})

test('cancelled in the middle: what is gone is gone, the rest is not sent, and the split is exact', async () => {
  const slow = await new Plant({twilio: false, rate: 20, callback: true, tenant: {broadcast_confirm_above: 1000}, phones: crowd}).start()
  await gather(slow)
  const r = await slow.api('POST', at, {text: 'Stop me', audience: {all: true}})
  assert.equal(r.json.recipients, crowd.length)
  await until('some are sent', async () => (await slow.messages()).filter(m => m.text?.includes('Stop me')).length >= 5)
  const b = (await slow.api('GET', `${at}/${r.json.id}`)).json
  assert.ok(b.rate === 20 && b.eta_s > 0, JSON.stringify(b))
  const x = await slow.api('POST', `${at}/${r.json.id}/cancel`)
  assert.equal(x.status, 200, x.text)
  const n = x.json.counts, got = n.sent + n.delivered + n.read
  assert.equal(x.json.state, 'cancelled')
  assert.equal(n.queued, 0, JSON.stringify(n))
  assert.equal(got + n.failed + n.cancelled, crowd.length)
  assert.ok(n.cancelled > 0)
  await sleep(1000)
  const arrived = (await slow.messages()).filter(m => m.text?.includes('Stop me')).length
  assert.equal(arrived, got)
  const list = (await slow.api('GET', `${at}/${r.json.id}/recipients?state=cancelled&limit=500`)).json.items
  assert.equal(list.length, n.cancelled)
  const closed = await until('the end is told', async () => (await slow.everything()).find(e => e.type === 'gateway.broadcast.closed.v1'))
  assert.equal(closed.data.counts.cancelled, n.cancelled)
  await slow.stop()
})

await run()
