#!/usr/bin/env node
// What is said to a team by the CMMS and by its members, over both dialects.
import {ANA, JOHN, META, Plant, TWILIO, assert, run, test, until} from './lib.mjs'

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

await run()
