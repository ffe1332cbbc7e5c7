#!/usr/bin/env node
// A broadcast while the gateway is killed again and again: each recipient gets it once, or the second hand-over is
// explained by an ambiguous attempt. Then the three ledgers: client, provider, CMMS.
//   PEOPLE=5000 KILLS=30 tests/integration/broadcast_crash.mjs
import {META, Plant, assert, call, run, sleep, test, until} from './lib.mjs'

const PEOPLE = Number(process.env.PEOPLE ?? 600), KILLS = Number(process.env.KILLS ?? 4)

// A third of a second a message, 64 at once: some 190 a second, so that the broadcast lasts as long as the kills.
const LATENCY_MS = 330

const plant = await new Plant({twilio: false, rate: 0, phones: [], sandbox: ['--ledger-max', '500000', '--window-open'],
  file: {delivery: {lease_ms: 3000, uncertain_hold_ms: 4000, send_timeout_ms: 2000}, http: {connections_per_address: 0}}}).start()
const phone = i => `+120255${String(i).padStart(5, '0')}`

test(`a broadcast to ${PEOPLE} and ${KILLS} kills: each once, or explained`, async () => {
  const people = Array.from({length: PEOPLE}, (_, i) => ({id: `u${i}`, name: `P${i}`, phone: phone(i), roles: ['technician'], language: 'en', verified: true, consented: true}))
  for (let i = 0; i < PEOPLE; i += 1000) {
    const r = await plant.api('POST', '/api/v1/users/import', people.slice(i, i + 1000))
    assert.equal(r.status, 200, r.text)
  }
  await openWindows(people)
  await call('DELETE', `${plant.sandbox}/_sandbox/messages`)
  await call('PUT', `${plant.sandbox}/_sandbox/faults`, {body: {latency_ms: LATENCY_MS}})

  const accepted = await plant.api('POST', '/api/v1/broadcasts', {text: 'Assembly point B, now.', priority: 'high', audience: {all: true}, confirm: PEOPLE})
  assert.equal(accepted.status, 202, accepted.text)
  assert.equal(accepted.json.recipients, PEOPLE)
  for (let k = 0; k < KILLS; k++) {
    await sleep(600 + 500 * Math.random())
    await plant.kill()
    await plant.startGateway()
  }
  let counts
  await until('all decided', async () => {
    counts = (await plant.api('GET', `/api/v1/broadcasts/${accepted.json.id}`)).json.counts
    return counts.total === PEOPLE && counts.queued === 0
  }, 240000)
  await compare(accepted.json.id, counts)
})

// Everybody writes once: inside the 24-hour window the text itself is sent.
async function openWindows(people) {
  for (let i = 0; i < people.length; i += 50) {
    await Promise.all(people.slice(i, i + 50).map(p => plant.inbound({from: p.phone, to: META.number, type: 'text', text: 'Hi'})))
  }
  await until('everybody has been answered', async () => (await plant.messages()).length >= people.length, 120000)
}

async function compare(id, counts) {
  const got = new Map() // the provider's ledger, by recipient
  for (const m of await plant.messages()) got.set(m.to, (got.get(m.to) ?? 0) + 1)
  let cursor = '', rows = []
  do {
    const page = (await plant.api('GET', `/api/v1/broadcasts/${id}/recipients?limit=500${cursor && `&cursor=${cursor}`}`)).json
    rows = rows.concat(page.items)
    cursor = page.next_cursor
  } while (cursor)
  assert.equal(rows.length, PEOPLE, 'every recipient is listed')

  let repeats = 0, unsure = 0, unreached = 0
  for (let i = 0; i < PEOPLE; i++) {
    const row = rows.find(r => r.user === `u${i}`), times = got.get(phone(i)) ?? 0
    if (times === 1 && ['sent', 'delivered', 'read'].includes(row.state)) continue
    const m = (await plant.api('GET', `/api/v1/messages/${row.message}`)).json
    const ambiguous = m.timeline.filter(t => t.state === 'uncertain').length
    assert.ok(times <= 1 + ambiguous && times <= 2, `u${i} got ${times}: ${JSON.stringify(m.timeline)}`)
    assert.ok(times > 0 || m.state === 'uncertain', `u${i} got nothing: ${JSON.stringify(m.timeline)}`)
    repeats += Math.max(0, times - 1)
    unsure += ambiguous > 0
    unreached += times === 0
  }
  assert.equal(counts.sent + counts.delivered + counts.read + counts.failed, PEOPLE, JSON.stringify(counts))
  assert.ok(unreached <= counts.failed, 'who was not reached is counted as failed')
  const events = await plant.everything()
  events.forEach((e, i) => assert.equal(e.sequence, String(i + 1), 'the sequence has no gap'))
  console.log(`${PEOPLE} recipients, ${KILLS} kills: ${repeats} handed over twice, ${unsure} unsure, of these ${unreached} not reached; ${JSON.stringify(counts)}`)
}

await run()
