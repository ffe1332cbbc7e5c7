#!/usr/bin/env node
// What bad input gets: configurations, ports, signatures, bodies, a Redis that is gone.
import crypto from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import {spawn} from 'node:child_process'
import {ANA, META, Plant, assert, build, call, freePort, order, run, test, until} from './lib.mjs'

const plant = await new Plant().start()
await plant.person('u1', ANA)

const starts = (config, env = {}, args = []) => new Promise(done => {
  const file = path.join(plant.dir, `bad-${Math.random().toString(36).slice(2)}.json`)
  fs.writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config))
  const keep = Object.fromEntries(Object.entries(process.env).filter(([k]) => !/^(CREWLINE|WHATSAPP|TWILIO|CMMS|REDIS)_/.test(k)))
  const c = spawn(path.join(build, 'crewline'), ['serve', '--config', file, ...args], {cwd: plant.dir,
    env: {...keep, CREWLINE_DATA_DIR: path.join(plant.dir, 'bad-data'), CREWLINE_LISTEN: '127.0.0.1:1', ...env}})
  let err = ''
  c.stderr.on('data', d => { err += d })
  c.on('close', code => done({code, err}))
  setTimeout(() => c.kill('SIGKILL'), 20000).unref()
})

const tenant = more => ({tenants: [{id: 'a', senders: [{id: 's', provider: 'meta', phone_number_id: '1', access_token: 't',
  app_secret: 'x', ...more}]}]})

for (const [label, config, says, env] of [
  ['an unknown key', {lisen: ['127.0.0.1:1']}, 'lisen'],
  ['a bad number', {delivery: {lease_ms: 'abc'}}, 'delivery.lease_ms'],
  ['out of range', {delivery: {lease_ms: 1}}, 'delivery.lease_ms'],
  ['broken JSON', '{"listen": [', 'line 1'],
  ['Meta without app secret', tenant({app_secret: ''}), 'tenants[0].senders[0].app_secret'],
  ['an unknown provider', tenant({provider: 'smtp'}), 'tenants[0].senders[0].provider'],
  ['an unknown sender key', tenant({colour: 'red'}), 'colour'],
  ['a secret that is not there', tenant({app_secret: 'env:NO_SUCH_VARIABLE'}), 'NO_SUCH_VARIABLE'],
  ['two tenants of one id', {tenants: [{id: 'a'}, {id: 'a'}]}, 'tenants[1].id'],
  ['a number of two tenants', {tenants: [tenant().tenants[0], {...tenant().tenants[0], id: 'b'}]},
    'tenants[1].senders[0].phone_number_id: sender "s" of tenant "a" has that number'],
  ['a callback to loopback', {tenants: [{id: 'a', cmms: {callback_url: 'http://127.0.0.1/x', signing_secret: 'whsec_' + 'A'.repeat(32)}}]}, 'callback_url'],
  ['Sentinels without a name', {redis_url: 'redis+sentinel://h1:26379,h2:26379'}, 'redis_url: the name of the master is missing'],
  ['a Redis port', {redis_url: 'redis+sentinel://h1:x/mine'}, 'redis_url: port "x"'],
  ['TLS to Redis', {}, 'environment: REDIS_URL: rediss:// cannot be used: this build has no TLS', {REDIS_URL: 'rediss://h/0'}],
  ['no address to listen on', {}, 'environment: CREWLINE_LISTEN: "nonsense" is neither host:port', {CREWLINE_LISTEN: 'nonsense'}],
  ['a tenant says in which file', {tenants: [{id: 'A'}]}, '.json: tenants[0].id: it is not'],
  ['what is missing is named as it is set', {}, 'CMMS_SIGNING_SECRET: callbacks are signed', {CMMS_CALLBACK_URL: 'https://cmms.example.com/x'}],
  ['a short master key', {}, 'environment: CREWLINE_MASTER_KEY: it is not 32 bytes', {CREWLINE_MASTER_KEY: 'short'}],
  ['a rung for nobody', {tenants: [{id: 'a', ladder: [{to: {}, wait_s: 60}]}]}, 'tenants[0].ladder.0.to: it names nobody'],
  ['a rung without patience', {tenants: [{id: 'a', ladder: {rungs: [{to: {all: true}, wait_s: 0}]}}]}, 'tenants[0].ladder.rungs.0.wait_s'],
  ['a threshold without a level', {tenants: [{id: 'a', thresholds: [{id: 't', metric: 'C'}]}]}, 'tenants[0].thresholds[0].above'],
  ['a threshold of no kind', {tenants: [{id: 'a', thresholds: [{id: 't', metric: 'C', above: 1, colour: 'red'}]}]}, 'tenants[0].thresholds[0].colour'],
  ['two thresholds of one id', {tenants: [{id: 'a', thresholds: [{id: 't', metric: 'C', above: 1}, {id: 't', metric: 'D', below: 1}]}]},
    'tenants[0].thresholds[1].id'],
  ['a threshold for an unknown role', {tenants: [{id: 'a', thresholds: [{id: 't', metric: 'C', above: 1, audience: {roles: ['boss']}}]}]},
    'tenants[0].thresholds[0].audience.roles'],
  ['an unknown variable', {}, 'CREWLINE_LISSEN: unknown setting; the nearest is CREWLINE_LISTEN', {CREWLINE_LISSEN: 'x'}],
  ['one of Meta, misspelt', {}, 'environment: WHATSAPP_ACCES_TOKEN: unknown setting; the nearest is WHATSAPP_ACCESS_TOKEN',
    {WHATSAPP_ACCES_TOKEN: 'x'}],
  ['one of Twilio, misspelt', {}, 'TWILIO_ACCOUNT_ID: unknown setting; the nearest is TWILIO_ACCOUNT_SID', {TWILIO_ACCOUNT_ID: 'x'}],
]) {
  test(`configuration: ${label}: exit 78, names the place, starts nothing`, async () => {
    const r = await starts(config, env)
    assert.equal(r.code, 78, r.err)
    assert.ok(r.err.includes(says), r.err)
    assert.equal(r.err.trim().split('\n').length, 1, 'one line')
  })
}

test('a port in use: one line, exit 69', async () => {
  const s = net.createServer().listen(0, '127.0.0.1')
  await new Promise(done => s.on('listening', done))
  const r = await starts({}, {CREWLINE_LISTEN: `127.0.0.1:${s.address().port}`})
  s.close()
  assert.equal(r.code, 69, r.err)
  assert.match(r.err, /in use/)
})

test('Redis unreachable at the start: one line, exit 69', async () => {
  const r = await starts({}, {CREWLINE_LISTEN: '127.0.0.1:0', REDIS_URL: `redis://127.0.0.1:${await freePort()}/0`})
  assert.equal(r.code, 69, r.err)
  assert.match(r.err, /Redis cannot be reached/)
  assert.equal(r.err.trim().split('\n').filter(line => !line.includes('master key made')).length, 1, r.err)
})

/* ---- webhooks ---- */

const sign = (body, secret = META.secret) => 'sha256=' + crypto.createHmac('sha256', secret).update(body).digest('hex')
const hook = (body, headers) => call('POST', `${plant.url}/whatsapp/webhook`, {body, headers: {'content-type': 'application/json', ...headers}})
const status = JSON.stringify({object: 'whatsapp_business_account', entry: []})

test('Meta: unsigned, wrongly signed, signed twice: 401 problem+json, nothing parsed', async () => {
  for (const headers of [{}, {'X-Hub-Signature-256': sign(status, 'another')}, {'X-Hub-Signature-256': 'sha256=00'},
    {'X-Hub-Signature-256': sign(status).toUpperCase()}]) {
    const r = await hook(status, headers)
    assert.equal(r.status, 401)
    assert.match(r.headers.get('content-type'), /problem\+json/)
    assert.equal(r.json.status, 401)
  }
  const twice = await new Promise(done => {
    const s = net.connect(plant.port, '127.0.0.1')
    let got = ''
    s.on('data', d => { got += d })
    s.on('close', () => done(got))
    s.write(`POST /whatsapp/webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Hub-Signature-256: ${sign(status)}\r\n` +
      `X-Hub-Signature-256: ${sign(status)}\r\nContent-Length: ${status.length}\r\n\r\n${status}`)
  })
  assert.match(twice, /^HTTP\/1.1 401/)
})

test('Meta: signed rubbish is kept and answered 200', async () => {
  for (const body of ['not json at all', '{"object":"page"}', '[]', '{"entry":[{"changes":[{"field":"zzz","value":{"a":1}}]}]}']) {
    const r = await hook(body, {'X-Hub-Signature-256': sign(body)})
    assert.equal(r.status, 200, body)
  }
})

test('Meta: over 4 MiB: 413 before anything is read', async () => {
  const r = await new Promise(done => {
    const s = net.connect(plant.port, '127.0.0.1')
    let got = ''
    s.on('data', d => { got += d })
    s.on('close', () => done(got))
    s.write('POST /whatsapp/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n')
  })
  assert.match(r, /^HTTP\/1.1 413/)
})

test('the handshake', async () => {
  const get = q => call('GET', `${plant.url}/whatsapp/webhook?${q}`)
  const good = await get(`hub.mode=subscribe&hub.verify_token=${META.verify}&hub.challenge=1158201444`)
  assert.deepEqual([good.status, good.text, good.headers.get('content-type')], [200, '1158201444', 'text/plain'])
  assert.equal((await get('hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1')).status, 403)
  assert.equal((await get(`hub.verify_token=${META.verify}&hub.challenge=1`)).status, 403)
  assert.equal((await get(`hub.mode=subscribe&hub.verify_token=${META.verify}`)).status, 400)
  assert.equal((await get(`hub.mode=subscribe&hub.verify_token=${META.verify}&hub.challenge=${encodeURIComponent('<b>')}`)).status, 400)
})

/* ---- the API ---- */

test('no key, a wrong key, another shape of credential: 401', async () => {
  for (const headers of [{}, {authorization: 'Bearer nonsense'}, {authorization: 'Basic eDp5'}]) {
    const r = await call('GET', `${plant.url}/api/v1/users`, {headers})
    assert.equal(r.status, 401)
    assert.match(r.headers.get('content-type'), /problem\+json/)
  }
})

for (const [label, event, code, member] of [
  ['no type', {specversion: '1.0', id: '1', source: '/x', data: {}}, 400, 'type'],
  ['no id', {specversion: '1.0', type: 'cmms.workorder.created.v1', source: '/x', data: {}}, 400, 'id'],
  ['no data', {specversion: '1.0', id: '1', source: '/x', type: 'cmms.workorder.created.v1'}, 400, 'data'],
  ['no work order', {specversion: '1.0', id: '1', source: '/x', type: 'cmms.workorder.created.v1', data: {}}, 422, 'data.workorder'],
  ['an order without number', {specversion: '1.0', id: '1', source: '/x', type: 'cmms.workorder.created.v1',
    data: {workorder: {id: 'w', title: 't', status: 'open'}}}, 422, 'data.workorder.number'],
  ['a bad status', {specversion: '1.0', id: '1', source: '/x', type: 'cmms.workorder.created.v1',
    data: {workorder: {id: 'w', number: 'n', title: 't', status: 'sleeping'}}}, 422, 'data.workorder.status'],
  ['an unknown type', {specversion: '1.0', id: '1', source: '/x', type: 'cmms.teapot.v1', data: {}}, 422, 'type'],
]) {
  test(`events: ${label}: ${code}, the member is named, nothing is stored`, async () => {
    const r = await plant.api('POST', '/api/v1/events', event, {'content-type': 'application/cloudevents+json'})
    assert.equal(r.status, code, r.text)
    assert.match(r.headers.get('content-type'), /problem\+json/)
    assert.equal(r.json.member, member, r.text)
  })
}

test('events: the same again is a duplicate; the same id with another body is 409; an older rev is a duplicate', async () => {
  const event = {specversion: '1.0', id: 'twice', source: '/cmms/acme', type: 'cmms.workorder.created.v1', data: {workorder: order(50, {rev: 5})}}
  const post = e => plant.api('POST', '/api/v1/events', e, {'content-type': 'application/cloudevents+json'})
  assert.equal((await post(event)).json.results[0].status, 'accepted')
  assert.equal((await post(event)).json.results[0].status, 'duplicate')
  assert.equal((await post({...event, data: {workorder: order(50, {rev: 6})}})).status, 409)
  assert.equal((await post({...event, id: 'older', data: {workorder: order(50, {rev: 4, title: 'old'})}})).json.results[0].status, 'duplicate')
  await until('all of it to be carried out', () => plant.quiet())
  assert.equal((await plant.api('GET', '/api/v1/work_orders/WO-2024-050')).json.title, 'Replace Motor Bearing')
})

/* ---- Redis gone while running ---- */

test('Redis gone: 503 with Retry-After within 3 s; what was accepted goes on when it is back', async () => {
  const pid = plant.redisPid()
  assert.ok(pid, 'the private Redis runs')
  process.kill(pid, 'SIGSTOP')
  const began = Date.now()
  const [r, e] = await Promise.all([hook(status.replace('[]', '[{"id":"1","changes":[{"field":"x","value":{}}]}]'),
    {'X-Hub-Signature-256': sign(status.replace('[]', '[{"id":"1","changes":[{"field":"x","value":{}}]}]'))}),
  plant.event('cmms.workorder.created.v1', {workorder: order(60)})])
  const took = Date.now() - began
  process.kill(pid, 'SIGCONT')
  assert.deepEqual([r.status, e.status], [503, 503])
  assert.ok(Number(r.headers.get('retry-after')) >= 1)
  assert.ok(took < 4000, `${took} ms`)
  await plant.ready()
  const back = await plant.event('cmms.workorder.created.v1', {workorder: order(61, {assignees: [{id: 'u1'}]})})
  assert.equal(back.status, 202, back.text)
  await plant.expect(ANA, 'WO-2024-061')
})

await run()
