#!/usr/bin/env node
// Broadcasts, end to end over both dialects: who is meant, what he reads, how it stands, how it is stopped.
import {ANA, JOHN, MARIA, META, OMAR, PRIYA, Plant, TWILIO, assert, run, sleep, test, until} from './lib.mjs'

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
  const before = (await plant.messages()).length
  const r = await send({texts: {en: 'a', es: 'b'}, audience: {all: true}}, '?dry_run=true')
  assert.deepEqual(r.json, {recipients: 3, skipped: [{user: 'ghost', reason: 'not verified'}], languages: {en: 2, es: 1}, session: 3, template: 0, seconds: 0})
  await sleep(200)
  assert.equal((await plant.messages()).length, before)
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
  assert.equal((await get(r.id)).state, 'scheduled')
  await plant.expect(ANA, 'Later')
  assert.ok(Date.now() >= t - 50)
  const c = await accepted({text: 'Never', audience: {users: ['ana']}, send_at: new Date(Date.now() + 1000).toISOString()})
  const x = await plant.api('POST', `${at}/${c.id}/cancel`)
  assert.equal(x.status, 200, x.text)
  assert.deepEqual([x.json.state, x.json.counts.total, x.json.counts.cancelled], ['cancelled', 1, 1])
  await sleep(1500)
  assert.ok(!(await plant.messages(ANA)).some(m => m.text?.includes('Never')))
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

await run()
