#!/usr/bin/env node
// What operators do by hand: every subcommand, beside a running gateway and without one, and its exit status.
import {spawn} from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import {ANA, META, Plant, assert, build, call, freePort, run, test, until} from './lib.mjs'

const plant = await new Plant({twilio: false}).start()
const cli = (...args) => plant.command(...args, '--config', plant.config)
const as = key => call('GET', `${plant.url}/api/v1/users`, {headers: {authorization: `Bearer ${key}`}})

test('help, version, completion; wrong usage is 64', async () => {
  const help = await plant.command('--help')
  assert.equal(help.code, 0)
  for (const word of ['serve', 'check', 'keys', 'users', 'send-test', 'broadcast', 'replay', 'prove', 'migrate', 'completion', 'CREWLINE_LISTEN']) {
    assert.ok(help.out.includes(word), word)
  }
  assert.match((await plant.command('--version')).out, /^crewline \d+\.\d+\.\d+\n$/)
  assert.match((await plant.command('completion', 'bash')).out, /complete -F \w+ crewline/)
  assert.equal((await plant.command('serve', '--help')).code, 0)
  for (const wrong of [[], ['nonsense'], ['keys'], ['keys', 'create', '--role'], ['keys', 'create', '--role', 'king', '--name', 'n']]) {
    const r = await (wrong.length > 1 ? cli(...wrong) : plant.command(...wrong))
    assert.equal(r.code, 64, `${wrong.join(' ')}: ${r.err}`)
    assert.ok(r.err.length > 0)
  }
})

test('check: a table; a dead token is a fail and exit 1', async () => {
  const good = await cli('check')
  assert.equal(good.code, 0, good.out + good.err)
  assert.match(good.out, /^ok +acme\/meta /m)
  assert.match(good.out, /^warn +public_url /m)
  const file = JSON.parse(fs.readFileSync(plant.config))
  file.tenants[0].senders[0].access_token = 'no such token'
  const other = path.join(plant.dir, 'bad.json')
  fs.writeFileSync(other, JSON.stringify(file))
  const bad = await plant.command('check', '--config', other)
  assert.equal(bad.code, 1, bad.out)
  assert.match(bad.out, /^fail +acme\/meta /m)
})

test('keys: the secret alone on stdout, it opens the API, revoking closes it', async () => {
  const made = await cli('keys', 'create', '--tenant', 'acme', '--role', 'viewer', '--name', 'wall screen')
  assert.equal(made.code, 0, made.err)
  assert.match(made.out, /^\S{20,}\n$/)
  const secret = made.out.trim()
  assert.equal((await as(secret)).status, 200)
  const json = JSON.parse((await cli('keys', 'create', '--tenant', 'acme', '--role', 'cmms', '--name', 'erp', '--json')).out)
  assert.deepEqual(Object.keys(json).filter(k => ['id', 'role', 'name', 'secret'].includes(k)).length, 4)
  assert.equal((await as(json.secret)).status, 200)
  const list = (await cli('keys', 'list', '--tenant', 'acme')).out
  assert.match(list, /wall screen/)
  assert.ok(!list.includes(secret) && !list.includes(json.secret), 'no secret is shown again')
  assert.equal((await cli('keys', 'revoke', json.id)).code, 0)
  await until('the key to be closed', async () => (await as(json.secret)).status === 401)
  assert.equal((await cli('keys', 'revoke', json.id + 'X')).code, 1)
  assert.equal((await cli('keys', 'create', '--tenant', 'nobody', '--role', 'cmms', '--name', 'n')).code, 1)
})

test('users import: JSON and CSV, bad rows are told', async () => {
  const people = path.join(plant.dir, 'people.json'), csv = path.join(plant.dir, 'people.csv')
  fs.writeFileSync(people, JSON.stringify([{id: 'ana', name: 'Ana', phone: ANA, language: 'es'}]))
  const first = await cli('users', 'import', people)
  assert.equal(first.code, 0, first.err)
  assert.match(first.out, /1 created/)
  fs.writeFileSync(csv, 'id,name,phone,roles\nana,Ana Ruiz,' + ANA + ',technician\nbad,Bad,12,technician\n')
  const second = await cli('users', 'import', csv)
  assert.match(second.out, /1 updated, 1 failed/)
  assert.notEqual(second.code, 0)
  assert.equal((await plant.api('GET', '/api/v1/users/ana')).json.name, 'Ana Ruiz')
  assert.equal((await cli('users', 'import', path.join(plant.dir, 'none.csv'))).code, 1)
  fs.writeFileSync(csv, 'verified\n' + 'perhaps\n'.repeat(1500))
  assert.match((await cli('users', 'import', csv)).out, /0 created, 0 updated, 1500 failed/, 'more than are told one by one')
})

test('what a command says is in the words of the configuration directory', async () => {
  const own = path.join(plant.dir, 'own'), file = path.join(plant.dir, 'own.json')
  fs.mkdirSync(path.join(own, 'locales'), {recursive: true})
  fs.writeFileSync(path.join(own, 'locales/en.json'), JSON.stringify({'notice.welcome': 'Servus {name}, says {company}.'}))
  fs.writeFileSync(file, JSON.stringify([{id: 'own', name: 'Ona', phone: '+12025550188', language: 'en'}]))
  const done = await cli('users', 'import', file, '--config-dir', own)
  assert.equal(done.code, 0, done.err)
  const log = (await plant.api('GET', '/api/v1/messages?user=own')).json.items
  assert.match(log[0].text, /^Servus Ona, says /)
  fs.writeFileSync(path.join(own, 'locales/en.json'), '{')
  assert.equal((await cli('keys', 'list', '--config-dir', own)).code, 78, 'as for the gateway')
})

test('send-test: what became of it', async () => {
  const closed = await cli('send-test', '--to', ANA, '--text', 'hello')
  assert.equal(closed.code, 1)
  assert.match(closed.err, /24-hour window/)
  await plant.inbound({from: ANA, to: META.number, type: 'text', text: 'Hi'})
  await until('Ana to be verified', async () => (await plant.api('GET', '/api/v1/users/ana')).json.verified)
  const open = await cli('send-test', '--to', ANA, '--text', 'hello Ana')
  assert.equal(open.code, 0, open.err)
  await plant.expect(ANA, 'hello Ana')
  assert.notEqual((await cli('send-test', '--to', 'nobody')).code, 0)
})

test('broadcast: planned, sent, shown, stopped', async () => {
  const plan = await cli('broadcast', '--to', 'users:ana,nobody', '--text', 'Fire drill', '--dry-run')
  assert.equal(plan.code, 0, plan.err)
  assert.match(plan.out, /^1 recipients, 1 skipped, 1 inside the 24-hour window, 0 by template, 0 s; \w+ 1\nskipped nobody: no such person\n$/)
  const sent = await cli('broadcast', '--to', 'all', '--text', 'Fire drill', '--title', 'Drill', '--ask', 'safety')
  assert.equal(sent.code, 0, sent.err)
  const id = sent.out.split('\n')[0]
  await plant.expect(ANA, 'Fire drill')
  await until('it to be booked', async () => (await plant.api('GET', `/api/v1/broadcasts/${id}`)).json.counts.queued === 0)
  assert.match((await cli('broadcast', 'show', id)).out, new RegExp(`^${id} sending\\ntotal 1, queued 0`))
  const stopped = await cli('broadcast', 'cancel', id)
  assert.equal(stopped.code, 0, stopped.err)
  assert.match(stopped.out, new RegExp(`^${id} cancelled\\n`))
  assert.equal((await cli('broadcast', 'resend', id)).code, 1)
  assert.equal((await cli('broadcast', '--to', 'all')).code, 64)
  assert.equal((await cli('broadcast', '--to', 'moon:a', '--text', 'x')).code, 1)
})

test('migrate --status tells the schema', async () => {
  const r = await cli('migrate', '--status')
  assert.equal(r.code, 0, r.err)
  assert.match(r.out, /acme: schema \d+/)
})

test('serve: 78 on bad configuration with the key and the reason, 69 when the port is taken', async () => {
  const file = path.join(plant.dir, 'wrong.json')
  for (const [wrong, say] of [[{nonsense: 1}, /nonsense/], [{delivery: {lease_ms: 'abc'}}, /lease_ms/],
    [{tenants: [{id: 'a', senders: [{id: 'm', provider: 'meta', phone_number_id: '1', access_token: 't'}]}]}, /app_secret/]]) {
    fs.writeFileSync(file, JSON.stringify(wrong))
    const r = await plant.command('serve', '--config', file)
    assert.equal(r.code, 78, r.err)
    assert.match(r.err, say)
  }
  const port = await freePort()
  const other = await new Promise(done => { const s = http.createServer().listen(port, '127.0.0.1', () => done(s)) })
  const taken = await cli('serve', '--listen', `127.0.0.1:${port}`, '--data-dir', path.join(plant.dir, 'other'))
  other.close()
  assert.equal(taken.code, 69, taken.err)
  assert.match(taken.err, new RegExp(String(port)))
})

test('without a gateway a command starts the private Redis for itself', async () => {
  plant.gateway.kill('SIGTERM')
  assert.equal((await plant.gateway.exited).code, 0)
  const list = await cli('keys', 'list', '--tenant', 'acme')
  assert.equal(list.code, 0, list.err)
  assert.match(list.out, /wall screen/)
  assert.equal(plant.redisPid(), undefined, 'it is stopped again')
  const file = path.join(plant.dir, 'remote.json')
  fs.writeFileSync(file, JSON.stringify({redis_url: `redis://127.0.0.1:${await freePort()}/0`}))
  const r = await plant.command('serve', '--config', file)
  assert.equal(r.code, 69, r.err)
  assert.match(r.err, /Redis/)
})

test('send-test, interrupted: what is on its way is waited for', async () => {
  const faults = what => call('PUT', `${plant.sandbox}/_sandbox/faults`, {body: what})
  assert.equal((await faults({latency_ms: 3000})).status, 200)
  const c = spawn(path.join(build, 'crewline'), ['send-test', '--to', ANA, '--text', 'interrupted', '--config', plant.config],
    {cwd: plant.dir, env: plant.env(), stdio: 'ignore'})
  const exited = new Promise(done => c.on('exit', done))
  const sending = `local n = 0
    for _, key in ipairs(redis.call('KEYS', '{acme}:m:*')) do if redis.call('HGET', key, 's') == 'sending' then n = n + 1 end end
    return n`
  await until('the attempt', () => plant.redis('EVAL', sending, '0').then(n => n === '1', () => false))
  c.kill('SIGINT')
  assert.equal(await exited, 1, 'it ends by itself')
  await faults({latency_ms: 0})
  await plant.startGateway()
  const r = await plant.api('GET', '/api/v1/messages?limit=1')
  assert.ok(['sent', 'delivered', 'read'].includes(r.json.items[0].state), `not ${r.json.items[0].state}`)
  assert.ok(!(await cli('keys', 'list')).out.includes('command line'), 'nor is its key left')
})

await run()
