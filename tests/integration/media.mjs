#!/usr/bin/env node
// Files that people send: to the right order, fetched behind the answer, kept sealed, announced with a link.
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import {ANA, JOHN, META, PRIYA, Plant, TWILIO, assert, call, order, run, sleep, test, until} from './lib.mjs'

const plant = await new Plant({sandbox: ['--window-open', '--sent-ms', '20', '--delivered-ms', '40', '--read-ms', '0'],
  file: {media: {max_photo_bytes: 300000, retry_for_s: 30, link_s: 60}}, env: {CREWLINE_DELIVERY__LEASE_MS: '3000'}}).start()
await plant.person('u1', ANA)
await plant.person('u2', JOHN)
await plant.person('u3', PRIYA, {}, TWILIO.number)
await plant.event('cmms.workorder.created.v1', {workorder: order(1, {status: 'in_progress', assignees: [{id: 'u1'}]})})
await plant.event('cmms.workorder.created.v1', {workorder: order(2, {assignees: [{id: 'u2'}]})})
await plant.event('cmms.workorder.created.v1', {workorder: order(3, {assignees: [{id: 'u2'}]})})
await plant.event('cmms.workorder.created.v1', {workorder: order(4, {assignees: [{id: 'u3'}]})})
await plant.expect(ANA, 'WO-2024-001')
const two = await plant.expect(JOHN, 'WO-2024-002')
await plant.expect(JOHN, 'WO-2024-003')
await plant.expect(PRIYA, 'WO-2024-004')

const jpeg = n => { // begins and ends as a photo does; the rest is noise of its own
  const b = crypto.randomBytes(n)
  Buffer.from([0xff, 0xd8, 0xff, 0xe0]).copy(b)
  return b
}
const sha = b => crypto.createHash('sha256').update(b).digest('hex')
const faults = async body => assert.equal((await call('PUT', `${plant.sandbox}/_sandbox/faults`, {body})).status, 200)
const photo = (from, bytes, more = {}, media = {}) => plant.inbound({from, to: META.number, type: 'image',
  media: {mime: 'image/jpeg', data: bytes.toString('base64'), ...media}, ...more})
const attached = (fits, what = 'the event') => until(() => `${what}: ${plant.log().slice(-800)}`, async () =>
  (await plant.everything()).find(e => e.type === 'gateway.workorder.media_attached.v1' && fits(e.data.media, e)))
const of = bytes => m => m.sha256 === sha(bytes)
const get = async (url, headers = {}) => {
  const r = await fetch(url, {headers, redirect: 'manual'})
  return {status: r.status, headers: r.headers, body: Buffer.from(await r.arrayBuffer())}
}
const files = dir => fs.existsSync(dir) ? fs.readdirSync(dir, {recursive: true, withFileTypes: true}).filter(f => f.isFile())
  .map(f => path.join(f.parentPath ?? f.path, f.name)) : []
const media = path.join(plant.dir, 'data/media')
const noneHalf = () => until('no half file', () => files(path.join(media, 'tmp')).length === 0) // its end comes first

test('the only order in progress: answered at once, then kept, announced, in the timeline, by a link', async () => {
  const bytes = jpeg(200001)
  await photo(ANA, bytes, {}, {caption: 'the bearing'})
  await plant.expect(ANA, '📷')
  const e = await attached(of(bytes))
  assert.equal(e.subject, 'WO-2024-001')
  assert.equal(e.data.workorder.number, 'WO-2024-001')
  assert.deepEqual(e.data.person, {id: 'u1', name: 'u1'})
  assert.equal(e.data.via, 'media')
  const {id, url, ...rest} = e.data.media
  assert.deepEqual(rest, {sha256: sha(bytes), mime: 'image/jpeg', size: bytes.length, caption: 'the bearing', kind: 'photo'})
  const got = await get(url)
  assert.equal(got.status, 200)
  assert.ok(got.body.equals(bytes))
  assert.equal(got.headers.get('content-type'), 'image/jpeg')
  assert.match(got.headers.get('content-disposition'), /^attachment; filename="photo-[0-9A-Za-z]+\.jpg"$/)
  assert.equal(got.headers.get('x-content-type-options'), 'nosniff')
  const {items} = (await plant.api('GET', '/api/v1/work_orders/WO-2024-001/media')).json
  assert.equal(items[0].id, id)
  assert.equal(items[0].sha256, sha(bytes))
  assert.ok((await get(items[0].url)).body.equals(bytes))
  const t = (await plant.api('GET', '/api/v1/work_orders/WO-2024-001/timeline')).json.items
  assert.equal(t.find(one => one.kind === 'media').media.sha256, sha(bytes))
})

test('quoted, on Twilio too; what lies on the disk is sealed', async () => {
  const bytes = jpeg(70000), other = jpeg(9000)
  await photo(JOHN, bytes, {quote: two.id})
  await plant.expect(JOHN, m => m.text?.includes('📷') && m.text.includes('WO-2024-002'))
  assert.equal((await attached(of(bytes))).subject, 'WO-2024-002')
  await plant.inbound({from: PRIYA, to: TWILIO.number, type: 'image', media: {mime: 'image/jpeg', data: other.toString('base64')}})
  const e = await attached(of(other))
  assert.equal(e.subject, 'WO-2024-004')
  assert.ok((await get(e.data.media.url)).body.equals(other))
  for (const f of files(media)) {
    const raw = fs.readFileSync(f)
    assert.equal(raw.indexOf(bytes.subarray(1000, 1016)), -1)
    assert.equal(raw.indexOf(other.subarray(1000, 1016)), -1)
    assert.ok(!f.includes(sha(bytes)), 'its name tells nobody what it is')
  }
})

test('by its caption, wherever the number stands; a caption that is a command is carried out too', async () => {
  const bytes = jpeg(5000)
  await photo(JOHN, bytes, {}, {caption: 'the bearing of wo-2024-003, worn'})
  await plant.expect(JOHN, m => m.text?.includes('📷') && m.text.includes('WO-2024-003'))
  assert.equal((await attached(of(bytes))).subject, 'WO-2024-003')
  const done = jpeg(5001)
  await photo(JOHN, done, {}, {caption: 'START WO-2024-002'})
  await plant.expect(JOHN, m => m.text?.includes('📷') && m.text.includes('WO-2024-002'))
  assert.equal((await attached(of(done))).subject, 'WO-2024-002')
  const asked = (await plant.everything()).filter(e => e.type === 'gateway.workorder.status_requested.v1').at(-1)
  assert.equal(asked.data.to, 'in_progress')
  assert.equal(asked.subject, 'WO-2024-002')
  await plant.inbound({from: JOHN, to: META.number, type: 'text', text: 'STATUS WO-2024-002 open'})
  await until('it to be open', async () => (await plant.api('GET', '/api/v1/work_orders/WO-2024-002')).json.status === 'open')
})

test('none fits: a list asks, what is sent meanwhile waits with it, one tap settles all', async () => {
  const three = [jpeg(6000), jpeg(6001), jpeg(6002)]
  await photo(JOHN, three[0])
  const list = await plant.expect(JOHN, m => m.text?.includes('Which work order is this photo for?'))
  await photo(JOHN, three[1])
  await plant.expect(JOHN, '2 files wait')
  await plant.inbound({from: JOHN, to: META.number, type: 'document', media: {mime: 'application/pdf', filename: 'a report.pdf',
    data: Buffer.concat([Buffer.from('%PDF-1.4\n'), three[2]]).toString('base64')}})
  await plant.expect(JOHN, '3 files wait')
  await until('all to be fetched', () => (plant.api('GET', '/metrics')).then(r => /crewline_media_kept_total 8\b/.test(r.text)))
  assert.ok(!(await plant.everything()).some(e => three.some(b => e.data.media?.sha256 === sha(b))), 'nothing is guessed')
  await plant.inbound({from: JOHN, to: META.number, type: 'list', quote: list.id, row: {title: 'WO-2024-003'}})
  await plant.expect(JOHN, m => m.text?.includes('3 files') && m.text.includes('WO-2024-003'))
  for (const b of three.slice(0, 2)) assert.equal((await attached(of(b))).subject, 'WO-2024-003')
  const pdf = await attached(m => m.kind === 'document')
  assert.equal(pdf.data.media.mime, 'application/pdf')
  const got = await get(pdf.data.media.url)
  assert.match(got.headers.get('content-disposition'), /filename="a_report\.pdf"/)
})

test('what it is not taken for: a page under the name of a photo, a file too large, one that is gone', async () => {
  await photo(ANA, Buffer.from('<html><script>alert(1)</script></html>'))
  await plant.expect(ANA, 'I cannot keep this kind of file')
  await photo(ANA, jpeg(300001))
  await plant.expect(ANA, 'too large')
  await faults({media_404: true})
  await photo(ANA, jpeg(100), {}, {caption: 'gone'})
  await until('it to be given up', async () => (await plant.messages(ANA)).some(m => m.text?.includes('no longer there')), 20000)
  await faults({})
  const {items} = (await plant.api('GET', '/api/v1/work_orders/WO-2024-001/media')).json
  assert.deepEqual(items.slice(0, 3).map(m => [m.state, m.reason]), [['failed', 'expired'], ['failed', 'too_large'], ['failed', 'type']])
  const t = (await plant.api('GET', '/api/v1/work_orders/WO-2024-001/timeline')).json.items
  assert.ok(t.some(e => e.kind === 'media' && e.text.includes('not kept (too_large)')))
  await noneHalf()
})

test('a webhook that comes twice is one file; the same content is stored once', async () => {
  const bytes = jpeg(7000)
  await faults({double_webhooks: true})
  await photo(ANA, bytes)
  await faults({})
  await attached(of(bytes))
  await noneHalf()
  const stored = files(media).length
  await photo(ANA, bytes)
  await until('the second', async () => (await plant.everything()).filter(e => e.data.media?.sha256 === sha(bytes)).length === 2)
  await noneHalf()
  assert.equal(files(media).length, stored)
  await sleep(200)
  assert.equal((await plant.everything()).filter(e => e.data.media?.sha256 === sha(bytes)).length, 2)
})

test('kill -9 in the middle of a slow file: it goes on, and nothing half is left', async () => {
  const bytes = jpeg(250000)
  await faults({media_bytes_per_second: 40000})
  await photo(ANA, bytes)
  await plant.expect(ANA, '📷')
  await until('the file to grow', () => files(path.join(media, 'tmp')).some(f => fs.statSync(f).size > 60000))
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'MY WORK'})
  await plant.expect(ANA, 'open work order')
  await plant.kill()
  await faults({})
  assert.ok(files(path.join(media, 'tmp')).length > 0, 'words do not wait for a file')
  await plant.startGateway()
  const e = await until('the event', async () => (await plant.everything()).find(one => one.data.media?.sha256 === sha(bytes)), 20000)
  assert.ok((await get(e.data.media.url)).body.equals(bytes))
  await noneHalf()
})

test('a photo of a fault belongs to the request, also when the words come after it', async () => {
  const bytes = jpeg(8000), later = jpeg(8001)
  const requests = async () => (await plant.everything()).filter(e => e.type === 'gateway.request.submitted.v1')
  await photo(ANA, bytes, {}, {caption: 'REPORT P-01 leaks oil'})
  await plant.expect(ANA, 'leaks oil')
  const [first] = await requests()
  assert.deepEqual(first.data.media.map(m => [m.kind, m.caption]), [['photo', 'REPORT P-01 leaks oil']])
  const url = first.data.media[0].url
  const got = await until('the file', async () => { const r = await get(url); return r.status === 200 && r })
  assert.ok(got.body.equals(bytes))
  await photo(ANA, later, {}, {caption: 'REPORT P-02'})
  await plant.expect(ANA, '?')
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'smells burnt'})
  const second = await until('the request', async () => (await requests())[1])
  assert.equal(second.data.media.length, 1)
  await until('its file', async () => { const r = await get(second.data.media[0].url); return r.status === 200 && r.body.equals(later) })
})

test('a voice note is kept like the rest; the books balance with all of it', async () => {
  await plant.inbound({from: ANA, to: META.number, type: 'audio'})
  await plant.expect(ANA, '🎤')
  const e = await attached(m => m.kind === 'voice')
  assert.equal(e.data.media.mime, 'audio/ogg')
  assert.equal(e.subject, 'WO-2024-001')
  const p = await plant.command('prove', '--config', plant.config)
  assert.equal(p.code, 0, p.out + p.err)
})

test('the link: by anybody until it expires; forged, for another file, without all of it: refused', async () => {
  const {items} = (await plant.api('GET', '/api/v1/work_orders/WO-2024-001/media')).json
  const [a, b] = items.filter(m => m.state === 'kept')
  const url = new URL(a.url), other = new URL(b.url)
  const status = async change => {
    const u = new URL(a.url)
    change(u)
    return (await get(u)).status
  }
  assert.equal((await get(a.url)).status, 200)
  assert.equal(await status(u => u.searchParams.set('sig', other.searchParams.get('sig'))), 403)
  assert.equal(await status(u => u.searchParams.set('exp', Number(url.searchParams.get('exp')) + 1)), 403)
  assert.equal(await status(u => { u.pathname = other.pathname }), 403)
  assert.equal(await status(u => u.searchParams.delete('sig')), 401)
  assert.equal(await status(u => { u.search = '' }), 401)
  assert.equal(await status(u => { u.pathname = '/media/nothing' }), 403)
  assert.equal((await get(`${plant.url}/media/${a.id}`, {authorization: `Bearer ${plant.key}`})).status, 200)
  assert.equal((await get(`${plant.url}/media/nothing`, {authorization: `Bearer ${plant.key}`})).status, 404)
  const head = await fetch(a.url, {method: 'HEAD'})
  assert.equal(head.status, 200)
})

test('evidence: each item covers the one before; whoever changes one is found, by a stranger to the program too', async () => {
  const r = await plant.api('GET', '/api/v1/work_orders/WO-2024-001/timeline?export=evidence')
  assert.equal(r.status, 200)
  assert.match(r.headers.get('content-disposition'), /attachment; filename="evidence-WO-2024-001\.json"/)
  const {format, tenant, work_order, exported_at, items, count, stored_chain, head} = r.json
  assert.equal(stored_chain, 'intact')
  assert.equal(items.length, count)
  let hash = sha(JSON.stringify({format, tenant, work_order, exported_at}))
  for (const item of items) {
    hash = sha(`${hash}\n${JSON.stringify(item.entry)}`)
    assert.equal(item.hash, hash, `item ${item.n}`)
  }
  assert.equal(head, hash)
  const hashes = items.map(i => i.entry.media?.sha256).filter(Boolean)
  const kept = (await plant.api('GET', '/api/v1/work_orders/WO-2024-001/media')).json.items.filter(m => m.state === 'kept')
  assert.deepEqual(new Set(hashes), new Set(kept.map(m => m.sha256)))
  assert.ok(items.some(i => i.entry.kind === 'message'))
  assert.equal((await plant.api('GET', '/api/v1/work_orders/WO-2024-001/timeline?export=pdf')).status, 400)

  const file = path.join(plant.dir, 'evidence.json'), prove = (...more) => plant.command('prove', '--order', file, '--config', plant.config, ...more)
  const write = change => {
    const copy = JSON.parse(r.text)
    change?.(copy)
    fs.writeFileSync(file, JSON.stringify(copy, null, 2)) // the layout is nobody's business
  }
  write()
  let p = await prove()
  assert.equal(p.code, 0, p.out + p.err)
  assert.match(p.out, new RegExp(`WO-2024-001: intact, ${count} items, head ${head}`))
  p = await prove('--seal')
  assert.equal(p.code, 0, p.out + p.err)
  write(e => { e.items[3].entry.text += ' and more' })
  p = await prove()
  assert.equal(p.code, 1)
  assert.match(p.out, /^item 4 was changed/)
  assert.equal(p.out.match(/was changed/g).length, 1, 'only that one is named')
  write(e => { e.items.splice(2, 1) })
  assert.match((await prove()).out, /item 3 was changed/)
  write(e => { e.items.pop() })
  assert.match((await prove()).out, /its end does not fit/)
  write(e => { e.work_order = 'WO-2024-999' })
  assert.match((await prove()).out, /item 1 was changed/)
  write(e => { // all hashes made anew: the chain holds, the seal does not
    e.items[3].entry.text = 'nothing happened'
    let h = sha(JSON.stringify({format, tenant, work_order, exported_at}))
    for (const item of e.items) item.hash = h = sha(`${h}\n${JSON.stringify(item.entry)}`)
    e.head = h
  })
  assert.equal((await prove()).code, 0)
  p = await prove('--seal')
  assert.equal(p.code, 1)
  assert.match(p.out, /none of ours/)
})

test('evidence in the store: an entry taken out, one put elsewhere, a file that was touched', async () => {
  const prove = () => plant.command('prove', '--order', 'WO-2024-002', '--config', plant.config)
  let p = await prove()
  assert.equal(p.code, 0, p.out + p.err)
  assert.match(p.out, /WO-2024-002: intact, \d+ entries, \d+ files/)
  const key = '{acme}:ot:w2', n = Number(await plant.redis('LLEN', key))
  assert.ok(n > 4)
  assert.equal(await plant.redis('EVAL', "local e = redis.call('LINDEX', KEYS[1], 2) redis.call('LREM', KEYS[1], 1, e) return 1", '1', key), '1')
  p = await prove()
  assert.equal(p.code, 1)
  assert.match(p.out, /entry 4 was changed, or one before it is missing/)
  const e = (await plant.api('GET', '/api/v1/work_orders/WO-2024-002/timeline?export=evidence')).json
  assert.equal(e.stored_chain, 'broken')
  const m = (await plant.api('GET', '/api/v1/work_orders/WO-2024-004/media')).json.items[0]
  const four = () => plant.command('prove', '--order', 'wo-2024-004', '--config', plant.config)
  assert.equal((await four()).code, 0)
  const stored = files(path.join(media, 'acme')).find(f => Math.abs(fs.statSync(f).size - m.size) < 200)
  const bytes = fs.readFileSync(stored)
  bytes[5000] ^= 1
  fs.writeFileSync(stored, bytes)
  p = await four()
  assert.equal(p.code, 1)
  assert.match(p.out, /does not hold/)
  const r = await get(m.url).catch(e => ({status: 0}))
  assert.notEqual(r.status, 200, 'and nobody is handed half of it')
  const record = `{acme}:me:${m.id}`
  await plant.redis('RENAME', record, `${record}-away`)
  p = await four()
  assert.equal(p.code, 1)
  assert.match(p.out, new RegExp(`file ${m.id} does not hold: its record is missing`))
  await plant.redis('RENAME', `${record}-away`, record)
})

run(() => plant.stop())
