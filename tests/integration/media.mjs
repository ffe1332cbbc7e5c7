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

run(() => plant.stop())
