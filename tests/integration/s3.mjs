#!/usr/bin/env node
// Files in an S3-compatible store. The store here is a stranger to libcurl: it checks each signature (Signature
// Version 4) from its specification, and that what came is what was signed.
import crypto from 'node:crypto'
import http from 'node:http'
import {ANA, META, Plant, assert, call, order, run, test, until} from './lib.mjs'

const KEY = 'AKIDEXAMPLE', SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', REGION = 'eu-central-1'
const sha = b => crypto.createHash('sha256').update(b).digest('hex')
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest()
const rfc3986 = s => encodeURIComponent(s).replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase())

class Store {
  objects = new Map()
  log = []
  refuse = 0 // so many requests are answered 503
  stalls = false // downloads stand still in the middle
  held = undefined // uploads wait for it
  verify(req, body) {
    const m = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
      .exec(req.headers.authorization ?? '')
    if (!m) return `no signature: ${req.headers.authorization}`
    const [, key, date, region, names, signature] = m
    if (key !== KEY || region !== REGION) return 'another key, another region'
    const signed = names.split(';')
    if (!signed.includes('host') || !signed.includes('x-amz-date')) return 'host and date are not signed'
    if (signed.join() !== [...signed].sort().join()) return 'not in order'
    const url = new URL(req.url, 'http://x')
    const canonical = [req.method, url.pathname.split('/').map(p => rfc3986(decodeURIComponent(p))).join('/'),
      [...url.searchParams].map(([k, v]) => `${rfc3986(k)}=${rfc3986(v)}`).sort().join('&'),
      ...signed.map(n => `${n}:${(req.headers[n] ?? '').trim().replace(/\s+/g, ' ')}`), '', names, req.headers['x-amz-content-sha256']].join('\n')
    const scope = `${date}/${region}/s3/aws4_request`
    const text = ['AWS4-HMAC-SHA256', req.headers['x-amz-date'], scope, sha(canonical)].join('\n')
    const derived = hmac(hmac(hmac(hmac(`AWS4${SECRET}`, date), region), 's3'), 'aws4_request')
    if (hmac(derived, text).toString('hex') !== signature) return `the signature does not fit:\n${canonical}`
    if (sha(body) !== req.headers['x-amz-content-sha256']) return 'what came is not what was signed'
    const age = Date.now() - Date.parse(req.headers['x-amz-date'].replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'))
    return Math.abs(age) < 900000 ? undefined : 'too old'
  }
  async start() {
    this.server = http.createServer((req, res) => {
      const parts = []
      req.on('data', d => parts.push(d))
      req.on('end', () => this.answer(req, res, Buffer.concat(parts)))
    })
    await new Promise(done => this.server.listen(0, '127.0.0.1', done))
    this.url = `http://127.0.0.1:${this.server.address().port}`
    return this
  }
  answer(req, res, body) {
    const wrong = this.verify(req, body)
    this.log.push({method: req.method, url: req.url, wrong, bytes: body.length, headers: req.headers})
    const say = (status, text = '', code = '') => { res.writeHead(status); res.end(code ? `<Error><Code>${code}</Code></Error>` : text) }
    if (wrong) return say(403, '', 'SignatureDoesNotMatch')
    if (this.refuse > 0) { this.refuse--; return say(503, '', 'SlowDown') }
    if (req.method === 'PUT') {
      const keep = () => { this.objects.set(req.url, body); say(200) }
      return this.held ? this.held.then(keep) : keep()
    }
    if (req.method === 'DELETE') { this.objects.delete(req.url); return say(204) }
    const found = this.objects.get(req.url)
    if (!found) return say(404, '', 'NoSuchKey')
    res.writeHead(200, {'content-length': found.length})
    if (this.stalls) return res.write(found.subarray(0, found.length / 2))
    res.end(found)
  }
}

const store = await new Store().start()
const plant = await new Plant({twilio: false, sandbox: ['--window-open', '--sent-ms', '20', '--delivered-ms', '40', '--read-ms', '0'],
  file: {media: {max_photo_bytes: 30000000, fetch_timeout_ms: 3000, s3: {endpoint: store.url, bucket: 'plant-files', region: REGION, access_key: KEY,
    secret_key: 'env:S3_SECRET', prefix: 'crewline/eu'}}}, env: {S3_SECRET: SECRET}}).start()
await plant.person('u1', ANA)
await plant.event('cmms.workorder.created.v1', {workorder: order(1, {status: 'in_progress', assignees: [{id: 'u1'}]})})
await plant.expect(ANA, 'WO-2024-001')
const photo = bytes => plant.inbound({from: ANA, to: META.number, type: 'image', media: {mime: 'image/jpeg', data: bytes.toString('base64')}})
const jpeg = n => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), crypto.randomBytes(n)])
const attached = bytes => until(() => `the event: ${plant.log().slice(-800)} ${JSON.stringify(store.log.at(-1))}`, async () =>
  (await plant.everything()).find(e => e.data.media?.sha256 === sha(bytes)))
const get = async url => { const r = await fetch(url); return {status: r.status, body: Buffer.from(await r.arrayBuffer())} }

test('put, signed, sealed; read back by a link; one object for the same content', async () => {
  for (const bytes of [jpeg(50), jpeg(65536 - 4), jpeg(2500000)]) {
    await photo(bytes)
    const e = await attached(bytes)
    const got = await get(e.data.media.url)
    assert.equal(got.status, 200)
    assert.ok(got.body.equals(bytes))
  }
  assert.deepEqual(store.log.filter(l => l.wrong), [])
  assert.equal(store.objects.size, 3)
  for (const [at, o] of store.objects) {
    assert.match(at, /^\/plant-files\/crewline\/eu\/acme\/[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{32}-/)
    assert.equal(o.subarray(0, 4).toString(), 'CWM1')
  }
  const again = jpeg(3000)
  await photo(again)
  await attached(again)
  await photo(again)
  await until('both', async () => (await plant.everything()).filter(e => e.data.media?.sha256 === sha(again)).length === 2)
  assert.equal(store.objects.size, 4)
})

test('the store is busy: tried again, and the person is not bothered', async () => {
  store.refuse = 2
  const bytes = jpeg(9000)
  await photo(bytes)
  await attached(bytes)
  assert.ok(!(await plant.messages(ANA)).some(m => m.text?.includes('⚠️')))
})

test('it is gone or touched in the store: said, and nothing half is handed out', async () => {
  const bytes = jpeg(300000)
  await photo(bytes)
  const {url} = (await attached(bytes)).data.media
  const at = [...store.objects.keys()].find(k => store.objects.get(k).length > 300000 && store.objects.get(k).length < 310000)
  const whole = store.objects.get(at)
  const touched = Buffer.from(whole)
  touched[200000] ^= 1
  store.objects.set(at, touched)
  await assert.rejects(get(url))
  store.objects.set(at, whole.subarray(0, 200000))
  await assert.rejects(get(url))
  store.objects.delete(at)
  assert.equal((await get(url)).status, 404)
  store.objects.set(at, whole)
  assert.ok((await get(url)).body.equals(bytes))
})

test('who reads slowly gets all of it, however long a try to fetch may take', async () => {
  const bytes = jpeg(25000000)
  await photo(bytes)
  const {url} = (await attached(bytes)).data.media
  const got = await new Promise((done, failed) => http.get(url, res => {
    const parts = []
    res.pause()
    res.on('data', d => parts.push(d)).on('end', () => done(Buffer.concat(parts))).on('error', failed)
    setTimeout(() => res.resume(), 5000)
  }).on('error', failed))
  assert.ok(got.equals(bytes), `${got.length} of ${bytes.length}`)
  store.stalls = true
  const from = Date.now()
  await assert.rejects(get(url))
  assert.ok(Date.now() - from < 8000, 'a store that stands still is given up')
  store.stalls = false
})

test('his files go with him, also the one that is being put there', async () => {
  const puts = () => store.log.filter(l => l.method === 'PUT').length
  const before = puts()
  let release
  store.held = new Promise(done => { release = done })
  await photo(jpeg(5000))
  await until('the upload', () => puts() > before)
  assert.equal((await plant.event('cmms.person.removed.v1', {person: {id: 'u1'}})).status, 202)
  await until('the others to go', () => store.objects.size === 0)
  release()
  await until('the upload to end', () => store.objects.size === 1 || store.log.at(-1).method === 'DELETE')
  await until('the store to be empty', () => store.objects.size === 0)
  assert.deepEqual(store.log.filter(l => l.wrong), [])
  assert.equal((await call('GET', `${plant.url}/healthz`)).status, 200)
})

run(async () => {}).finally(() => store.server.close())
