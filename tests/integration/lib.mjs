// What the integration tests share: a plant in a box (private Redis, sandbox, gateway, CMMS stub) in a
// temporary folder, and a tiny harness whose last line is "N passed, N failed".
//
//     import {test, run, Plant} from './lib.mjs'
//     test('a name that says what holds', async () => { … assert … })
//     await run()
import assert from 'node:assert/strict'
import {execFile, spawn} from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import {fileURLToPath} from 'node:url'

export {assert}
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
export const build = process.env.CREWLINE_TEST_BUILD ?? path.join(root, 'build')

const tests = []
export const test = (name, fn) => tests.push({name, fn})

export async function run() {
  let passed = 0, failed = 0
  const only = process.argv[2]
  for (const {name, fn} of tests) {
    if (only && !name.includes(only)) continue
    const began = Date.now()
    try {
      await fn()
      passed++
      console.log(`ok ${name} (${Date.now() - began} ms)`)
    } catch (e) {
      failed++
      console.log(`FAILED ${name}\n${e.stack}`)
    }
  }
  for (const p of Plant.open) await p.stop().catch(() => {})
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed === 0 ? 0 : 1)
}

export const sleep = ms => new Promise(done => setTimeout(done, ms))

// Waits until fn() gives something true; the deadline is generous, since two cores run everything at once.
export async function until(what, fn, ms = 10000) {
  const end = Date.now() + ms
  for (;;) {
    const got = await fn()
    if (got) return got
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${typeof what === 'function' ? await what() : what}`)
    await sleep(15)
  }
}

// Below those that the kernel gives to connections: none of these takes it while a gateway is dead, nor does a
// connection to it meet itself.
export async function freePort() {
  for (;;) {
    const port = 10000 + Math.floor(Math.random() * 20000)
    const free = await new Promise(done => {
      const s = net.createServer().once('error', () => done(false))
      s.listen(port, '127.0.0.1', () => s.close(() => done(true)))
    })
    if (free) return port
  }
}

export async function call(method, url, {body, headers = {}, raw = false, timeout = 20000} = {}) {
  const text = body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  if (text !== undefined && !Object.keys(headers).some(h => h.toLowerCase() === 'content-type')) {
    headers = {...headers, 'content-type': 'application/json'}
  }
  const r = await fetch(url, {method, headers, body: text, signal: AbortSignal.timeout(timeout), redirect: 'manual'})
  const got = await r.text()
  let json
  try { json = JSON.parse(got) } catch { /* not all answers are JSON */ }
  return {status: r.status, headers: r.headers, text: got, json: raw ? undefined : json}
}

// The CMMS: takes events, keeps a ledger of every post, answers as it is told.
export class Cmms {
  ledger = []
  answer = () => ({status: 204})
  async start() {
    this.server = http.createServer((req, res) => {
      const parts = []
      req.on('data', d => parts.push(d))
      req.on('end', () => {
        const body = Buffer.concat(parts).toString()
        const post = {headers: req.headers, body, event: JSON.parse(body), at: Date.now()}
        const a = this.answer(post, this.ledger.length) ?? {status: 204}
        post.status = a.status
        this.ledger.push(post)
        if (a.hang) return
        res.writeHead(a.status, a.headers ?? {})
        res.end(a.body === undefined ? undefined : JSON.stringify(a.body))
      })
    })
    await new Promise(done => this.server.listen(this.port ?? 0, '127.0.0.1', done))
    this.port = this.server.address().port
    this.url = `http://127.0.0.1:${this.port}/hooks`
    return this
  }
  taken() { // events that were answered 2xx, without repeats, in the order of their first acceptance
    const seen = new Map()
    for (const p of this.ledger) if (p.status < 300 && !seen.has(p.event.id)) seen.set(p.event.id, p.event)
    return [...seen.values()]
  }
  async stop() {
    this.server?.closeAllConnections()
    await new Promise(done => this.server ? this.server.close(done) : done())
  }
}

// Our environment without what would be settings of a gateway.
export const ownEnv = () => Object.fromEntries(Object.entries(process.env).filter(([k]) => !/^(CREWLINE|WHATSAPP|TWILIO|CMMS|REDIS)_/.test(k)))

export const META = {id: '106540352242922', waba: '102290129340398', number: '+12025550100', token: 'sandbox-token', verify: 'sandbox-verify',
  secret: '0123456789abcdef0123456789abcdef'}
export const TWILIO = {sid: 'AC0123456789abcdef0123456789abcdef', token: 'fedcba9876543210fedcba9876543210',
  number: '+12025550177'}
export const SIGNING = 'whsec_' + Buffer.from('a secret of thirty-two bytes, ok').toString('base64')

export class Plant {
  static open = new Set()
  constructor(options = {}) {
    this.o = {meta: true, twilio: true, callback: true, rate: 0, env: {}, sandbox: [], ...options}
  }

  async start() {
    Plant.open.add(this)
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'crewline-it-'))
    this.sandboxPort = await freePort()
    this.port = await freePort()
    this.key = 'bootstrap-key-of-the-test-0123456789'
    this.sandbox = `http://127.0.0.1:${this.sandboxPort}`
    this.url = `http://127.0.0.1:${this.port}`
    if (this.o.callback) this.cmms = await new Cmms().start()
    this.writeConfig()
    this.startSandbox()
    await until('the sandbox', () => call('GET', `${this.sandbox}/_sandbox/stats`).then(r => r.status === 200, () => false))
    await this.startGateway()
    return this
  }

  writeConfig() {
    const senders = []
    const rates = {rate_per_second: this.o.rate, pair_interval_ms: this.o.pair ?? 0}
    if (this.o.meta) {
      senders.push({id: 'meta', provider: 'meta', number: META.number, phone_number_id: META.id,
        business_account_id: META.waba, access_token: META.token,
        app_secret: META.secret, verify_token: META.verify, api_base: this.sandbox, ...rates})
    }
    if (this.o.twilio) {
      senders.push({id: 'twilio', provider: 'twilio', number: TWILIO.number, account_sid: TWILIO.sid, auth_token: TWILIO.token,
        api_base: this.sandbox, content_base: this.sandbox, ...rates, ...this.o.twilioSender})
    }
    const cmms = this.o.callback ? {callback_url: this.cmms.url, signing_secret: SIGNING} : undefined
    const tenant = {id: 'acme', name: 'Acme Plant', timezone: 'Europe/Madrid', default_language: 'en', senders, cmms,
      ...this.o.tenant}
    this.config = path.join(this.dir, 'crewline.json')
    fs.writeFileSync(this.config, JSON.stringify({...this.o.file, tenants: [tenant, ...(this.o.tenants ?? [])]}))
  }

  startSandbox() {
    const log = fs.openSync(path.join(this.dir, 'sandbox.log'), 'a')
    const phones = (this.o.phones ?? PHONES).flatMap(p => ['--phone', `${p.number}:${p.name}:${p.language}`])
    this.sandboxChild = spawn(path.join(build, 'crewline-sandbox'),
      ['--listen', `127.0.0.1:${this.sandboxPort}`, '--gateway', this.url, '--meta-id', META.id, '--meta-number', META.number,
        '--meta-token', META.token, '--meta-secret', META.secret, '--meta-verify', META.verify, '--meta-rate', '0',
        '--twilio-sid', TWILIO.sid, '--twilio-token', TWILIO.token, '--twilio-number', TWILIO.number, '--twilio-rate', '0',
        '--no-pair-limit', '--concurrency-max', '0', ...phones, ...this.o.sandbox], {stdio: ['ignore', log, log]})
  }

  env(extra = {}) {
    // A folder of its own as working directory: no .env of the developer's gets in.
    return {...ownEnv(), CREWLINE_LISTEN: `127.0.0.1:${this.port}`, CREWLINE_DATA_DIR: path.join(this.dir, 'data'),
      CREWLINE_BOOTSTRAP_KEY: this.key, CREWLINE_ALLOW_PRIVATE_CALLBACKS: 'true', ...this.o.env, ...extra}
  }

  spawnGateway(args = ['serve', '--config', this.config], extra = {}) {
    const log = fs.openSync(path.join(this.dir, 'gateway.log'), 'a')
    return spawn(path.join(build, 'crewline'), args, {stdio: ['ignore', log, log], cwd: this.dir, env: this.env(extra)})
  }

  async startGateway() {
    this.gateway = this.spawnGateway()
    this.gateway.exited = new Promise(done => this.gateway.on('exit', (code, signal) => done({code, signal})))
    await this.ready()
  }

  ready(ms = 20000) {
    return until(() => `the gateway: ${this.log().slice(-600)}`,
      () => call('GET', `${this.url}/readyz`).then(r => r.status === 200, () => false), ms)
  }

  log() { return fs.readFileSync(path.join(this.dir, 'gateway.log'), 'utf8') }

  // A command of the command line: {code, out, err}
  command(...args) {
    return new Promise(done => {
      const c = spawn(path.join(build, 'crewline'), args, {cwd: this.dir, env: this.env()})
      let out = '', err = ''
      c.stdout.on('data', d => { out += d })
      c.stderr.on('data', d => { err += d })
      c.on('close', code => done({code, out, err})) // 'exit' may come before the last of what it wrote
    })
  }

  async kill() { // kill -9 of the gateway
    this.gateway.kill('SIGKILL')
    await this.gateway.exited
  }

  redis(...args) { // one command on the private Redis: its answer as redis-cli prints it
    return new Promise((done, fail) => execFile('redis-cli', ['-s', path.join(this.dir, 'data/redis/redis.sock'), ...args],
      {maxBuffer: 1 << 26}, (e, out) => e ? fail(e) : done(out.trimEnd())))
  }

  // The gateway has nothing in hand and nothing waits for it: whoever kills it now leaves no lease behind that somebody
  // must wait for, and what the CMMS is to hear it has heard. What is to be done later than in a second is left out.
  async quiet() {
    return (await this.redis('EVAL', `local t, n = redis.call('TIME'), #redis.call('KEYS', '{acme}:[lk]:*')
      for _, key in ipairs(redis.call('KEYS', '{acme}:s:*')) do n = n + redis.call('ZCOUNT', key, '-inf', t[1] * 1000 + 1000) end
      return n`, '0')) === '0'
  }

  // Nothing is on its way at all: also no status or webhook of the sandbox. It is asked before and after: had the gateway
  // sent something in between, its statuses would be to come.
  async idle() {
    const resting = async () => {
      const {scheduled, in_flight, accepted, webhooks} = (await call('GET', `${this.sandbox}/_sandbox/stats`)).json
      return scheduled <= 1 && in_flight + webhooks.waiting + webhooks.in_flight === 0 && // one: the ping of its page
        `${accepted.total} ${webhooks.posted}`
    }
    await until('no work', async () => {
      const before = await resting()
      return before && await this.quiet() && await resting() === before
    }, 20000)
  }

  redisPid() {
    const conf = path.join(this.dir, 'data/redis/redis.sock')
    for (const pid of fs.readdirSync('/proc').filter(p => /^\d+$/.test(p))) {
      try {
        const cmd = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        if (cmd.includes('redis-server') && cmd.includes(path.dirname(conf))) return Number(pid)
        if (cmd.includes('redis-server') && fs.readlinkSync(`/proc/${pid}/cwd`) === path.dirname(conf)) return Number(pid)
      } catch { /* gone meanwhile */ }
    }
    return undefined
  }

  api(method, at, body, headers = {}) {
    return call(method, this.url + at, {body, headers: {authorization: `Bearer ${this.key}`, ...headers}})
  }

  event(type, data, more = {}) {
    this.n = (this.n ?? 0) + 1
    return this.api('POST', '/api/v1/events', {specversion: '1.0', id: `e${this.n}-${Date.now()}`, source: '/cmms/acme', type, data,
      ...more}, {'content-type': 'application/cloudevents+json'})
  }

  async inbound(what) {
    const r = await call('POST', `${this.sandbox}/_sandbox/inbound`, {body: what})
    assert.equal(r.status, 200, r.text)
    return r.json
  }

  async messages(to, after = 0) { // what reached a phone, oldest first
    const items = []
    for (let at = after; ;) {
      const r = await call('GET', `${this.sandbox}/_sandbox/messages?direction=out&after=${at}&limit=1000` +
        (to ? `&to=${encodeURIComponent(to)}` : ''))
      items.push(...r.json.items)
      if (r.json.items.length === 0) return items
      at = r.json.items.at(-1).seq
    }
  }

  // The next message to a phone that fits, after what was seen before by this call.
  async expect(to, fits, what = 'a message', ms = 10000) {
    this.seen ??= new Map()
    return until(() => `${what} to ${to}; log: ${this.log().slice(-500)}`, async () => {
      const found = (await this.messages(to, this.seen.get(to) ?? 0)).find(m => typeof fits === 'string' ? m.text?.includes(fits) : fits(m))
      if (found) this.seen.set(to, found.seq)
      return found
    }, ms)
  }

  async outbox(after) {
    const r = await this.api('GET', '/api/v1/outbox' + (after ? `?after=${encodeURIComponent(after)}` : ''))
    assert.equal(r.status, 200, r.text)
    return r.json
  }

  async everything() { // the whole outbox
    const items = []
    for (let after; ;) {
      const page = await this.outbox(after)
      items.push(...page.items)
      if (page.items.length === 0) return items
      after = page.next_cursor
    }
  }

  // A person who has greeted: verified, and inside the 24-hour window of the number he wrote to.
  async person(id, phone, more = {}, sender = META.number) {
    const r = await this.event('cmms.person.upserted.v1', {person: {id, name: id, phone, roles: ['technician'], language: 'en', ...more}})
    assert.equal(r.json?.results?.[0]?.status, 'accepted', r.text)
    await until(`person ${id}`, async () => (await this.api('GET', `/api/v1/users/${id}`)).status === 200)
    await this.inbound({from: phone, to: sender, type: 'text', text: 'Hi'})
    await until(`${id} to be verified`, async () => (await this.api('GET', `/api/v1/users/${id}`)).json.verified)
  }

  async stop() {
    Plant.open.delete(this)
    if (this.gateway && this.gateway.exitCode === null && this.gateway.signalCode === null) {
      this.gateway.kill('SIGTERM')
      const late = setTimeout(() => this.gateway.kill('SIGKILL'), 20000)
      this.exit = await this.gateway.exited
      clearTimeout(late)
    }
    this.sandboxChild?.kill('SIGTERM')
    await this.cmms?.stop()
    if (!process.env.CREWLINE_TEST_KEEP) fs.rmSync(this.dir, {recursive: true, force: true, maxRetries: 10})
    return this.exit
  }
}

export const PHONES = [
  {number: '+12025550117', name: 'Ana', language: 'es'},
  {number: '+12025550128', name: 'John', language: 'en'},
  {number: '+12025550139', name: 'Priya', language: 'hi'},
  {number: '+12025550140', name: 'Omar', language: 'ar'},
  {number: '+12025550141', name: 'Maria', language: 'en'},
]
export const ANA = PHONES[0].number, JOHN = PHONES[1].number, PRIYA = PHONES[2].number, OMAR = PHONES[3].number, MARIA = PHONES[4].number

// Always a while from now.
export const DUE_YEAR = new Date().getUTCFullYear() + 1
export const order = (n, more = {}) => ({id: `w${n}`, number: `WO-2024-${String(n).padStart(3, '0')}`, title: 'Replace Motor Bearing',
  status: 'open', priority: 'high', asset: {id: 'a1', name: 'Conveyor Belt A-01'}, due_at: `${DUE_YEAR}-12-25T10:00:00Z`,
  description: 'Bearing showing signs of wear, needs replacement.', rev: 1, ...more})

// One person's side of a talk, in each of the ways a choice can be made: by buttons and rows, or, where there is no
// Content, by the number of a line.
export const WAYS = ['meta', 'twilio', 'numbered']
export class Talk {
  constructor(way, options = {}) {
    this.way = way
    this.to = way === 'meta' ? META.number : TWILIO.number
    this.plant = new Plant({meta: way === 'meta', twilio: way !== 'meta',
      ...(way === 'numbered' ? {twilioSender: {numbered_options: true}} : {}),
      env: {CREWLINE_DELIVERY__LEASE_MS: '2000', CREWLINE_DELIVERY__UNCERTAIN_HOLD_MS: '500'}, ...options})
    this.phone = 100 + 100 * WAYS.indexOf(way)
  }

  async someone(more = {}) { // verified, in the window
    const number = `+1202556${String(++this.phone).padStart(4, '0')}`, id = `p${this.phone}`
    await this.plant.person(id, number, more, this.to)
    return {id, number}
  }

  say(who, text, more = {}) {
    return this.plant.inbound({from: who.number, to: this.to, type: 'text', text, ...more})
  }

  tap(who, message, title) {
    const at = {from: who.number, to: this.to, quote: message.id}
    if (this.way === 'numbered') {
      const line = message.text.split('\n').find(l => /^\d+\. /.test(l) && l.replace(/^\d+\. /, '').startsWith(title))
      assert.ok(line, `no line ${title} in ${message.text}`)
      return this.say(who, line.split('.')[0])
    }
    const row = (message.rows ?? []).find(r => r.title === title)
    const button = row ?? (message.buttons ?? []).find(b => b.title === title)
    assert.ok(button, `no [${title}] in ${JSON.stringify([message.buttons, message.rows])}`)
    return this.plant.inbound({...at, type: row ? 'list' : 'button', button: {title}})
  }

  // A tap, and kill -9 somewhere in what follows from it: @next comes, from the next gateway at the latest. A webhook that
  // met no gateway at all is the provider's to repeat; here the person does.
  async tapAndKill(who, message, title, next) {
    await this.tap(who, message, title)
    await sleep(Math.random() * 25)
    await this.plant.kill()
    await this.plant.startGateway()
    const found = await this.expect(who, next, next, 6000).catch(() => undefined)
    if (found) return found
    await this.tap(who, message, title)
    return this.expect(who, next)
  }

  expect(who, fits, what, ms) {
    return this.plant.expect(who.number, fits, what, ms)
  }

  // The events of a type that a person caused, oldest first.
  async said(who, type) {
    return (await this.plant.everything()).filter(e => e.type === type && e.data.person?.id === who.id)
  }

  async tell(type, data) {
    const r = await this.plant.event(type, data)
    assert.equal(r.json?.results?.[0]?.status, 'accepted', r.text)
  }
}
