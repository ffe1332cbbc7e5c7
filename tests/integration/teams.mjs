#!/usr/bin/env node
// What is said to a team by the CMMS and by its members, over both dialects, and in a group of Meta's.
import {ANA, JOHN, MARIA, META, OMAR, PRIYA, Plant, TWILIO, assert, call, run, sleep, test, until} from './lib.mjs'

const plant = await new Plant().start()
await plant.person('u1', ANA, {name: 'Ana Ruiz', teams: ['mechanics']}, META.number)
await plant.person('u2', JOHN, {name: 'John Smith', teams: ['mechanics']}, TWILIO.number)
const texts = async phone => (await plant.messages()).filter(m => m.to === phone).map(m => m.text)

test('the CMMS says something to a team; an answer that quotes it reaches the others, over the other dialect', async () => {
  const r = await plant.api('POST', '/api/v1/teams/mechanics/messages', {text: 'The crane is free from 2 pm', from: 'Planning'})
  assert.equal(r.status, 202, r.text)
  const [ana, john] = [await plant.expect(ANA, 'The crane is free'), await plant.expect(JOHN, 'The crane is free')]
  assert.match(ana.text, /mechanics.*Planning/)
  assert.equal(john.provider, 'twilio')
  await plant.inbound({from: JOHN, to: TWILIO.number, type: 'text', text: 'I take it at three', quote: john.id})
  assert.match((await plant.expect(ANA, 'I take it at three')).text, /John Smith/)
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'fine, four for me', quote: ana.id})
  assert.match((await plant.expect(JOHN, 'fine, four for me')).text, /Ana Ruiz/)
  assert.ok(!(await texts(ANA)).some(t => t.includes('fine, four for me')))
})

test('TEAM text, from either side', async () => {
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'TEAM who has the torque wrench?'})
  await plant.expect(JOHN, 'torque wrench')
  await plant.expect(ANA, 'Sent to *mechanics*')
  await plant.inbound({from: JOHN, to: TWILIO.number, type: 'text', text: '/team I do'})
  await plant.expect(ANA, 'I do')
})

test('the same request again says it once; nobody there, no text, too long: refused', async () => {
  const headers = {'idempotency-key': 'k1'}
  const post = () => plant.api('POST', '/api/v1/teams/mechanics/messages', {text: 'said once'}, headers)
  const [a, b] = [await post(), await post()]
  assert.deepEqual([b.status, b.text], [202, a.text])
  await plant.expect(ANA, 'said once')
  await until('it settles', async () => (await texts(JOHN)).filter(t => t.includes('said once')).length === 1)
  assert.equal((await plant.api('POST', '/api/v1/teams/nobody/messages', {text: 'x'})).status, 404)
  assert.equal((await plant.api('POST', '/api/v1/teams/mechanics/messages', {})).status, 422)
  assert.equal((await plant.api('POST', '/api/v1/teams/mechanics/messages', {text: 'x'.repeat(3001)})).status, 422)
})

// ---- a team with a group: Priya and Omar are in it, Maria is of the team, but left it ----

const GROUP = 'Y2FwaV9ncm91cDoxMjAyNTU1MDEwMDoxMjAzNjM0MDQ2OTQyMzM5OTkZD'
let grouped
const world = body => call('PUT', `${grouped.sandbox}/_sandbox/config`, {body})
  .then(r => assert.equal(r.status, 200, r.text))
const group = more => world({groups: [{id: GROUP, number: META.id, ...more}]})
const official = yes => world({meta: [{phone_number_id: META.id, official: yes}]})
const toGroup = async part => (await grouped.messages(GROUP)).filter(m => m.text.includes(part))
const toPhone = async (phone, part) => (await grouped.messages(phone)).filter(m => m.text.includes(part))
const alone = async (phone, part) => (await toPhone(phone, part)).filter(m => !m.group)
const say = (from, text) => grouped.inbound({from, type: 'text', text, group: GROUP})
const heard = part => until(`the CMMS to hear "${part}"`, () => grouped.cmms.taken().find(e => e.type === 'gateway.team.message.v1' &&
  e.data.text.includes(part)))
const idle = () => grouped.idle()
const post = async text => {
  const r = await grouped.api('POST', '/api/v1/teams/night/messages', {text, from: 'Planning'})
  assert.equal(r.status, 202, r.text)
}

test('a team with a group: a post goes there once, and is on each phone once', async () => {
  grouped = await new Plant({twilio: false, tenant: {teams: {night: {group: GROUP}}, message_status_events: 'all'}}).start()
  for (const [id, phone] of [['u3', PRIYA], ['u4', OMAR], ['u5', MARIA]]) await grouped.person(id, phone, {name: `${id} Name`, teams: ['night']})
  await world({timing: {read_ms: 150}})
  await official(true)
  await group({participants: []})
  await group({participants: [PRIYA, OMAR, MARIA]}) // they come one after the other, and the gateway is told
  await idle()
  await say(OMAR, 'good evening')
  await heard('good evening')
  await post('The press stands still until six')
  const there = await until('the group', async () => (await toGroup('stands still'))[0])
  assert.match(there.text, /night.*Planning/)
  for (const phone of [PRIYA, OMAR, MARIA]) {
    assert.equal((await until(phone, async () => (await toPhone(phone, 'stands still'))[0])).copy, true)
  }
  await idle()
  assert.equal((await toGroup('stands still')).length, 1)
  assert.equal((await alone(PRIYA, 'stands still')).length, 0)
})

test('its statuses come for each participant: delivered and read are the first one\'s, and it never goes back', async () => {
  await post('one message, three phones')
  const there = await until('the group', async () => (await toGroup('three phones'))[0])
  const ours = there.correlation.split('.')[0]
  const view = async () => (await grouped.api('GET', `/api/v1/messages/${ours}`)).json
  await until('read', async () => (await view()).state === 'read')
  await until('all of them read', async () => {
    const copies = await Promise.all([PRIYA, OMAR, MARIA].map(p => toPhone(p, 'three phones')))
    return copies.every(([m]) => m?.status === 'read')
  })
  await idle()
  const m = await view()
  assert.equal(m.state, 'read')
  assert.deepEqual(m.to, {team: 'night'})
  assert.ok(!JSON.stringify(m).includes(GROUP), 'the id of a group holds a phone number')
  assert.equal(m.attempts, 1)
  const told = grouped.cmms.taken().filter(e => e.type === 'gateway.message.status_changed.v1' && e.data.message.id === ours)
  assert.ok(told.length <= 2, JSON.stringify(told)) // delivered, read: not one for each phone
})

test('what a member writes in the group reaches the CMMS, and nobody twice; who has left hears it from us', async () => {
  await say(PRIYA, 'I look at the press')
  const e = await heard('I look at the press')
  assert.deepEqual([e.subject, e.data.team, e.data.via, e.data.person], ['night', 'night', 'group', {id: 'u3', name: 'u3 Name'}])
  await idle()
  for (const phone of [PRIYA, OMAR, MARIA]) assert.equal((await toPhone(phone, 'I look at the press')).length, 0)
  await group({participants: [PRIYA, OMAR]})
  await idle()
  await say(PRIYA, 'the valve was it')
  assert.match((await until('Maria', async () => (await alone(MARIA, 'the valve was it'))[0])).text, /u3 Name/)
  await post('Well done')
  await until('the group', async () => (await toGroup('Well done')).length === 1)
  await until('Maria', async () => (await alone(MARIA, 'Well done')).length === 1)
  await idle()
  for (const phone of [PRIYA, OMAR]) assert.equal((await alone(phone, 'Well done')).length, 0)
  assert.equal((await toGroup('the valve was it')).length, 0)
  await grouped.inbound({from: MARIA, to: META.number, type: 'text', text: 'TEAM thank you'})
  await until('those in the group', async () => (await toGroup('thank you')).length === 1)
})

test('who never joined the group misses nothing; who was in it before we knew hears one post twice', async () => {
  await idle() // each status of what was said before tells who is in the group
  const known = await grouped.redis('KEYS', '{acme}:gr:night')
  assert.equal(known, '{acme}:gr:night')
  await grouped.redis('DEL', known)
  await post('Who is here?')
  for (const phone of [PRIYA, OMAR, MARIA]) await until(phone, async () => (await alone(phone, 'Who is here')).length === 1)
  await until('the group', async () => (await toGroup('Who is here')).length === 1)
  await until('read there', async () => (await Promise.all([PRIYA, OMAR].map(p => toPhone(p, 'Who is here'))))
    .every(all => all.find(m => m.group)?.status === 'read'))
  await idle()
  await post('Now we know')
  await until('Maria', async () => (await alone(MARIA, 'Now we know')).length === 1)
  await until('the group', async () => (await toGroup('Now we know')).length === 1)
  await idle()
  for (const phone of [PRIYA, OMAR]) assert.equal((await alone(phone, 'Now we know')).length, 0)
})

test('a command in the group is answered to the person alone; a word that only looks like one is talk', async () => {
  await say(OMAR, 'help')
  await heard('help')
  await say(OMAR, '/help')
  const answer = await until('an answer', async () => (await alone(OMAR, 'MY WORK'))[0])
  assert.equal(answer.to, OMAR)
  await idle()
  assert.equal((await toGroup('MY WORK')).length, 0)
  assert.equal((await alone(OMAR, 'MY WORK')).length, 1)
})

test('one of the group whom it did not reach gets it from us, and the message has not failed', async () => {
  await world({phones: [{number: OMAR, fail_code: 131026}]})
  await post('the lights go off at ten')
  await until('Priya', async () => (await toPhone(PRIYA, 'the lights')).length === 1)
  const own = await until('Omar, from us', async () => (await alone(OMAR, 'the lights'))[0])
  assert.equal(own.group, undefined)
  await world({phones: [{number: OMAR, fail_code: 0}]})
  await idle()
  const ours = (await toGroup('the lights'))[0].correlation.split('.')[0]
  const m = (await grouped.api('GET', `/api/v1/messages/${ours}`)).json
  assert.notEqual(m.state, 'failed')
  assert.ok(m.timeline.some(l => /one of the group did not get it/.test(l.detail)), JSON.stringify(m.timeline))
  assert.equal((await alone(PRIYA, 'the lights')).length, 0)
})

const fallsBack = async text => {
  await post(text)
  for (const phone of [PRIYA, OMAR, MARIA]) await until(phone, async () => (await alone(phone, text)).length === 1)
  await idle()
  for (const phone of [PRIYA, OMAR, MARIA]) assert.equal((await alone(phone, text)).length, 1)
  assert.equal((await toGroup(text)).length, 0)
}
const alerts = () => grouped.cmms.taken().filter(e => e.type === 'gateway.system.alert.v1' && e.data.component === 'group:night')

test('Meta refuses: it goes to the members one by one, each once, and that is told once', async () => {
  await official(false)
  await fallsBack('the number is not official')
  const [alert] = await until('an alert', () => alerts().length > 0 && alerts())
  assert.match(alert.data.text, /one by one/)
  const list = (await grouped.api('GET', '/api/v1/messages?state=failed')).json.items
  const m = (await grouped.api('GET', `/api/v1/messages/${list.find(i => i.to.team === 'night').id}`)).json
  assert.ok(m.timeline.some(l => /said to the members one by one/.test(l.detail ?? '')), JSON.stringify(m.timeline))
  await official(true)
  await group({participants: []})
  await fallsBack('nobody is in the group')
  assert.equal(alerts().length, 1)
  await sleep(1100) // the provider's times are whole seconds: of one second it would count that they left
  await group({participants: [PRIYA, OMAR, MARIA]})
  await idle()
})

test('while the group is suspended the members are told at once; then it is the group again', async () => {
  await group({suspended: true})
  await idle()
  const refused = async () => (await call('GET', `${grouped.sandbox}/_sandbox/stats`)).json.rejected.find(r => r.code === 131207)
  await fallsBack('nobody reads the group now')
  assert.equal(await refused(), undefined, 'it was not even tried')
  await group({suspended: false})
  await idle()
  await post('and back again')
  await until('the group', async () => (await toGroup('and back again')).length === 1)
  await idle()
  for (const phone of [PRIYA, OMAR, MARIA]) assert.equal((await alone(phone, 'and back again')).length, 0)
})

test('the id of the group stands in no log', async () => {
  assert.ok(!grouped.log().includes(GROUP.slice(0, 30)))
})

await run()
