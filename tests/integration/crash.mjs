#!/usr/bin/env node
// 20 kills of the gateway and 10 of Redis at 200 webhooks/s and 100 sends/s. Then the three ledgers must agree:
// what the client was answered 2xx for, what the provider got, what the CMMS got (promises P1 to P5).
//   KILLS=20 REDIS_KILLS=10 WEBHOOKS=200 SENDS=100 tests/integration/crash.mjs
import crypto from 'node:crypto'
import http from 'node:http'
import {META, Plant, assert, call, order, run, sleep, test, until} from './lib.mjs'

const KILLS = Number(process.env.KILLS ?? 20), REDIS_KILLS = Number(process.env.REDIS_KILLS ?? 10)
const WEBHOOKS = Number(process.env.WEBHOOKS ?? 200), SENDS = Number(process.env.SENDS ?? 100)
const PEOPLE = 40, GAP_MS = 1200

const plant = await new Plant({twilio: false, rate: 0, phones: [], sandbox: ['--ledger-max', '500000', '--window-open'],
  file: {delivery: {lease_ms: 3000, uncertain_hold_ms: 4000, send_timeout_ms: 2000},
    callbacks: {schedule_ms: Array(16).fill(500), timeout_ms: 3000}, http: {connections_per_address: 0}}}).start()
const phone = i => `+120255502${String(i).padStart(2, '0')}`
const agent = new http.Agent({keepAlive: true, maxSockets: 64})

// One request, no retry: its status, or 0 when the connection failed.
const request = (method, at, body, headers) => new Promise(done => {
  const r = http.request({agent, host: '127.0.0.1', port: plant.port, method, path: at, headers: {...headers, 'content-length': Buffer.byteLength(body)}, timeout: 8000}, res => {
    let text = ''
    res.on('data', d => { text += d })
    res.on('end', () => done({status: res.statusCode, text}))
    res.on('error', () => done({status: 0}))
  })
  r.on('timeout', () => r.destroy())
  r.on('error', () => done({status: 0}))
  r.end(body)
})

// As providers and a careful CMMS do: the very same again until it is answered 2xx.
async function insist(method, at, body, headers) {
  for (let wait = 100; ; wait = Math.min(wait * 1.5, 1500)) {
    const r = await request(method, at, body, headers)
    if (r.status >= 200 && r.status < 300) return r
    if (r.status !== 0 && r.status < 500 && r.status !== 429) throw new Error(`${method} ${at}: ${r.status} ${r.text}`)
    await sleep(wait)
  }
}

const notes = new Map(), sends = new Map() // the client's ledger: what was answered 2xx
let webhookNo = 0, sendNo = 0, open = 0, load = true

async function note() {
  const n = ++webhookNo, who = n % PEOPLE, wamid = `wamid.${Buffer.from(`crash-${n}`).toString('base64')}`
  const body = JSON.stringify({object: 'whatsapp_business_account', entry: [{id: '1', changes: [{field: 'messages', value: {
    messaging_product: 'whatsapp', metadata: {display_phone_number: META.number.slice(1), phone_number_id: META.id},
    contacts: [{profile: {name: `P${who}`}, wa_id: phone(who).slice(1)}],
    messages: [{from: phone(who).slice(1), id: wamid, timestamp: String(Math.floor(Date.now() / 1000)), type: 'text', text: {body: `NOTE crash note ${n}`}}]}}]}]})
  const signature = 'sha256=' + crypto.createHmac('sha256', META.secret).update(body).digest('hex')
  await insist('POST', '/whatsapp/webhook', body, {'content-type': 'application/json', 'x-hub-signature-256': signature})
  notes.set(`crash note ${n}`, who)
}

async function send() {
  const n = ++sendNo
  const r = await insist('POST', '/api/v1/messages', JSON.stringify({to: {user: `u${n % PEOPLE}`}, kind: 'text', text: `crash send ${n}`}),
    {'content-type': 'application/json', authorization: `Bearer ${plant.key}`, 'idempotency-key': `send-${n}`})
  sends.set(JSON.parse(r.text).id, `crash send ${n}`)
}

function pump(perSecond, fn) {
  const began = Date.now()
  let started = 0
  const t = setInterval(() => {
    if (!load) { clearInterval(t); return }
    for (; started < (Date.now() - began) / 1000 * perSecond && open < 2000; started++) {
      open++
      fn().finally(() => { open-- })
    }
  }, 10)
}

test(`${KILLS} kills of the gateway and ${REDIS_KILLS} of Redis under load: 0 lost, every repeat explained`, async () => {
  for (let i = 0; i < PEOPLE; i++) {
    await plant.event('cmms.person.upserted.v1', {person: {id: `u${i}`, name: `P${i}`, phone: phone(i), roles: ['technician'], language: 'en'}})
    await plant.event('cmms.workorder.created.v1', {workorder: order(i, {status: 'in_progress', assignees: [{id: `u${i}`}]})})
  }
  for (let i = 0; i < PEOPLE; i++) {
    const body = JSON.stringify({object: 'whatsapp_business_account', entry: [{id: '1', changes: [{field: 'messages', value: {messaging_product: 'whatsapp',
      metadata: {phone_number_id: META.id}, messages: [{from: phone(i).slice(1), id: `wamid.hi${i}`, timestamp: String(Math.floor(Date.now() / 1000)), type: 'text', text: {body: 'Hi'}}]}}]}]})
    await insist('POST', '/whatsapp/webhook', body, {'x-hub-signature-256': 'sha256=' + crypto.createHmac('sha256', META.secret).update(body).digest('hex')})
  }
  await until('everybody verified', async () => (await plant.api('GET', '/api/v1/users?limit=500')).json.items.filter(u => u.verified).length === PEOPLE, 30000)

  // A provider that takes its time, so that kills hit sends under way: those are the ambiguous attempts.
  const slow = await call('PUT', `${plant.sandbox}/_sandbox/faults`, {body: {latency_ms: 40}})
  assert.ok(slow.status < 300, slow.text)
  pump(WEBHOOKS, note)
  pump(SENDS, send)
  let redisKilled = 0
  for (let k = 0; k < KILLS; k++) {
    await sleep(GAP_MS * (0.5 + Math.random()))
    if (redisKilled < REDIS_KILLS && k % 2 === 0) {
      const pid = plant.redisPid()
      if (pid) { process.kill(pid, 'SIGKILL'); redisKilled++ }
      await sleep(300)
    }
    await plant.kill()
    await plant.startGateway()
  }
  load = false
  await until('all requests to be answered', () => open === 0, 60000)
  await settle()
  await compare(redisKilled)
})

// Until nothing moves any more: all messages decided, all notes booked, all events taken.
async function settle() {
  let before = ''
  for (let still = 0, i = 0; still < 4 && i < 120; i++) {
    await sleep(1000)
    const stats = (await call('GET', `${plant.sandbox}/_sandbox/stats`)).text
    const now = `${plant.cmms.ledger.length} ${JSON.parse(stats).accepted?.total ?? stats.length}`
    still = now === before && (i > 8) ? still + 1 : 0
    before = now
  }
}

async function compare(redisKilled) {
  const events = await plant.everything()
  events.forEach((e, i) => assert.equal(e.sequence, String(i + 1), 'the sequence has no gap'))

  const booked = new Map()
  for (const e of events) {
    if (e.type === 'gateway.workorder.note_added.v1') booked.set(e.data.text, (booked.get(e.data.text) ?? 0) + 1)
  }
  const lostNotes = [...notes.keys()].filter(t => !booked.has(t))
  const twiceNotes = [...notes.keys()].filter(t => booked.get(t) > 1)
  assert.deepEqual(lostNotes, [], 'every note answered 200 is booked')
  assert.deepEqual(twiceNotes, [], 'and once')

  const atProvider = new Map()
  for (const m of await plant.messages()) {
    const id = m.correlation?.split('.')[0]
    if (id) atProvider.set(id, (atProvider.get(id) ?? 0) + 1)
  }
  let repeats = 0, ambiguous = 0
  const lost = [], unexplained = []
  for (const id of sends.keys()) {
    const got = atProvider.get(id) ?? 0
    const m = (await plant.api('GET', `/api/v1/messages/${id}`)).json
    const unsure = m.timeline.filter(t => t.state === 'uncertain').length
    ambiguous += unsure
    repeats += Math.max(0, got - 1)
    if (got === 0 && !['uncertain', 'failed', 'expired'].includes(m.state)) lost.push(id)
    if (got === 0 && m.state !== 'uncertain') lost.push(id)
    if (got > 1 + unsure || got > 2) unexplained.push({id, got, timeline: m.timeline})
    assert.ok(['sent', 'delivered', 'read', 'uncertain'].includes(m.state), `${id} has an end: ${JSON.stringify(m)}`)
  }
  assert.deepEqual(lost, [], 'every message answered 202 reached the provider or is recorded as unknown')
  assert.deepEqual(unexplained, [], 'no hand-over without an ambiguous attempt that explains it')

  const books = await plant.command('prove', '--config', plant.config)
  assert.equal(books.code, 0, books.out + books.err)

  const taken = new Set(plant.cmms.taken().map(e => e.id))
  assert.deepEqual(events.filter(e => !taken.has(e.id)).map(e => e.sequence), [], 'every event reached the CMMS')
  const bytes = new Map()
  for (const p of plant.cmms.ledger) {
    if (bytes.has(p.event.id)) assert.equal(p.body, bytes.get(p.event.id), 'the same event, the same bytes')
    bytes.set(p.event.id, p.body)
  }
  console.log(`${notes.size} webhooks and ${sends.size} sends accepted; ${KILLS} gateway kills, ${redisKilled} Redis kills; ` +
    `0 lost; ${repeats} handed over twice, ${ambiguous} ambiguous attempts; ${plant.cmms.ledger.length} callbacks for ${events.length} events`)
}

await run()
