#!/usr/bin/env node
// A broadcast while the gateway is killed again and again: each recipient gets it once, or what happened instead is
// explained on his message's timeline. Then the three ledgers: client, provider, CMMS.
//   PEOPLE=5000 KILLS=30 tests/integration/broadcast_crash.mjs
import {HARD, balanced} from './ledgers.mjs'
import {META, Plant, assert, call, run, sleep, test, until} from './lib.mjs'

const PEOPLE = Number(process.env.PEOPLE ?? 600), KILLS = Number(process.env.KILLS ?? 4)

// A third of a second from the acceptance to the answer, 64 at once: some 190 a second, so that the broadcast lasts as
// long as the kills, and each kill hits messages that the provider has and nobody has written down yet.
const ANSWER_MS = 330

// Statuses come again each second, and are waited for a while: what the provider has is known before it would go again.
const plant = await new Plant({...HARD, file: {...HARD.file, delivery: {...HARD.file.delivery, uncertain_hold_ms: 10000}}}).start()
const phone = i => `+120255${String(i).padStart(5, '0')}`
const broadcast = async id => (await plant.api('GET', `/api/v1/broadcasts/${id}`)).json

test(`a broadcast to ${PEOPLE} and ${KILLS} kills: each once, or explained`, async () => {
  const people = Array.from({length: PEOPLE}, (_, i) => ({id: `u${i}`, name: `P${i}`, phone: phone(i), roles: ['technician'], language: 'en', verified: true, consented: true}))
  for (let i = 0; i < PEOPLE; i += 1000) {
    const r = await plant.api('POST', '/api/v1/users/import', people.slice(i, i + 1000))
    assert.equal(r.status, 200, r.text)
  }
  await openWindows(people)
  await call('DELETE', `${plant.sandbox}/_sandbox/messages`)
  const timing = await call('PUT', `${plant.sandbox}/_sandbox/config`, {body: {timing: {retry_ms: 500, retry_max_ms: 1000}}})
  assert.equal(timing.status, 200, timing.text)
  const slow = await call('PUT', `${plant.sandbox}/_sandbox/faults`, {body: {latency_ms: ANSWER_MS}})
  assert.equal(slow.status, 200, slow.text)

  const accepted = await plant.api('POST', '/api/v1/broadcasts', {text: 'Assembly point B, now.', priority: 'high', audience: {all: true}, confirm: PEOPLE})
  assert.equal(accepted.status, 202, accepted.text)
  assert.equal(accepted.json.recipients, PEOPLE)
  for (let k = 0; k < KILLS; k++) {
    await sleep(600 + 500 * Math.random())
    await plant.kill()
    await plant.startGateway()
  }
  const {id} = accepted.json
  let b
  await until(() => `the end: ${JSON.stringify(b)}`, async () => { b = await broadcast(id); return b.state === 'closed' }, 300000)
  await compare(id)
})

// Everybody writes once: inside the 24-hour window the text itself is sent.
async function openWindows(people) {
  for (let i = 0; i < people.length; i += 50) {
    await Promise.all(people.slice(i, i + 50).map(p => plant.inbound({from: p.phone, to: META.number, type: 'text', text: 'Hi'})))
  }
  await until('everybody has been answered', async () => (await plant.messages()).length >= people.length, 120000)
}

async function everyRecipient(id) {
  let cursor = '', rows = []
  do {
    const page = (await plant.api('GET', `/api/v1/broadcasts/${id}/recipients?limit=500${cursor && `&cursor=${cursor}`}`)).json
    rows = rows.concat(page.items)
    cursor = page.next_cursor
  } while (cursor)
  return rows
}

// What was given up is said again on request, in pieces: then everybody has it, once.
async function replayed(id, n) {
  for (let left = n; left > 0;) {
    const r = await plant.api('POST', '/api/v1/dead_letters/replay', {kind: 'message'})
    assert.equal(r.status, 202, r.text)
    assert.ok(r.json.replayed > 0, r.text)
    left -= r.json.replayed
  }
  let b
  await until(() => `all to have it: ${JSON.stringify(b)}`, async () => { b = await broadcast(id); return b.counts.delivered + b.counts.read === PEOPLE }, 60000)
  assert.ok((await everyRecipient(id)).every(r => ['delivered', 'read'].includes(r.state)))
  const got = (await plant.messages()).map(m => m.to)
  assert.deepEqual([got.length, new Set(got).size], [PEOPLE, PEOPLE], 'each once')
}

async function compare(id) {
  const got = new Map() // the provider's ledger, by recipient
  for (const m of await plant.messages()) got.set(m.to, (got.get(m.to) ?? 0) + 1)
  const rows = new Map((await everyRecipient(id)).map(r => [r.user, r]))
  assert.equal(rows.size, PEOPLE, 'every recipient is listed')

  const twice = [], unreached = new Set(), why = {}
  let unsure = 0
  for (let i = 0; i < PEOPLE; i++) {
    const row = rows.get(`u${i}`), times = got.get(phone(i)) ?? 0
    if (times === 1 && ['sent', 'delivered', 'read'].includes(row.state)) continue
    const m = (await plant.api('GET', `/api/v1/messages/${row.message}`)).json, tell = `u${i} got ${times}: ${JSON.stringify(m.timeline)}`
    const ambiguous = m.timeline.filter(t => t.state === 'uncertain' && /no answer/.test(t.detail)).length
    unsure++
    if (times > 1) {
      assert.ok(times === 2 && ambiguous > 0 && m.timeline.some(t => t.detail?.includes('possible_duplicate')), tell)
      twice.push(tell)
    } else if (times === 0) {
      // Two attempts ended with their gateway before they left: claimed, and waiting for a connection.
      assert.ok(m.state === 'uncertain' && m.timeline.some(t => /^attempt 2/.test(t.detail)), tell)
      unreached.add(m.id)
      const last = m.timeline.at(-1)
      why[last.error?.title ?? last.detail] = (why[last.error?.title ?? last.detail] ?? 0) + 1
    } else {
      assert.ok(m.state === 'uncertain', tell) // reached, and no status ever told
    }
  }
  assert.deepEqual(twice, [], 'with statuses nobody gets it twice')

  assert.doesNotMatch(plant.log(), /set aside/, 'its own item got on, however often it was interrupted')
  const {counts} = await broadcast(id)
  assert.equal(counts.sent + counts.delivered + counts.read + counts.failed, PEOPLE, JSON.stringify(counts))
  assert.equal(counts.failed, [...rows.values()].filter(r => r.state === 'uncertain').length, JSON.stringify(counts))
  const events = await plant.everything()
  const told = new Set(events.filter(e => e.data.message?.state === 'uncertain').map(e => e.data.message.id))
  assert.deepEqual([...unreached].filter(m => !told.has(m)), [], 'the CMMS is told of each who was not reached')
  const closed = events.filter(e => e.type === 'gateway.broadcast.closed.v1' && e.subject === id)
  assert.equal(closed.length, 1)
  assert.equal(closed[0].data.counts.total, PEOPLE)
  await until('the CMMS to have all', () => plant.cmms.taken().length >= events.length, 60000)
  await balanced(plant, events)
  await replayed(id, unreached.size)
  console.log(`${PEOPLE} recipients, ${KILLS} kills: ${PEOPLE - unreached.size - twice.length} once, ${twice.length} twice, ` +
    `${unreached.size} not reached (${JSON.stringify(why)}), ${unsure} looked at; ${JSON.stringify(counts)}; ` +
    `${plant.cmms.ledger.length} callbacks for ${events.length} events`)
}

await run()
