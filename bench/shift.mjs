#!/usr/bin/env node
// A crew working a shift, many times faster than life: orders, commands, photos, checklists, one emergency with
// its roll call, one critical alert. Every technician is a program that reads his phone and acts as people do:
// after a while, not always, sometimes twice. The CMMS says back what it booked. At the end the three ledgers
// must agree (what the crew did, what the provider got, what the CMMS got), every order's timeline must be
// complete, and `crewline prove` must balance; else the exit status is 1.
//
//     bench/shift.mjs [--technicians 500] [--hours 8] [--speed 20] [--orders 3] [--seed 1]
//
// The binaries are those of $CREWLINE_TEST_BUILD, or build/.
import crypto from 'node:crypto'
import {fileURLToPath} from 'node:url'
import {META, Plant, TWILIO, assert, order, sleep, until} from '../tests/integration/lib.mjs'

const MINUTE = 60_000
const ITEMS = ['Guards in place', 'No leaks', 'Oil level', 'Belts tight', 'Emergency stop', 'Floor clean']

const random = seed => () => { // mulberry32
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const photo = n => {
  const b = crypto.randomBytes(20000)
  Buffer.from([0xff, 0xd8, 0xff, 0xe0]).copy(b)
  b.writeUInt32BE(n, 100)
  return b
}
const sha = b => crypto.createHash('sha256').update(b).digest('hex')
const quantile = (list, q) => list.length === 0 ? 0 : list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))]

class Technician {
  constructor(shift, i) {
    this.shift = shift
    this.i = i
    this.id = `t${i}`
    this.name = `Tech ${i}`
    this.twilio = i % 4 === 3 // a quarter of the crew on the other provider
    this.phone = `+1202555${String(1000 + i)}`
    this.sender = this.twilio ? TWILIO.number : META.number
    this.queue = Promise.resolve()
  }

  // One thing after the other, as with one pair of thumbs.
  does(fn) {
    this.queue = this.queue.then(() => this.shift.on ? fn() : undefined).catch(e => { this.shift.error ??= e })
  }

  async say(text, more = {}) {
    const r = await this.shift.plant.inbound({from: this.phone, to: this.sender, type: 'text', text, ...more})
    this.shift.said.set(r.id, this.phone)
    return r
  }

  tap(m, title) {
    return this.say(undefined, {type: 'button', text: undefined, button: {title}, quote: m.id})
  }

  // From `least` to `most` minutes of his time.
  pause(least, most) {
    return sleep((least + this.shift.random() * (most - least)) * MINUTE / this.shift.o.speed)
  }

  hears(m) {
    const titles = (m.buttons ?? []).map(b => b.title)
    const number = m.text?.match(/WO-\d+-\d+/)?.[0]

    if (m.text?.includes('New Work Order Assigned')) this.does(() => this.work(m, number))
    else if (titles.includes('✔ Done')) this.does(() => this.item(m))
    else if (titles.includes('Start') && m.text?.includes('Checklist')) this.does(() => this.tap(m, 'Start'))
    else if (titles.includes('I am safe')) this.does(() => this.safe(m))
    else if (titles.includes('Responding')) this.does(() => this.alert(m))
    else if (/what is the matter|why\b/i.test(m.text ?? '') && titles.includes('Skip')) this.does(() => this.say('no spare part here'))
  }

  async work(m, number) {
    const {shift} = this, done = shift.orders.get(number)

    await this.pause(0.5, 4)
    await this.tap(m, 'Start Work')
    done.started++
    await this.pause(5, 25)
    if (shift.random() < 0.5) {
      await this.say(`NOTE ${number} greased by ${this.id}.`)
      done.notes++
    }
    if (shift.random() < 0.4) {
      const bytes = photo(shift.nphotos++)
      await this.say(undefined, {type: 'image', text: undefined, media: {mime: 'image/jpeg', data: bytes.toString('base64'), caption: number}})
      done.photos.push(sha(bytes))
    }
    await this.pause(1, 3)
    await this.say(`COMPLETE ${number}`)
    done.completed++
  }

  async item(m) {
    await this.pause(0.1, 0.6)
    await this.tap(m, this.shift.random() < 0.9 ? '✔ Done' : '✖ Not Done')
    this.shift.items++
  }

  async safe(m) {
    await this.pause(0.1, 3)
    await this.tap(m, 'I am safe')
    this.shift.safe.add(this.id)
  }

  async alert(m) {
    if (this.shift.responding++ > 2) return
    await this.pause(0.1, 1)
    await this.tap(m, 'Responding')
  }

  async asks() {
    for (const text of ['MY WORK', 'STATUS', 'PENDING']) {
      await sleep(this.shift.random() * this.shift.ms / 3)
      if (this.shift.on) await this.say(text)
    }
  }
}

export class Shift {
  constructor(o = {}) {
    this.o = {technicians: 500, hours: 8, speed: 20, orders: 3, seed: 1, say: () => {}, ...o}
    this.random = random(this.o.seed)
    this.ms = this.o.hours * 60 * MINUTE / this.o.speed
    this.orders = new Map()
    this.safe = new Set()
    this.said = new Map()
    this.items = this.nphotos = this.responding = this.seq = 0
  }

  async run() {
    this.plant = await new Plant({rate: 0, phones: [], sandbox: ['--ledger-max', '2000000', '--window-open', '--read-ms', '50'],
      twilioSender: {numbered_options: false}}).start()
    try {
      await this.crew()
      await this.work()
      return await this.compare()
    } finally {
      this.on = false
      await this.plant.stop()
    }
  }

  async crew() {
    this.people = Array.from({length: this.o.technicians}, (_, i) => new Technician(this, i))
    this.byPhone = new Map(this.people.map(p => [p.phone, p]))
    const r = await this.plant.api('POST', '/api/v1/users/import', this.people.map(p => ({id: p.id, name: p.name, phone: p.phone,
      roles: ['technician'], teams: [`team${p.i % 10}`], site: `hall${p.i % 5}`, language: 'en'})))
    assert.equal(r.status, 200, r.text)
    assert.deepEqual(r.json.failed, [])
    for (const p of this.people) await this.plant.inbound({from: p.phone, to: p.sender, type: 'text', text: 'Hi'})
    await until('everybody is verified', async () => (await this.users()).every(u => u.verified), 120000)
    this.o.say(`${this.people.length} technicians are at work; the shift takes ${Math.round(this.ms / 1000)} s`)
  }

  async users() {
    const all = []
    for (let cursor = ''; ;) {
      const r = (await this.plant.api('GET', `/api/v1/users?limit=500${cursor}`)).json
      all.push(...r.items)
      if (!r.next_cursor) return all
      cursor = `&cursor=${encodeURIComponent(r.next_cursor)}`
    }
  }

  async accepted(type, data, more) {
    const r = await this.plant.event(type, data, more)
    assert.equal(r.json?.results?.[0]?.status, 'accepted', r.text)
  }

  // Every phone is read as it rings.
  async phones() {
    while (this.reading) {
      const r = (await (await fetch(`${this.plant.sandbox}/_sandbox/messages?direction=out&after=${this.seq}&limit=1000`)).json()).items
      for (const m of r) this.byPhone.get(m.to)?.hears(m)
      this.seq = r.at(-1)?.seq ?? this.seq
      await sleep(r.length > 0 ? 5 : 40)
    }
  }

  // The CMMS books what it is asked for, and tells so.
  async cmms() {
    let at = 0
    while (this.reading) {
      const taken = this.plant.cmms.ledger.slice(at)
      at += taken.length
      for (const {event: e} of taken) {
        const o = e.type === 'gateway.workorder.status_requested.v1' ? this.orders.get(e.subject) : undefined
        if (o === undefined || o.booked.has(e.id)) continue
        o.booked.add(e.id)
        o.doc = {...o.doc, status: e.data.to, rev: o.doc.rev + 1}
        await this.accepted('cmms.workorder.status_changed.v1', {workorder: o.doc, previous: {status: e.data.from}, by: {id: e.data.person.id}}, {subject: o.doc.number})
      }
      await sleep(20)
    }
  }

  async assign() {
    const total = this.people.length * this.o.orders, gap = this.ms * 0.6 / total
    for (let n = 0; n < total && this.on; n++) {
      const who = this.people[n % this.people.length]
      const doc = {...order(n + 1, {assignees: [{id: who.id}], location: {id: `hall${who.i % 5}`, name: 'Hall'}}), number: `WO-2026-${String(n + 1).padStart(5, '0')}`}
      this.orders.set(doc.number, {doc, who, started: 0, completed: 0, notes: 0, photos: [], booked: new Set()})
      await this.accepted('cmms.workorder.created.v1', {workorder: doc}, {subject: doc.number})
      await sleep(gap * (0.5 + this.random()))
    }
  }

  async checklists() {
    for (const p of this.people) {
      await this.accepted('cmms.checklist.due.v1', {checklist: {id: `daily-${p.id}`, name: 'Daily round', period: 'daily',
        items: ITEMS.map((label, i) => ({id: `i${i}`, label, kind: 'check', required: true})), assignees: [{id: p.id}]}})
      await sleep(this.ms * 0.1 / this.people.length)
    }
  }

  async emergency() {
    await sleep(this.ms * 0.5)
    const r = await this.plant.api('POST', '/api/v1/broadcasts', {text: 'Gas leak in hall 3. Leave the building.', title: 'Gas leak', priority: 'critical',
      ask: 'safety', audience: {all: true}, confirm: this.people.length})
    assert.equal(r.status, 202, r.text)
    this.broadcast = r.json.id
    await this.accepted('cmms.alert.raised.v1', {alert: {id: 'AL-1', asset: {id: 'p1', name: 'Pump Station P-01'}, severity: 'critical',
      text: 'Temperature exceeds 95°C threshold', ladder: [{to: {teams: ['team3']}, wait_s: 300, need: 1}]}}).catch(e => { this.noAlerts = e })
  }

  async work() {
    this.on = this.reading = true
    const readers = [this.phones(), this.cmms()]
    const began = Date.now()
    await Promise.all([this.assign(), this.checklists(), this.emergency(), ...this.people.map(p => p.asks())])
    await sleep(Math.max(0, began + this.ms - Date.now()))
    await until('the work in hand to end', async () => {
      if (this.error) throw this.error
      return [...this.orders.values()].every(o => o.completed > 0) && this.safe.size === this.people.length
    }, this.ms + 120000)
    await Promise.all(this.people.map(p => p.queue))
    await this.settled()
    this.reading = this.on = false
    await Promise.all(readers)
  }

  // Nothing is on its way any more: the CMMS has had nothing new for two seconds, and no message waits.
  async settled() {
    for (let last = -1, at = Date.now(); Date.now() - at < 2000; await sleep(100)) {
      if (this.plant.cmms.ledger.length !== last) { last = this.plant.cmms.ledger.length; at = Date.now() }
    }
    await until('no message to wait', async () => (await this.plant.api('GET', '/api/v1/messages?state=queued&limit=1')).json.items.length === 0, 60000)
  }

  async compare() {
    const events = this.plant.cmms.taken()
    const of = type => events.filter(e => e.type === `gateway.${type}.v1`)
    const problems = []
    const same = (what, got, want) => { if (JSON.stringify(got) !== JSON.stringify(want)) problems.push(`${what}: ${JSON.stringify(got)}, not ${JSON.stringify(want)}`) }

    // The CMMS: gap-free, each once, and all that the crew did.
    const sequence = (await this.plant.everything()).map(e => Number(e.sequence))
    same('sequence', sequence.every((s, i) => s === i + 1), true)
    same('events that the CMMS took', events.length, sequence.length)
    const status = of('workorder.status_requested'), notes = of('workorder.note_added'), media = of('workorder.media_attached')
    for (const [number, o] of this.orders) {
      const mine = list => list.filter(e => e.subject === number)
      same(`${number} steps`, mine(status).map(e => e.data.to), ['in_progress', 'completed'])
      same(`${number} notes`, mine(notes).length, o.notes)
      same(`${number} photos`, mine(media).map(e => e.data.media.sha256).sort(), [...o.photos].sort())
    }
    same('checklists', of('checklist.submitted').length, this.people.length)
    same('safe', of('broadcast.answered').filter(e => e.data.answer === 'safe').length, this.people.length)
    if (!this.noAlerts) same('alert', of('alert.responded').length > 0, true)

    // The orders' timelines.
    for (const [number, o] of this.orders) {
      const t = (await this.plant.api('GET', `/api/v1/work_orders/${number}/timeline?limit=500`)).json.items
      const kinds = kind => t.filter(e => e.kind === kind).length
      same(`${number} timeline`, [kinds('created'), kinds('note'), kinds('media') >= o.photos.length,
        t.some(e => e.kind === 'status' && /in_progress$/.test(e.text)), t.some(e => e.kind === 'status' && /completed$/.test(e.text))],
      [1, o.notes, true, true, true])
    }

    // The provider: nothing twice.
    const all = await this.ledger()
    const ours = all.filter(m => m.direction === 'out')
    const ids = ours.map(m => m.correlation?.split('.')[0]).filter(Boolean)
    same('messages that reached a phone twice', ids.length - new Set(ids).size, 0)
    const prove = await this.plant.command('prove', '--config', this.plant.config)
    same('crewline prove', prove.code, 0)
    return {problems, figures: this.figures(all, ours, events)}
  }

  async ledger() {
    const items = []
    for (let at = 0; ;) {
      const r = await (await fetch(`${this.plant.sandbox}/_sandbox/messages?direction=all&after=${at}&limit=1000`)).json()
      if (r.items.length === 0) return items
      items.push(...r.items)
      at = r.items.at(-1).seq
    }
  }

  // From a word or tap on the phone to the next message on it.
  figures(all, ours, events) {
    const answers = [], asked = new Map()
    for (const m of all) {
      if (m.direction === 'in') asked.set(m.from, m.at_us)
      else if (asked.has(m.to)) {
        answers.push((m.at_us - asked.get(m.to)) / 1000)
        asked.delete(m.to)
      }
    }
    return {technicians: this.people.length, orders: this.orders.size, photos: [...this.orders.values()].reduce((n, o) => n + o.photos.length, 0),
      items: this.items, said: all.length - ours.length, messages: ours.length, events: events.length,
      answer_p50_ms: Math.round(quantile(answers, 0.5)), answer_p99_ms: Math.round(quantile(answers, 0.99))}
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const o = {say: text => console.log(text)}
  for (let i = 2; i < process.argv.length; i += 2) o[process.argv[i].replace(/^--/, '')] = Number(process.argv[i + 1])
  const shift = new Shift(o)
  const {problems, figures} = await shift.run()
  for (const p of problems.slice(0, 50)) console.log(`PROBLEM ${p}`)
  console.log(Object.entries(figures).map(([k, v]) => `${k} ${v}`).join(', '))
  console.log(problems.length === 0 ? 'the three ledgers agree; every timeline is complete' : `${problems.length} problems`)
  process.exit(problems.length === 0 ? 0 : 1)
}
