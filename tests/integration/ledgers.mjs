// Load on a plant and the three ledgers that must agree afterwards: what the client was answered 2xx for, what
// the provider got, what the CMMS got (promises P1 to P5).
//
//     const load = new Load(plant, {webhooks: 200, sends: 100})   // a second
//     await load.people(); load.start(); … things go wrong … await load.stop(); await load.compare()
import crypto from 'node:crypto'
import http from 'node:http'
import {META, assert, call, order, sleep, until} from './lib.mjs'

const PEOPLE = 40
const phone = i => `+120255502${String(i).padStart(2, '0')}`

// What plants need that are to be tried hard: short leases, so that what a killed gateway held goes on soon.
export const HARD = {twilio: false, rate: 0, phones: [], sandbox: ['--ledger-max', '500000', '--window-open'],
  file: {delivery: {lease_ms: 3000, uncertain_hold_ms: 4000, send_timeout_ms: 2000},
    callbacks: {schedule_ms: Array(16).fill(500), timeout_ms: 3000}, http: {connections_per_address: 0}}}

// The books balance, and the CMMS took every event of the outbox, the same bytes each time.
export async function balanced(plant, events) {
  events.forEach((e, i) => assert.equal(e.sequence, String(i + 1), 'the sequence has no gap'))
  const proof = await plant.command('prove', '--config', plant.config)
  assert.equal(proof.code, 0, proof.out + proof.err)
  const taken = new Set(plant.cmms.taken().map(e => e.id))
  assert.deepEqual(events.filter(e => !taken.has(e.id)).map(e => e.sequence), [], 'every event reached the CMMS')
  const bytes = new Map()
  for (const p of plant.cmms.ledger) {
    if (bytes.has(p.event.id)) assert.equal(p.body, bytes.get(p.event.id), 'the same event, the same bytes')
    bytes.set(p.event.id, p.body)
  }
}

export class Load {
  notes = new Map()
  sends = new Map() // the client's ledger: what was answered 2xx
  refused = 0 // answers 5xx and 429
  broken = 0 // connections that ended without an answer
  webhookNo = 0
  sendNo = 0
  open = 0
  agent = new http.Agent({keepAlive: true, maxSockets: 64})

  // port(): where the next request goes
  constructor(plant, {webhooks = 60, sends = 40, port = () => plant.port} = {}) {
    Object.assign(this, {plant, webhooks, sendsPerSecond: sends, port})
  }

  // One request, no retry: its status, or 0 when the connection failed.
  request(method, at, body, headers) {
    return new Promise(done => {
      const r = http.request({agent: this.agent, host: '127.0.0.1', port: this.port(), method, path: at, headers: {...headers, 'content-length': Buffer.byteLength(body)}, timeout: 8000}, res => {
        let text = ''
        res.on('data', d => { text += d })
        res.on('end', () => done({status: res.statusCode, text, headers: res.headers}))
        res.on('error', () => done({status: 0}))
      })
      r.on('timeout', () => r.destroy())
      r.on('error', e => done({status: 0, error: e.code}))
      r.end(body)
    })
  }

  // As providers and a careful CMMS do: the very same again until it is answered 2xx.
  async insist(method, at, body, headers) {
    for (let wait = 100; ; wait = Math.min(wait * 1.5, 1500)) {
      const r = await this.request(method, at, body, headers)
      if (r.status >= 200 && r.status < 300) return r
      if (r.status === 0) this.broken++
      else if (r.status >= 500 || r.status === 429) {
        this.refused++
        if (r.status === 503) assert.ok(Number(r.headers['retry-after']) > 0, `503 without Retry-After: ${r.text}`)
      } else throw new Error(`${method} ${at}: ${r.status} ${r.text}`)
      this.lastRefusal = r
      await sleep(wait)
    }
  }

  webhook(who, id, text) {
    const body = JSON.stringify({object: 'whatsapp_business_account', entry: [{id: '1', changes: [{field: 'messages', value: {
      messaging_product: 'whatsapp', metadata: {display_phone_number: META.number.slice(1), phone_number_id: META.id},
      contacts: [{profile: {name: `P${who}`}, wa_id: phone(who).slice(1)}],
      messages: [{from: phone(who).slice(1), id, timestamp: String(Math.floor(Date.now() / 1000)), type: 'text', text: {body: text}}]}}]}]})
    const signature = 'sha256=' + crypto.createHmac('sha256', META.secret).update(body).digest('hex')
    return this.insist('POST', '/whatsapp/webhook', body, {'content-type': 'application/json', 'x-hub-signature-256': signature})
  }

  async note() {
    const n = ++this.webhookNo
    await this.webhook(n % PEOPLE, `wamid.${Buffer.from(`crash-${n}`).toString('base64')}`, `NOTE crash note ${n}`)
    this.notes.set(`crash note ${n}`, n % PEOPLE)
  }

  async send() {
    const n = ++this.sendNo, from = Date.now()
    const r = await this.insist('POST', '/api/v1/messages', JSON.stringify({to: {user: `u${n % PEOPLE}`}, kind: 'text', text: `crash send ${n}`}),
      {'content-type': 'application/json', authorization: `Bearer ${this.plant.key}`, 'idempotency-key': `send-${n}`})
    this.sends.set(JSON.parse(r.text).id, {from, to: Date.now()})
  }

  // Everybody verified, each with a work order in his hands.
  async people() {
    const {plant} = this
    for (let i = 0; i < PEOPLE; i++) {
      await plant.event('cmms.person.upserted.v1', {person: {id: `u${i}`, name: `P${i}`, phone: phone(i), roles: ['technician'], language: 'en'}})
      await plant.event('cmms.workorder.created.v1', {workorder: order(i, {status: 'in_progress', assignees: [{id: `u${i}`}]})})
    }
    for (let i = 0; i < PEOPLE; i++) await this.webhook(i, `wamid.hi${i}`, 'Hi')
    await until('everybody verified', async () => (await plant.api('GET', '/api/v1/users?limit=500')).json.items.filter(u => u.verified).length === PEOPLE, 30000)
  }

  // A provider that takes its time, so that what goes wrong hits sends under way.
  async start({latency_ms = 40} = {}) {
    const slow = await call('PUT', `${this.plant.sandbox}/_sandbox/faults`, {body: {latency_ms}})
    assert.ok(slow.status < 300, slow.text)
    this.on = true
    this.pump(this.webhooks, () => this.note())
    this.pump(this.sendsPerSecond, () => this.send())
  }

  pump(perSecond, fn) {
    const began = Date.now()
    let started = 0
    const t = setInterval(() => {
      if (!this.on) { clearInterval(t); return }
      for (; started < (Date.now() - began) / 1000 * perSecond && this.open < 2000; started++) {
        this.open++
        fn().catch(e => { this.error ??= e }).finally(() => { this.open-- })
      }
    }, 10)
  }

  async stop() {
    this.on = false
    await until(() => `all requests to be answered; the last refusal: ${JSON.stringify(this.lastRefusal)?.slice(0, 300)}`, () => this.open === 0, 60000)
    if (this.error) throw this.error
  }

  // Neither for its turn nor for a lease to run out.
  async nothingWaits() {
    const {out} = await this.plant.command('prove', '--json', '--config', this.plant.config)
    const {inputs, messages, events} = out.startsWith('{') ? JSON.parse(out).tenants[0] : {}
    return inputs && inputs.waiting + messages.queued + messages.sending + messages.held + events.waiting === 0
  }

  // Until nothing moves any more: all messages decided, all notes booked, all events taken.
  async settle(least = 5) {
    let before = ''
    for (let still = 0, i = 0; i < 120 && !(still >= 4 && await this.nothingWaits()); i++) {
      await sleep(1000)
      const stats = (await call('GET', `${this.plant.sandbox}/_sandbox/stats`)).text
      const now = `${this.plant.cmms.ledger.length} ${JSON.parse(stats).accepted?.total ?? stats.length}`
      still = now === before && i > least ? still + 1 : 0
      before = now
    }
  }

  // Whatever was killed, and however often: no input is to blame for it, so none is given up.
  async nothingSetAside() {
    const {json} = await this.plant.api('GET', '/api/v1/dead_letters?kind=inbound&limit=500')
    const aside = json.items.map(d => JSON.stringify(d))
    assert.deepEqual(aside, [], 'no webhook and no event of the CMMS was set aside')
  }

  // What there is to know about a note that was lost.
  async tellOf(note) {
    const {plant} = this, who = this.notes.get(note)
    console.log(note, 'of', (await plant.api('GET', `/api/v1/users/u${who}`)).text)
    console.log((await plant.command('prove', '--config', plant.config)).out)
    console.log('said to him last:', (await plant.messages(phone(who))).slice(-8).map(m => JSON.stringify(m)).join('\n'))
    console.log(plant.log().split('\n').slice(-60).join('\n'))
  }

  // What they say of each other; throws where they do not agree.
  async compare() {
    const {plant, notes, sends} = this
    const events = await plant.everything()
    const booked = new Map()
    for (const e of events) {
      if (e.type === 'gateway.workorder.note_added.v1') booked.set(e.data.text, (booked.get(e.data.text) ?? 0) + 1)
    }
    await this.nothingSetAside()
    const missing = [...notes.keys()].filter(t => !booked.has(t))
    if (missing.length > 0) await this.tellOf(missing[0])
    assert.deepEqual(missing, [], 'every note answered 200 is booked')
    assert.deepEqual([...notes.keys()].filter(t => booked.get(t) > 1), [], 'and once')

    const atProvider = new Map(), newest = new Map()
    for (const m of await plant.messages()) {
      const id = m.correlation?.split('.')[0], asked = sends.get(id)
      if (asked && !atProvider.has(id)) { // its first hand-over: behind all that had been accepted before it was asked for
        const before = newest.get(m.to)
        assert.ok(!(before > asked.to), `${m.to} got ${m.text} behind what was asked for ${before - asked.to} ms after it was accepted`)
        newest.set(m.to, Math.max(before ?? 0, asked.from))
      }
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
      if (got === 0 && m.state !== 'uncertain') lost.push(id)
      if (got > 1 + unsure || got > 2) unexplained.push({id, got, timeline: m.timeline})
      assert.ok(['sent', 'delivered', 'read', 'uncertain'].includes(m.state), `${id} has an end: ${JSON.stringify(m)}`)
    }
    assert.deepEqual(lost, [], 'every message answered 202 reached the provider or is recorded as unknown')
    assert.deepEqual(unexplained, [], 'no hand-over without an ambiguous attempt that explains it')

    await balanced(plant, events)
    return {repeats, ambiguous, events, summary: `${notes.size} webhooks and ${sends.size} sends accepted, ${this.refused} refusals and ` +
      `${this.broken} broken connections on the way; 0 lost; ${repeats} handed over twice, ${ambiguous} ambiguous attempts; ` +
      `${plant.cmms.ledger.length} callbacks for ${events.length} events`}
  }
}
